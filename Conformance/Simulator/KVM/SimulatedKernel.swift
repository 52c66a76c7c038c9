import ConformanceKit

/// What simulated kernels have in common: checks, effects and locks, each a place for faults, and
/// other threads that may come in between.
protocol SimulatedKernel: AnyObject {
  var baton: Baton { get }
  var fault: ActiveFaults { get set }
  /// Whether ``fault`` has to be asked.
  var hasFault: Bool { get }
}

extension SimulatedKernel {
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
    held.lock.release(held.mode)
    baton.point(.release, lock.name)
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
      held.lock.release(held.mode)
      baton.point(.release, held.lock.name)
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
}
