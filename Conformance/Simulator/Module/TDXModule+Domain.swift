// MNG and MR leaves (tdx-module §8).
extension TDXModule {
  func createDomain(_ call: inout Seamcall) throws(ModuleStatus) {
    let hkid = Int(call.registers.rdx & 0xFFFF)
    let isPrivate = call.registers.rdx >> 16 == 0 && keys.has(hkid)
    try refuse(&call, .OPERAND_INVALID, .RDX, if: !isPrivate)
    let page = try lockPage(call.registers.rcx, .exclusive, .NDA, .RCX, &call)
    try take(.keys(.exclusive), &call, busy: .KOT)
    try refuse(&call, .HKID_NOT_FREE, if: keys[hkid].state != .HKID_FREE)
    memory.write(page.address, 0, hkid: globalHKID, package: lps[call.lp].package)
    effect("KOT", call) { keys[hkid].state = .HKID_ASSIGNED }
    effect("PAMT", call) {
      domains[page.address] = TrustDomain(address: page.address, hkid: hkid)
      page.type = .TDR
      page.owner = 0
    }
  }

  func configureKey(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .exclusive, .RCX, &call)
    try refuse(&call, .TD_FATAL, if: td.isFatal)
    try refuse(
      &call, .LIFECYCLE_STATE_INCORRECT, if: td.lifecycle != .TD_HKID_ASSIGNED)
    let package = lps[call.lp].package
    let bit: UInt64 = 1 << UInt64(package)
    try refuse(&call, .KEY_CONFIGURED, if: td.packages & bit != 0)
    try programKey(td.hkid, &call)
    effect("packages", call) { td.packages |= bit }
    guard td.packages == globalPackages else { return }
    effect("lifecycle", call) { td.lifecycle = .TD_KEYS_CONFIGURED }
  }

  /// PCONFIG on this package.
  func programKey(_ hkid: Int, _ call: inout Seamcall) throws(ModuleStatus) {
    try refuse(
      &call, .OPERAND_BUSY, .KET, if: call.disturbance.keyProgramming == .busy)
    try refuse(
      &call, .KEY_GENERATION_FAILED, if: call.disturbance.keyProgramming == .fails)
    effect("key", call) { memory.configure(hkid, package: lps[call.lp].package) }
  }

  func addControlPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rdx, .exclusive, .RDX, &call)
    try refuse(&call, .TD_FATAL, if: td.isFatal)
    try refuse(&call, .TD_KEYS_NOT_CONFIGURED, if: td.lifecycle != .TD_KEYS_CONFIGURED)
    let most = limit("TDCX", call, TrustDomain.mostControlPages)
    try refuse(&call, .TDCX_NUM_INCORRECT, if: td.controlPages.count >= most)
    let page = try lockPage(call.registers.rcx, .exclusive, .NDA, .RCX, &call)
    memory.write(page.address, 0, hkid: td.hkid, package: lps[call.lp].package)
    try refuse(
      &call, .OP_STATE_INCORRECT, if: td.hasControl && td.operation != .UNINITIALIZED)
    effect("tdcx", call) { td.controlPages.append(page.address) }
    if td.controlPages.count == 4 { td.root = SecureTable(address: page.address) }
    own(page, .TDCX, td, call)
  }

  /// Gives a free page to a TD.
  func own(_ page: PageMetadata, _ type: PageType, _ td: TrustDomain, _ call: Seamcall) {
    effect("chldcnt", call) { td.children += page.pages }
    effect("PAMT", call) {
      page.type = type
      page.owner = td.address
    }
  }

  /// Takes a page from a TD; its owner and epoch stay as they are.
  func disown(_ page: PageMetadata, _ td: TrustDomain, _ call: Seamcall) {
    effect("chldcnt", call) { td.children -= page.pages }
    effect("PAMT", call) { page.type = .NDA }
  }

  func initDomain(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .exclusive, .RCX, &call)
    try checkState(td, nil, &call)
    let address = call.registers.rdx
    let isShared = address & 1023 == 0 && address >> platform.hkidShift == 0
    let given = parameters[address]
    try refuse(&call, .OPERAND_INVALID, .RDX, if: !isShared || given == nil)
    guard let given else { return }
    effect("epoch", call) {
      td.epoch = 1
      td.references = [0, 0]
      td.vcpus = 0
      td.associated = 0
    }
    try check(given, td, &call)
    td.attributes = given.attributes
    td.maxVcpus = given.maxVcpus
    td.rootLevel = given.walkLength
    td.width = given.isWide ? 52 : 48
    td.measurement = 0
    effect("op_state", call) { td.operation = .INITIALIZED }
  }

  private func check(
    _ given: DomainParameters, _ td: TrustDomain, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    // DEBUG, SEPT_VE_DISABLE, PKS, KL, PERFMON.
    let known: UInt64 = 1 | 1 << 28 | 1 << 30 | 1 << 31 | 1 << 63
    try refuse(&call, .OPERAND_INVALID, .ATTRIBUTES, if: given.attributes & ~known != 0)
    try refuse(&call, .OPERAND_INVALID, .XFAM, if: given.xfam & 3 != 3)
    try refuse(&call, .OPERAND_INVALID, .MAX_VCPUS, if: given.maxVcpus == 0)
    try refuse(&call, .OPERAND_INVALID, .NUM_L2_VMS, if: given.nestedVMs > 3)
    try refuse(
      &call, .TDCS_NOT_ALLOCATED, if: td.controlPages.count < 6 + given.nestedVMs)
    try refuse(&call, .OPERAND_INVALID, .EXEC_CONTROLS, if: given.reservedFlags)
    let isWalkable = given.walkLength == 3 || given.walkLength == 4
    let fits = !given.isWide || given.walkLength == 4
    try refuse(&call, .OPERAND_INVALID, .EPTP_CONTROLS, if: !isWalkable || !fits)
    // 100 MHz to 10 GHz.
    let isFrequency = (4...limit("TSC", call, 400)).contains(given.tscFrequency)
    try refuse(&call, .OPERAND_INVALID, .TSC_FREQUENCY, if: !isFrequency)
  }

  func extendMeasurement(_ call: inout Seamcall) throws(ModuleStatus) {
    let rcx = call.registers.rcx
    let td = try lockDomain(call.registers.rdx, .exclusive, .RDX, &call)
    try checkState(td, nil, &call)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: rcx & 255 != 0)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !td.isPrivate(rcx))
    let found = try find(rcx, to: 0, td)
    try refuse(
      &call, .EPT_ENTRY_NOT_PRESENT, .RCX, if: !found.entry.state.isAccessible)
    try refuse(&call, .EPT_ENTRY_NOT_PRESENT, if: found.entry.state != .MAPPED)
    effect("measurement", call) { td.measure(rcx) }
  }

  func finalizeMeasurement(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .exclusive, .RCX, &call)
    try checkState(td, nil, &call)
    try refuse(&call, .NO_VCPUS, if: td.vcpus == 0)
    effect("op_state", call) { td.operation = .RUNNABLE }
  }

  func finishFlush(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .exclusive, .RCX, &call)
    try take(.keys(.exclusive), &call, busy: .KOT)
    let isEarly = td.lifecycle == .TD_HKID_ASSIGNED || td.lifecycle == .TD_KEYS_CONFIGURED
    try refuse(&call, .LIFECYCLE_STATE_INCORRECT, if: !isEarly)
    let isInUse = td.hasControl && td.operation.isInitialized && td.associated != 0
    try refuse(&call, .FLUSHVP_NOT_DONE, if: isInUse)
    effect("wbinvd_bitmap", call) { keys[td.hkid].pending = globalPackages }
    effect("lifecycle", call) { td.lifecycle = .TD_BLOCKED }
    effect("KOT", call) { keys[td.hkid].state = .HKID_FLUSHED }
  }

  func freeKey(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .exclusive, .RCX, &call)
    try refuse(&call, .LIFECYCLE_STATE_INCORRECT, if: td.lifecycle != .TD_BLOCKED)
    try take(.keys(.exclusive), &call, busy: .KOT)
    try refuse(&call, .WBCACHE_NOT_COMPLETE, if: keys[td.hkid].pending != 0)
    effect("KOT", call) { keys[td.hkid].state = .HKID_FREE }
    effect("lifecycle", call) { td.lifecycle = .TD_TEARDOWN }
  }

  /// MNG.RD and MNG.WR as far as their checks of the TD go; fields read as zero.
  func accessDomain(_ call: inout Seamcall) throws(ModuleStatus) {
    call.registers.r8 = 0
    try refuse(&call, .OPERAND_INVALID, .RAX, if: call.version > 1)
    let td = try lockDomain(call.registers.rcx, .shared, .RCX, &call)
    try checkState(td, .shared, &call)
  }
}

extension TrustDomain {
  /// Extends the measurement by one value: a stand-in for the hash, which nobody here inverts.
  func measure(_ value: UInt64) {
    measurement = (measurement ^ value) &* 0x100_0000_01B3 &+ 0x9E37_79B9
  }
}
