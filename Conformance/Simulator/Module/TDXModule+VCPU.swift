// VP leaves (tdx-module §9).
extension TDXModule {
  func createVCPU(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rdx, .shared, .RDX, &call)
    try checkState(td, .shared, &call)
    let page = try lockPage(call.registers.rcx, .exclusive, .NDA, .RCX, &call)
    memory.write(page.address, 0, hkid: td.hkid, package: lps[call.lp].package)
    vcpus[page.address] = VirtualProcessor(address: page.address, owner: td)
    own(page, .TDVPR, td, call)
  }

  func addVCPUPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let vcpu = try lockVCPU(call.registers.rdx, .exclusive, .RDX, &call)
    try checkState(vcpu.owner, .shared, &call)
    try refuse(&call, .VCPU_STATE_INCORRECT, if: vcpu.state != .VCPU_UNINITIALIZED)
    let most = limit("TDVPS", call, VirtualProcessor.mostPages)
    try refuse(&call, .TDCX_NUM_INCORRECT, if: vcpu.pages >= most)
    let page = try lockPage(call.registers.rcx, .exclusive, .NDA, .RCX, &call)
    memory.write(page.address, 0, hkid: vcpu.owner.hkid, package: lps[call.lp].package)
    effect("tdvps", call) { vcpu.pages += 1 }
    own(page, .TDCX, vcpu.owner, call)
  }

  func initVCPU(_ call: inout Seamcall) throws(ModuleStatus) {
    let vcpu = try lockVCPU(call.registers.rcx, .exclusive, .RCX, &call)
    let td = vcpu.owner
    try checkState(td, .shared, &call)
    try checkPages(vcpu, &call)
    try refuse(&call, .VCPU_STATE_INCORRECT, if: vcpu.state != .VCPU_UNINITIALIZED)
    let most = limit("MAX_VCPUS", call, td.maxVcpus)
    try refuse(&call, .MAX_VCPUS_EXCEEDED, if: td.vcpus >= most)
    try refuse(
      &call, ModuleStatus(.INCONSISTENT_MSR, 0x3B), if: call.disturbance.tscAdjustChanged)
    effect("num_vcpus", call) {
      vcpu.index = td.vcpus
      td.vcpus += 1
    }
    effect("state", call) { vcpu.state = .VCPU_READY }
    try associate(vcpu, call)
  }

  private func checkPages(
    _ vcpu: VirtualProcessor, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    try refuse(
      &call, .TDCX_NUM_INCORRECT, if: vcpu.pages < VirtualProcessor.leastPages)
  }

  /// One compare-and-exchange: of two LPs at once one gets the vCPU (tdx-module §14.11).
  private func associate(_ vcpu: VirtualProcessor, _ call: Seamcall) throws(ModuleStatus) {
    guard vcpu.lp != call.lp else { return }
    var isTaken = false
    effect("association", call) {
      isTaken = vcpu.lp != nil
      if !isTaken { vcpu.lp = call.lp }
    }
    if isTaken { throw ModuleStatus(.VCPU_ASSOCIATED) }
    effect("num_assoc_vcpus", call) { vcpu.owner.associated += 1 }
  }

  func flushVCPU(_ call: inout Seamcall) throws(ModuleStatus) {
    let vcpu = try lockVCPU(call.registers.rcx, .exclusive, .RCX, &call)
    let td = vcpu.owner
    try refuse(&call, .TD_KEYS_NOT_CONFIGURED, if: td.lifecycle != .TD_KEYS_CONFIGURED)
    try checkPages(vcpu, &call)
    try refuse(&call, .VCPU_NOT_ASSOCIATED, if: vcpu.lp != call.lp)
    effect("INVEPT", call) { lps[call.lp].translations.flush(domain: td.address) }
    effect("association", call) { vcpu.lp = nil }
    effect("num_assoc_vcpus", call) { td.associated -= 1 }
    effect("last_tdvpr", call) { lps[call.lp].last = nil }
  }

  /// VP.RD and VP.WR as far as their checks of the vCPU go.
  func accessVCPU(_ call: inout Seamcall) throws(ModuleStatus) {
    try refuse(&call, .OPERAND_INVALID, .RAX, if: call.version > 1)
    let vcpu = try lockVCPU(call.registers.rcx, .shared, .RCX, &call)
    try checkState(vcpu.owner, .shared, &call)
    try checkPages(vcpu, &call)
    let isIdle =
      vcpu.state == .VCPU_READY || vcpu.state == .VCPU_DISABLED && call.leaf == .VP_RD
    try checkAssociation(vcpu, isIdle: isIdle, &call)
    try associate(vcpu, call)
  }

  private func checkAssociation(
    _ vcpu: VirtualProcessor, isIdle: Bool, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    try refuse(&call, .VCPU_STATE_INCORRECT, if: !isIdle)
    try refuse(&call, .VCPU_ASSOCIATED, if: vcpu.lp != nil && vcpu.lp != call.lp)
  }

  func enter(_ call: inout Seamcall) throws(ModuleStatus) {
    let rcx = call.registers.rcx
    let reserved: UInt64 = 0xFFF | 0x3FF << 54
    try refuse(&call, .OPERAND_INVALID, .RCX, if: rcx & reserved != 0)
    let vcpu = try lockVCPU(rcx & 0x000F_FFFF_FFFF_F000, .shared, .RCX, &call)
    let td = vcpu.owner
    try checkState(td, .shared, &call)
    try checkPages(vcpu, &call)
    try checkAssociation(vcpu, isIdle: vcpu.state == .VCPU_READY, &call)
    let isNew = vcpu.lp == nil
    try associate(vcpu, call)
    let hinted = rcx >> 52 & 1 != 0 && !vcpu.leftByTrap
    try refuse(&call, .OPERAND_INVALID, .RCX, if: hinted || rcx >> 53 & 1 != 0)
    try refuse(
      &call, ModuleStatus(.INCONSISTENT_MSR, 0x3B), if: call.disturbance.tscAdjustChanged)
    try sampleEpoch(vcpu, isNew: isNew, &call)
    drop(.operation(td, .shared), &call)
    if lps[call.lp].last != vcpu.address {
      effect("ASID flush", call) { lps[call.lp].translations.flush(domain: td.address) }
      lps[call.lp].last = vcpu.address
    }
    effect("state", call) { vcpu.state = .VCPU_ACTIVE }
    lps[call.lp].guest = RunningGuest(vcpu: vcpu, held: call.held, entered: clock)
    call.held = []
  }

  /// The epoch of an entry is counted, and translations of an older one are dropped
  /// (tdx-module §14.4).
  private func sampleEpoch(
    _ vcpu: VirtualProcessor, isNew: Bool, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    let td = vcpu.owner
    try take(.epoch(td, .shared), &call, busy: .TD_EPOCH)
    let epoch = td.epoch
    effect("refcount", call) { td.references[Int(epoch & 1)] += 1 }
    drop(.epoch(td, .shared), &call)
    guard epoch != vcpu.epoch else { return }
    if !isNew {
      effect("INVEPT", call) { lps[call.lp].translations.flush(domain: td.address) }
    }
    effect("vcpu_epoch", call) { vcpu.epoch = epoch }
  }

  /// Gives one lock back before the end, if the call holds it.
  func drop(_ lock: HeldLock, _ call: inout Seamcall) {
    guard let last = call.held.lastIndex(where: { $0.name == lock.name }) else { return }
    release(call.held.remove(at: last))
  }
}
