// What happens to the guest's memory behind its back (s390-pv §1.5, §1.6, §1.13).
extension S390Host {
  /// uv_convert_from_secure by PG_arch_1: a page without the flag is taken for accessible.
  private func makeAccessible(_ page: GuestFrame, _ call: KernelCall) -> Bool {
    guard let frame = page.frame, page.isFlagged else { return true }
    var isFine = true
    effect("export", call) {
      isFine = quietly { () throws(Ultravisor.Failure) in try uv.export(frame) }
    }
    if isFine { effect("PG_arch_1", call) { page.isFlagged = false } }
    return isFine
  }

  /// The page goes to swap, and its frame to somebody else.
  func reclaim(_ page: GuestFrame, _ call: inout KernelCall) throws(KVMStop) {
    try take(machine.mmuLock, &call)
    try take(page.lock, &call)
    if let frame = page.frame {
      if mm.count > 0 { _ = makeAccessible(page, call) }
      let content = memory.content[frame]
      unmap(page, call)
      page.swapped = content
    }
    drop(page.lock, &call)
    drop(machine.mmuLock, &call)
  }

  private func unmap(_ page: GuestFrame, _ call: KernelCall) {
    free(page.frame, "page", call)
    page.frame = nil
    effect("entry", call) { page.hasEntry = false }
  }

  /// The process touches the page.
  ///
  /// - Returns: false for a signal.
  func access(_ page: GuestFrame, _ call: inout KernelCall) throws(KVMStop) -> Bool {
    guard let frame = page.frame else { return true }
    try take(page.lock, &call)
    let security = uv.frames[frame]?.security
    if security == .secure || security == .orphaned || uv.isDonated(frame) {
      // It is tried again and again, and nobody makes the page accessible.
      guard page.isFlagged else { throw .stuck }
      guard makeAccessible(page, call) else { return false }
    }
    if case .plain? = memory.content[frame], uv.frames[frame] == nil {
      complaints.append("the host reads what the guest has in page \(page.number)")
    }
    drop(page.lock, &call)
    return true
  }

  /// A memslot is deleted or moved: the guest's entries go, nothing is exported.
  func changeMemslots(isForeign: Bool, _ call: inout KernelCall) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try take(machine.slotsLock, &call)
    try refuse(&call, .EINVAL, "protected", if: machine.isProtected)
    for page in mm.pages { effect("entry", call) { page.hasEntry = false } }
  }

  // MARK: Ends

  /// The process dies: the notifier, then all pages (s390-pv §1.13).
  func exitProcess(_ call: inout KernelCall) throws(KVMStop) {
    let machine = machine
    guard
      baton.wait(
        "exit", until: { machine.users == 0 && (machine.isGone || !machine.isClosed) })
    else { throw .stuck }
    guard mm.isAlive else { return }
    mm.isAlive = false
    mm.isExiting = true
    if machine.notifier == .registered { try release(&call) }
    for page in mm.pages {
      try take(machine.mmuLock, &call)
      try take(page.lock, &call)
      if mm.count > 0 { _ = destroyPage(page, call) }
      unmap(page, call)
      drop(page.lock, &call)
      drop(machine.mmuLock, &call)
    }
    mm.isExiting = false
    baton.point(.effect, "exit_mmap")
  }

  /// kvm_s390_pv_mmu_notifier_release: with the CPUs gone, pages can be destroyed.
  private func release(_ call: inout KernelCall) throws(KVMStop) {
    let isFine = try unprotectCPUs(&call, tells: false)
    if isFine, profile.hasFastDestroy, machine.isProtected {
      if destroyOwnFast(&call, tells: false) { mm.countForEver += 1 }
    }
    machine.notifier = .fired
  }

  /// The last reference to the VM goes (s390-pv §1.13).
  func destroyMachine(_ call: inout KernelCall) throws(KVMStop) {
    let (machine, mm) = (machine, mm)
    guard !machine.isClosed else { return }
    machine.isClosed = true
    guard
      baton.wait("kvm_destroy_vm", until: { machine.users == 0 && !mm.isExiting })
    else { throw .stuck }
    for vcpu in machine.vcpus { _ = destroyCPU(vcpu, call) }
    if profile.isAsync {
      _ = try cleanUpAll(&call)
      effect("notifier", call) { machine.notifier = .none }
    } else if machine.isProtected {
      if mm.isAlive { try walkProcess(&call) }
      _ = destroyOwn(&call, tells: false)
    }
    free(machine.table, "table", call)
    machine.isGone = true
    baton.point(.effect, "kvm_destroy_vm")
  }
}
