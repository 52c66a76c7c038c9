import ConformanceKit

/// A kernel with KVM on a machine, written from kvm-tdx §1 to §4 and guest-memfd §1.
///
/// Calls run on the calling thread under the kernel's own locks and hand the baton on at each lock,
/// each visible effect and each SEAMCALL.
public final class KVMHost: @unchecked Sendable {
  public let profile: KernelProfile
  public let port: ModulePortAccess
  let module: ModulePort
  let baton: Baton
  var fault: ActiveFaults
  let hasFault: Bool
  /// CPUs of the machine, each an LP.
  let cpus: Int
  /// The package of each CPU.
  let packages: [Int]

  var frames: FrameAllocator
  /// Key ids that no TD has.
  var freeKeys: [Int]
  let firstKey: Int
  let platform: ModulePlatform
  let keyLock = KernelLock("tdx_lock")
  /// What guests do next, by the id of their vCPU; then they are interrupted.
  public var guestEvents: [Int: ArraySlice<GuestEvent>] = [:]
  /// What guests read, in turn; nil is garbage.
  public internal(set) var guestReads: [UInt64?] = []
  /// What KVM found broken, of any VM.
  public internal(set) var bugs: [String] = []
  /// What KVM warned of.
  public internal(set) var warnings: [String] = []

  /// - Parameters:
  ///   - profile: the kernel.
  ///   - cpus: how many there are.
  ///   - hasModule: a simulated TDX module decides; otherwise a stand-in accepts every SEAMCALL.
  ///   - faults: mistakes that the kernel, or the module, makes.
  ///   - survey: told of the places that faults can be at.
  ///   - baton: how threads take turns.
  public init(
    _ profile: KernelProfile, cpus: Int = 2, hasModule: Bool = false, faults: [Fault] = [],
    survey: FaultSurvey? = nil, baton: Baton = Baton()
  ) {
    self.profile = profile
    self.baton = baton
    self.fault = ActiveFaults(faults, survey)
    self.cpus = cpus
    hasFault = self.fault.isActive
    packages = hasModule ? [0, 0, 1, 1] : Array(repeating: 0, count: cpus)
    let platform = ModulePlatform(packageOfLP: packages)
    module = ModulePort(
      hasModule ? TDXModule(platform, faults: faults, survey: survey, baton: baton) : nil)
    port = ModulePortAccess(module)
    self.platform = platform
    frames = FrameAllocator(platform.regions[0])
    firstKey = platform.moduleHKID + 1
    freeKeys = Array(firstKey...platform.hkids.upperBound)
  }
}

/// What tests see and do at the module's door.
public struct ModulePortAccess {
  private let port: ModulePort

  init(_ port: ModulePort) { self.port = port }

  /// The SEAMCALLs made since the last ``clearLog()``.
  public var log: [LoggedCall] { port.log }
  public func clearLog() { port.clearLog() }

  /// The next `count` calls of the leaf answer `status` and are not made.
  public func fail(_ leaf: Leaf, count: Int, status: UInt64) {
    port.failures[leaf] = ModulePort.Failure(count: count, status: status)
  }

  /// What the stand-in's next VP.ENTER returns.
  public func setScript(_ exits: [Registers]) { port.script = exits }
}

// MARK: Checks, effects and locks

extension KVMHost {
  /// Answers with the error if the condition holds. The name is what a fault refers to.
  @inline(__always)
  func refuse(
    _ call: inout KernelCall, _ error: KernelError, _ name: StaticString, if condition: Bool
  ) throws(KVMStop) {
    if hasFault { return try refuseWithFault(&call, error, name, condition) }
    if condition { throw .error(error) }
  }

  private func refuseWithFault(
    _ call: inout KernelCall, _ error: KernelError, _ name: StaticString, _ condition: Bool
  ) throws(KVMStop) {
    let late = call.late
    call.late = nil
    defer { if condition { fault.hasRefused = true } }
    switch fault.at(.check, call.name, "\(name)") {
    case .missingCheck: break
    case .wrongAnswer:
      if condition { throw .error(error == .EINVAL ? .EIO : .EINVAL) }
    case .extraRefusal, .extraGuard: throw .error(error)
    case .lateCheck: if condition { call.late = .error(error) }
    default: if condition { throw .error(error) }
    }
    if let late { throw late }
  }

