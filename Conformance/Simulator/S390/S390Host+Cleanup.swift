// Ends of configurations, and walks (s390-pv §1.9).
extension S390Host {
  /// kvm_s390_pv_deinit_vm: a configuration that is not destroyed keeps its memory, and its table
  /// goes out of use.
  func destroyOwn(_ call: inout KernelCall, tells: Bool = true) -> Bool {
    let handle = machine.handle ?? 0
    var failure: Ultravisor.Failure?
    do throws(Ultravisor.Failure) { try uv.destroyConfig(handle) } catch { failure = error }
    if tells { tell(&call, rc: failure?.rc ?? 1, rrc: failure?.rrc ?? 0) }
    guard failure == nil else {
      replaceTable(call)
      return false
    }
    effect("protected_count", call) { mm.count -= 1 }
    deallocate(call)
    return true
  }

  /// The old table is left to the Ultravisor for ever; without memory for another it stays in use.
  /// Every attempt that fails costs a table, although the Ultravisor has only the first.
  private func replaceTable(_ call: KernelCall) {
    guard !profile.isSegment, starved.remove(.table) == nil else { return }
    if uv.configurations[machine.handle ?? 0]?.isExcused == true {
      tablesLost.insert(machine.table)
    }
    effect("table", call) { machine.table = memory.allocate("a top-level table") }
  }

  /// kvm_s390_pv_deinit_vm_fast: protected_count stays.
  func destroyOwnFast(_ call: inout KernelCall, tells: Bool = true) -> Bool {
    let handle = machine.handle ?? 0
    var failure: Ultravisor.Failure?
    do throws(Ultravisor.Failure) { try uv.destroyFast(handle) } catch { failure = error }
    if tells { tell(&call, rc: failure?.rc ?? 1, rrc: failure?.rrc ?? 0) }
    guard failure == nil else { return false }
    deallocate(call)
    return true
  }

  /// kvm_s390_pv_dispose_one_leftover.
  func dispose(
    _ leftover: ProtectedMachine.Leftover, _ call: KernelCall
  ) -> Ultravisor.Failure? {
    if let handle = leftover.handle {
      do throws(Ultravisor.Failure) {
        try uv.destroyConfig(handle)
      } catch {
        if uv.configurations[handle]?.isExcused == true, let table = leftover.table {
          tablesLost.insert(table)
        }
        return error
      }
      free(leftover.base, "base storage", call)
      free(leftover.variable, "variable storage", call)
      free(leftover.table, "table", call)
    }
    effect("protected_count", call) { mm.count -= 1 }
    return nil
  }

  /// kvm_s390_pv_deinit_cleanup_all: configurations first, then pages.
  ///
  /// - Returns: the failure of the first that could not be destroyed.
  func cleanUpAll(_ call: inout KernelCall) throws(KVMStop) -> Ultravisor.Failure? {
    guard mm.count > 0 else { return nil }
    effect("transient count", call) { mm.count += 1 }
    tell(&call, rc: 1, rrc: 0)
    var first: Ultravisor.Failure?
    var hasDestroyed = false
    if machine.isProtected {
      var own = KernelCall(call.name, process: 0, lp: 0)
      if !destroyOwn(&own) { first = Self.codes(own) }
      hasDestroyed = true
    }
    if let aside = machine.aside {
      effect("aside", call) {
        machine.aside = nil
        machine.needCleanup.append(aside)
      }
    }
    while !machine.needCleanup.isEmpty {
      let leftover = machine.needCleanup.removeFirst()
      if let failure = dispose(leftover, call) { first = first ?? failure }
      hasDestroyed = true
    }
    if hasDestroyed, mm.isAlive { _ = try walkGuest(&call, isInterruptible: false) }
    effect("transient count", call) { mm.count -= 1 }
    if let first { tell(&call, rc: first.rc, rrc: first.rrc) }
    return first
  }

  private static func codes(_ call: KernelCall) -> Ultravisor.Failure {
    guard case .integer(let rc)? = call.written["rc"] else { return .init(rc: 0) }
    return .init(rc: UInt16(truncatingIfNeeded: rc))
  }

  /// kvm_s390_pv_destroy_range over all pages that the guest's tables have; a chunk is a page.
  ///
  /// - Returns: whether a fatal signal ended it.
  func walkGuest(
    _ call: inout KernelCall, isInterruptible: Bool
  ) throws(KVMStop) -> Bool {
    for page in mm.pages {
      try take(machine.mmuLock, .shared, &call)
      if page.hasEntry { _ = destroyPage(page, call) }
      drop(machine.mmuLock, &call)
      if isInterruptible && hasSignal {
        hasSignal = false
        return true
      }
    }
    return false
  }

  /// The walk before 7.0, over all that the process maps: what cannot be destroyed stays.
  func walkProcess(_ call: inout KernelCall) throws(KVMStop) {
    for page in mm.pages {
      try take(mm.lock, .shared, &call)
      if let frame = page.frame {
        effect("destroy page", call) {
          guard quietly({ () throws(Ultravisor.Failure) in try uv.destroyPage(frame) }) else {
            return
          }
          page.isFlagged = false
        }
      }
      drop(mm.lock, &call)
    }
  }

  /// Destroys a page, else exports it (s390-pv §1.9).
  func destroyPage(_ page: GuestFrame, _ call: KernelCall) -> Bool {
    guard let frame = page.frame else { return true }
    var isFine = true
    effect("destroy page", call) {
      isFine = quietly { () throws(Ultravisor.Failure) in try uv.destroyPage(frame) }
    }
    if !isFine {
      effect("export", call) {
        isFine = quietly { () throws(Ultravisor.Failure) in try uv.export(frame) }
      }
    }
    if isFine { effect("PG_arch_1", call) { page.isFlagged = false } }
    return isFine
  }
}
