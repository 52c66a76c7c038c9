/// A system call of a traced process, or what else a trace tells of one, in the order of returns.
struct SystemCall: Sendable {
  /// The line of the file, from 1 on: where the call returned.
  let line: Int
  /// The process, or the thread of one; 0 when the trace does not say.
  let pid: Int
  /// When it was called, in seconds, where the trace says so.
  var time: Double?
  /// `close`, or an ioctl's name of the ABI, such as `KVM_CREATE_VM`; `ioctl 0x5401` for one that
  /// is not known; `exit` for the end of a process, `signal` for one that it got.
  var name: String
  /// The descriptor that the call is made on.
  var on: Int?
  /// What the trace says that descriptor is.
  var kind: DescriptorKind?
  /// Arguments by the names that recordings have for them (docs/traces.md). An argument that the
  /// trace does not tell is not there.
  var arguments: [String: TraceValue] = [:]
  /// -1 for a failure; a call that did not return has none.
  var ret: Int?
  var errno: String?
  /// What the kernel wrote back.
  var out: [String: TraceValue] = [:]

  var succeeded: Bool { ret.map { $0 != -1 } ?? false }

  func number(_ name: String) -> UInt64? { arguments[name]?.unsigned }
}

/// What a descriptor can be.
enum DescriptorKind: Hashable, Sendable {
  case device, vm, vcpu, gmem, other

  /// As strace's `-yy` and `/proc/PID/fd` have it, or as recorders write it.
  init(_ text: String) {
    let isCPU = text.contains("kvm-vcpu")
    self =
      if isCPU {
        .vcpu
      } else if text.contains("kvm-vm") || text == "vm" {
        .vm
      } else if text.contains("kvm-gmem") || text.contains("[kvm_gmem]") || text == "gmem" {
        .gmem
      } else if text.hasPrefix("/dev/kvm") || text == "dev" {
        .device
      } else {
        .other
      }
  }
}

extension TraceValue {
  /// A number as recordings write those of 64 bits.
  static func hex(_ number: UInt64) -> TraceValue { .text("0x" + String(number, radix: 16)) }
}
