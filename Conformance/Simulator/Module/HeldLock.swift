/// A lock of the module, and how it is held.
enum HeldLock {
  case page(PageMetadata, LockMode)
  case operation(TrustDomain, LockMode)
  case tree(TrustDomain, LockMode)
  case epoch(TrustDomain, LockMode)
  case entry(SecureTable, Int)
  case keys(LockMode)
  case global(LockMode)
  case writeBack(Int)
  case region(Int)

  /// The name, for faults and schedules.
  var name: String {
    switch self {
    case .page(let page, _): ["PAMT", "PAMT_2M", "PAMT_1G"][page.size] + ".\(page.type)"
    case .operation: "OP_STATE"
    case .tree: "SEPT_TREE"
    case .epoch: "TD_EPOCH"
    case .entry: "SEPT_ENTRY"
    case .keys: "KOT"
    case .global: "GLOBAL"
    case .writeBack: "WBT"
    case .region: "TDMR"
    }
  }

  /// What kind of place for faults it is.
  var place: FaultPlace.Kind {
    switch self {
    case .page(_, let mode), .operation(_, let mode), .tree(_, let mode), .epoch(_, let mode),
      .keys(let mode), .global(let mode):
      mode == .shared ? .triedShared : .triedExclusive
    case .entry, .writeBack, .region: .triedMutex
    }
  }

  /// The same lock in another mode.
  func with(_ mode: LockMode) -> HeldLock {
    switch self {
    case .page(let page, _): .page(page, mode)
    case .operation(let td, _): .operation(td, mode)
    case .tree(let td, _): .tree(td, mode)
    case .epoch(let td, _): .epoch(td, mode)
    case .keys: .keys(mode)
    case .global: .global(mode)
    case .entry, .writeBack, .region: self
    }
  }
}

/// A lock that a fault moved behind the next one.
struct PostponedLock {
  let lock: HeldLock
  let busy: ModuleStatus
}

extension TDXModule {
  /// Takes a lock or answers that it is busy: no lock of the module waits.
  func take(
    _ lock: HeldLock, _ call: inout Seamcall, busy: ModuleStatus
  ) throws(ModuleStatus) {
    baton.point(.acquire, lock.name)
    var lock = lock
    if hasFault {
      switch fault.at(lock.place, call.name, lock.name) {
      case .lockNotTaken: return
      case .lockWeakened: lock = lock.with(.shared)
      case .lockStrengthened: lock = lock.with(.exclusive)
      case .lockDroppedEarly:
        if attempt(lock) { return release(lock) }
        throw busy
      case .lockSwapped:
        call.postponed = PostponedLock(lock: lock, busy: busy)
        return
      case .lockWaits:
        guard baton.wait(lock.name, until: { attempt(lock) }) else {
          throw panic("it waits for \(lock.name) for ever")
        }
        call.held.append(lock)
        return
      default: break
      }
    }
    guard attempt(lock) else { throw busy }
    call.held.append(lock)
    guard let postponed = call.postponed else { return }
    call.postponed = nil
    guard attempt(postponed.lock) else { throw postponed.busy }
    call.held.append(postponed.lock)
  }

  func take(
    _ lock: HeldLock, _ call: inout Seamcall, busy operand: OperandID
  ) throws(ModuleStatus) {
    try take(lock, &call, busy: ModuleStatus(.OPERAND_BUSY, operand))
  }

  /// One attempt, as the host.
  func attempt(_ lock: HeldLock) -> Bool {
    switch lock {
    case .page(let page, let mode): return page.lock.tryByHost(mode)
    case .operation(let td, let mode): return td.operationLock.tryByHost(mode)
    case .tree(let td, let mode): return td.treeLock.attempt(mode)
    case .epoch(let td, let mode): return td.epochLock.attempt(mode)
    case .entry(let table, let index): return table.entries[index].tryByHost()
    case .keys(let mode): return keys.lock.attempt(mode)
    case .global(let mode): return globalLock.attempt(mode)
    case .writeBack(let package):
      guard !writeBacks[package].isLocked else { return false }
      writeBacks[package].isLocked = true
      return true
    case .region(let number):
      guard !regions[number].isLocked else { return false }
      regions[number].isLocked = true
      return true
    }
  }

  func release(_ lock: HeldLock) {
    baton.point(.release, lock.name)
    switch lock {
    case .page(let page, let mode): page.lock.release(mode)
    case .operation(let td, let mode): td.operationLock.release(mode)
    case .tree(let td, let mode): td.treeLock.release(mode)
    case .epoch(let td, let mode): td.epochLock.release(mode)
    case .entry(let table, let index): table.entries[index].release()
    case .keys(let mode): keys.lock.release(mode)
    case .global(let mode): globalLock.release(mode)
    case .writeBack(let package): writeBacks[package].isLocked = false
    case .region(let number): regions[number].isLocked = false
    }
  }

  /// Gives back what the call took last, before its end.
  func releaseLast(_ call: inout Seamcall) {
    if let lock = call.held.popLast() { release(lock) }
  }

  /// Gives everything back, the last lock first.
  func releaseAll(_ call: inout Seamcall) {
    while let lock = call.held.popLast() {
      if hasFault, call.hasFailed, fault.at(lock.place, call.name, lock.name) == .lockKeptOnFailure
      {
        continue
      }
      release(lock)
    }
  }
}
