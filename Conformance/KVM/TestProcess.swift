import CKVM
import ConformanceKit
import Glibc

/// The process that makes a test's calls: its descriptors, its mappings, its memory for guests.
///
/// Whatever it holds goes when it ends, so that each test has one of its own.
final class TestProcess: Sendable {
  let table = ObjectTable()
  /// 8 MiB of memory on a boundary of 2 MiB, with nothing behind; HLT, then zeroes.
  let buffer: UInt64
  let standIn: StandIn?
  let rules: Rules

  /// What a runner may do to the kernel it runs on.
  struct Rules: Hashable, Sendable {
    /// vCPUs are created and run.
    var allowsRun = false
    /// The kernel is there for tests alone: what may bring it down is allowed.
    var ownsKernel = false
  }

  static let bufferSize = 8 << 20
  private static let alignment = 2 << 20

  /// - Throws: `unavailable` when there is no /dev/kvm or no memory.
  init(_ rules: Rules, standIn: StandIn?) throws(BackendError) {
    self.rules = rules
    self.standIn = standIn
    guard let device = Descriptor(path: "/dev/kvm", flags: O_RDWR) else {
      throw BackendError(.unavailable, "/dev/kvm: \(String(cString: strerror(errno)))")
    }
    table.bind("dev", .init(number: device.release(), kind: .device))
    buffer = try Self.makeBuffer()
  }

  private static func makeBuffer() throws(BackendError) -> UInt64 {
    let whole = 2 * bufferSize
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let start = mmap(nil, whole, PROT_NONE, flags, -1, 0), start != MAP_FAILED else {
      throw BackendError(.unavailable, "there is no memory for a guest")
    }
    let low = UInt(bitPattern: start)
    let base = (low + UInt(alignment) - 1) & ~UInt(alignment - 1)
    guard let memory = UnsafeMutableRawPointer(bitPattern: base),
      mprotect(memory, bufferSize, PROT_READ | PROT_WRITE) == 0
    else { throw BackendError(.unavailable, "there is no memory for a guest") }
    madvise(memory, bufferSize, MADV_NOHUGEPAGE)
    memset(memory, 0xF4, 64 << 10)
    memset(memory + (64 << 10), 0, bufferSize - 64 << 10)
    return UInt64(base)
  }

  /// Makes the call and tells what it answered, wrote back, and called in the module.
  func perform(_ call: Call) throws(BackendError) -> CallResult {
    standIn?.clearLog()
    var result = try performPlainly(call)
    if let standIn { result.written[SeamcallList.name] = standIn.seamcalls.value }
    return result
  }

  /// Without a look at the log of SEAMCALLs, which threads of a race share.
  func performPlainly(_ call: Call) throws(BackendError) -> CallResult {
    try CallWords.check(call)
    let given = CallArguments(call: call)
    try refuseHazards(given)
    if given.text("by") == "child" { return try performInChild(given) }
    return try dispatch(given)
  }

  func dispatch(_ given: CallArguments) throws(BackendError) -> CallResult {
    switch given.call.name {
    case "touch": return try touch(given)
    case "munmap": return unmap(given)
    case "close": return close(given)
    case "set_hypercall_ret": return try setHypercallResult(given)
    case "standin_fail", "standin_delay", "standin_script": return try control(given)
    default: break
    }
    if let result = try machineCall(given) { return result }
    if let result = try vcpuCall(given) { return result }
    if let result = try tdxCall(given) { return result }
    if let result = try fileCall(given) { return result }
    throw BackendError(.unknownCall, "there is no call '\(given.call.name)'")
  }

  /// The descriptor that the call is made on.
  func target(_ given: CallArguments) -> Int32 { table.number(given.text("on") ?? "dev") }

  /// A value, or a negative errno.
  static func result(_ value: Int64, _ written: [String: Value] = [:]) -> CallResult {
    guard value < 0 else { return CallResult(.ok(.integer(value)), written: written) }
    return CallResult(.errno(Errno(number: Int32(truncatingIfNeeded: -value))), written: written)
  }

  /// The same for calls of the C library, which leave the errno in `errno`.
  static func libraryResult(_ value: Int) -> CallResult {
    result(value < 0 ? -Int64(errno) : 0)
  }

  /// An ioctl with a structure, which it may write to.
  func ioctl<T: BitwiseCopyable>(
    _ given: CallArguments, _ request: UInt64, _ value: inout T
  ) -> Int64 {
    let number = target(given)
    return withUnsafeMutablePointer(to: &value) {
      ckvm_ioctl(number, request, UInt64(UInt(bitPattern: $0)))
    }
  }

  /// An address of user space: a number, `buf+0x1000` or `map0+0x0`.
  func address(_ given: CallArguments, _ name: String) throws(BackendError) -> UInt64 {
    guard let place = try given.place(name) else { return try given.word(name) }
    let base = table.mapping(place.base)?.base ?? buffer
    return base &+ place.offset
  }

  /// What can be seen without changing anything: whether a VM still takes calls.
  func observe() -> [String: Value] {
    var seen: [String: Value] = [:]
    for machine in table.machines {
      let answer = ckvm_ioctl(machine.number, CKVM_CHECK_EXTENSION, 0)
      seen["\(machine.name).dead"] = .flag(answer == -Int64(EIO))
    }
    return seen
  }
}