  @inline(__always)
  func effect(_ name: StaticString, _ call: KernelCall, _ change: () -> Void) {
    baton.point(.effect, "\(call.name) \(name)")
    if hasFault {
      switch fault.at(.effect, call.name, "\(name)") {
      case .missingEffect, .effectStops: return
      case .effectTwice: change()
      default: break
      }
    }
    change()
  }

  /// A limit, which a fault makes one too high.
  @inline(__always)
  func limit(_ name: StaticString, _ call: KernelCall, _ value: UInt64) -> UInt64 {
    guard hasFault, fault.at(.limit, call.name, "\(name)") == .limitTooHigh else { return value }
    return value &+ 1
  }

  /// Waits for a lock and takes it exclusively.
  func take(_ lock: KernelLock, _ call: inout KernelCall) throws(KVMStop) {
    try take(lock, .exclusive, &call)
  }

  /// Waits for a lock and takes it.
  func take(
    _ lock: KernelLock, _ mode: LockMode, _ call: inout KernelCall
  ) throws(KVMStop) {
    baton.point(.acquire, lock.name)
    var mode = mode
    if hasFault {
      switch fault.at(
        mode == .shared ? .waitedShared : .waitedExclusive, call.name, lock.name)
      {
      case .lockNotTaken: return
      case .lockWeakened: mode = .shared
      case .lockStrengthened: mode = .exclusive
      case .lockDroppedEarly:
        guard baton.wait(lock.name, until: { lock.isAvailable(mode) }) else { throw .stuck }
        return
      case .lockSwapped:
        call.postponed = HeldKernelLock(lock: lock, mode: mode)
        return
      default: break
      }
    }
    try wait(HeldKernelLock(lock: lock, mode: mode), &call)
    guard let postponed = call.postponed else { return }
    call.postponed = nil
    try wait(postponed, &call)
  }

  private func wait(
    _ wanted: HeldKernelLock, _ call: inout KernelCall
  ) throws(KVMStop) {
    let lock = wanted.lock
    guard baton.wait(lock.name, until: { lock.isAvailable(wanted.mode) }) else {
      throw .stuck
    }
    lock.take(wanted.mode)
    call.held.append(wanted)
  }

  /// Gives back a lock that the call holds.
  func drop(_ lock: KernelLock, _ call: inout KernelCall) {
    guard let last = call.held.lastIndex(where: { $0.lock === lock }) else { return }
    let held = call.held.remove(at: last)
    baton.point(.release, lock.name)
    held.lock.release(held.mode)
  }

  func dropAll(_ call: inout KernelCall) {
    while let held = call.held.popLast() {
      if hasFault, call.hasFailed,
        fault.at(
          held.mode == .shared ? .waitedShared : .waitedExclusive, call.name, held.lock.name)
          == .lockKeptOnFailure
      {
        continue
      }
      baton.point(.release, held.lock.name)
      held.lock.release(held.mode)
    }
  }

  /// Runs a call and gives its locks back.
  func perform<T>(
    _ call: inout KernelCall, _ body: (inout KernelCall) throws(KVMStop) -> T
  ) -> Result<T, KVMStop> {
    var result: Result<T, KVMStop>
    do throws(KVMStop) {
      result = .success(try body(&call))
      if let late = call.late { result = .failure(late) }
    } catch {
      result = .failure(error)
    }
    if case .failure = result { call.hasFailed = true }
    dropAll(&call)
    return result
  }

  /// KVM_BUG_ON: the VM is dead from now on (kvm-tdx §1.6).
  func reportBug(_ what: String, _ machine: VirtualMachine) {
    machine.bug = machine.bug ?? what
    bugs.append(what)
    machine.isDead = true
  }

  /// What is checked before any ioctl of a VM or vCPU (kvm-tdx §2.0).
  func checkAlive(_ machine: VirtualMachine, _ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EIO, "mm", if: machine.owner != call.process)
    try refuse(&call, .EIO, "vm_dead", if: machine.isDead)
  }
}
