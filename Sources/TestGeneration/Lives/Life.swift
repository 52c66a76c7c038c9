import ConformanceKit
import TraceValidation

/// What a VMM does with a VM from its creation to its end, as calls in the words of recordings.
///
/// A life is where tests begin: they leave it in one place or another and go back to it, so that
/// what a call left behind shows in the calls after it.
public struct Life: Sendable {
  public let name: String
  /// The recorded environment whose words and answers these are.
  public let environment: String
  /// CPUs of the machine.
  public let cpus: Int
  public let calls: [Call]

  /// The lives of a spec; empty for one that answers no recordings.
  public static func all(of spec: String) -> [Life] {
    switch spec {
    case "kvm/tdx": tds
    case "gmem/mainline": softwareProtected + plain
    default: []
    }
  }
}

/// Calls as lives write them.
enum Say {
  static func hex(_ number: UInt64) -> TestValue { .text("0x" + String(number, radix: 16)) }

  static func createVM(_ vm: String, _ type: Int64) -> Call {
    Call("KVM_CREATE_VM", ["new": .text(vm), "type": .integer(type)])
  }

  static func enable(_ vm: String, _ cap: String, _ argument: UInt64) -> Call {
    Call(
      "KVM_ENABLE_CAP",
      [
        "on": .text(vm), "cap": .text("KVM_CAP_" + cap), "flags": 0,
        "args": .list([hex(argument), "0x0"]),
      ])
  }

  static func ask(_ on: String, _ cap: String) -> Call {
    Call("KVM_CHECK_EXTENSION", ["on": .text(on), "cap": .text("KVM_CAP_" + cap)])
  }

  /// An ioctl with a `struct kvm_tdx_cmd`.
  static func tdx(_ name: String, _ on: String, _ more: [String: TestValue] = [:]) -> Call {
    var call = Call("KVM_TDX_" + name, ["on": .text(on), "flags": 0])
    call.arguments.merge(more) { $1 }
    return call
  }

  static func initVM(_ vm: String, gpaw: Int64 = 48) -> Call {
    tdx(
      "INIT_VM", vm,
      ["attributes": "0x10000000", "xfam": "0x3", "gpaw": .integer(gpaw)])
  }

  static func createVCPU(_ vm: String, _ vcpu: String, _ id: Int64) -> Call {
    Call("KVM_CREATE_VCPU", ["on": .text(vm), "new": .text(vcpu), "id": .integer(id)])
  }

  static func setCPUID(_ vcpu: String, gpaw: Int64 = 48) -> Call {
    Call("KVM_SET_CPUID2", ["on": .text(vcpu), "x2apic": true, "gpaw": .integer(gpaw)])
  }

  static func initVCPU(_ vcpu: String) -> Call { tdx("INIT_VCPU", vcpu, ["data": "0x0"]) }

  static func createMemory(_ vm: String, _ gmem: String, _ size: UInt64, _ flags: UInt64) -> Call {
    Call(
      "KVM_CREATE_GUEST_MEMFD",
      ["on": .text(vm), "new": .text(gmem), "size": hex(size), "flags": hex(flags)])
  }

  /// A memslot with a memfd.
  static func bind(
    _ vm: String, slot: Int64, _ gpa: UInt64, _ size: UInt64, _ gmem: String, _ offset: UInt64,
    hva: TestValue = "buf+0x0"
  ) -> Call {
    var call = region(vm, slot: slot, gpa, size, flags: 4, hva: hva)
    call.arguments["gmem"] = .text(gmem)
    call.arguments["gmem_offset"] = hex(offset)
    return call
  }

  static func region(
    _ vm: String, slot: Int64, _ gpa: UInt64, _ size: UInt64, flags: Int64 = 0,
    hva: TestValue = "buf+0x0"
  ) -> Call {
    Call(
      "KVM_SET_USER_MEMORY_REGION2",
      [
        "on": .text(vm), "slot": .integer(slot), "gpa": hex(gpa), "size": hex(size),
        "flags": .integer(flags), "hva": hva, "gmem_offset": "0x0",
      ])
  }

  /// The older call for a memslot, which knows no memfd.
  static func oldRegion(
    _ vm: String, slot: Int64, _ gpa: UInt64, _ size: UInt64, flags: Int64 = 0
  ) -> Call {
    var call = region(vm, slot: slot, gpa, size, flags: flags)
    call.name = "KVM_SET_USER_MEMORY_REGION"
    call.arguments["gmem_offset"] = nil
    return call
  }

  /// A command of TDs by its number.
  static func raw(_ on: String, _ id: Int64) -> Call {
    Self.on(on, "KVM_MEMORY_ENCRYPT_OP", ["id": .integer(id), "flags": 0, "data": "0x0"])
  }

  static func attributes(_ vm: String, _ gpa: UInt64, _ size: UInt64, isPrivate: Bool) -> Call {
    Call(
      "KVM_SET_MEMORY_ATTRIBUTES",
      [
        "on": .text(vm), "gpa": hex(gpa), "size": hex(size),
        "attributes": isPrivate ? "0x8" : "0x0", "flags": "0x0",
      ])
  }

  static func addMemory(
    _ vcpu: String, _ gpa: UInt64, pages: UInt64, isMeasured: Bool, source: TestValue = "buf+0x0"
  ) -> Call {
    tdx(
      "INIT_MEM_REGION", vcpu,
      [
        "flags": isMeasured ? 1 : 0, "gpa": hex(gpa), "nr_pages": hex(pages), "source": source,
      ])
  }

  static func preFault(_ vcpu: String, _ gpa: UInt64, _ size: UInt64) -> Call {
    Call(
      "KVM_PRE_FAULT_MEMORY",
      ["on": .text(vcpu), "gpa": hex(gpa), "size": hex(size), "flags": "0x0"])
  }

  static func fallocate(
    _ gmem: String, _ mode: String, _ offset: UInt64, _ length: UInt64
  ) -> Call {
    Call(
      "fallocate",
      [
        "on": .text(gmem), "mode": .text(mode), "offset": hex(offset), "len": hex(length),
      ])
  }

  static let punch = "PUNCH_HOLE|KEEP_SIZE"

  static func on(_ object: String, _ name: String, _ more: [String: TestValue] = [:]) -> Call {
    var call = Call(name, ["on": .text(object)])
    call.arguments.merge(more) { $1 }
    return call
  }

  static func close(_ object: String) -> Call { on(object, "close") }

  /// What TDH.VP.ENTER returns next: RAX, RCX, RDX, R8 to R12.
  static func exits(_ registers: UInt64...) -> Call {
    Call("standin_script", ["exit": .list(registers.map(hex))])
  }

  /// A TDVMCALL of the guest: its leaf and two arguments.
  static func guestCalls(_ leaf: UInt64, _ first: UInt64, _ second: UInt64) -> Call {
    exits(0x4d, 0, 0, 0, 0, 0, leaf, first, second)
  }

  /// The guest accesses a page that is not mapped.
  static func guestAccesses(_ gpa: UInt64) -> Call { exits(0x30, 0, 0, gpa) }

  static func map(_ mapping: String, _ gmem: String, _ offset: UInt64, _ length: UInt64) -> Call {
    Call(
      "mmap",
      [
        "on": .text(gmem), "new": .text(mapping), "offset": hex(offset), "len": hex(length),
        "prot": "READ|WRITE", "flags": "SHARED",
      ])
  }

  static func touch(_ mapping: String, _ offset: UInt64, writes value: Int64? = nil) -> Call {
    var call = Call("touch", ["on": .text(mapping), "offset": hex(offset), "write": false])
    if let value {
      call.arguments["write"] = true
      call.arguments["value"] = .integer(value)
    }
    return call
  }
}

extension TraceValue {
  /// A call as recordings have it.
  init(_ call: Call) {
    var arguments = call.arguments
    var members: [(key: String, value: TraceValue)] = [("op", .text(call.name))]
    if let by = arguments.removeValue(forKey: "by") { members.append(("by", TraceValue(by))) }
    let sorted = arguments.sorted { $0.key < $1.key }
    members.append(("args", .members(sorted.map { ($0.key, TraceValue($0.value)) })))
    self = .members(members)
  }

  init(_ value: TestValue) {
    switch value {
    case .flag(let flag): self = .bool(flag)
    case .integer(let number): self = .number(Int(number))
    case .word(let word): self = .text("0x" + String(word, radix: 16))
    case .text(let text): self = .text(text)
    case .list(let values): self = .list(values.map { TraceValue($0) })
    }
  }

  /// As a test has it: texts of hexadecimal digits are numbers.
  var asTestValue: TestValue {
    switch self {
    case .text(let text):
      if text.hasPrefix("0x"), let word = UInt64(text.dropFirst(2), radix: 16) {
        return .word(word)
      }
      return .text(text)
    case .number(let number): return .integer(Int64(number))
    case .bool(let flag): return .flag(flag)
    case .list(let values): return .list(values.map(\.asTestValue))
    case .null, .members: return .text(json)
    }
  }
}
