// SYS leaves (tdx-module §7). SYS.CONFIG takes the platform's regions, not an array in memory.
extension TDXModule {
  func performSystem(_ leaf: Leaf, _ call: inout Seamcall) throws(ModuleStatus) {
    switch leaf {
    case .SYS_INIT: try initSystem(&call)
    case .SYS_LP_INIT: try initLP(&call)
    case .SYS_CONFIG: try configureSystem(&call)
    case .SYS_KEY_CONFIG: try configureSystemKey(&call)
    case .SYS_TDMR_INIT: try initRegion(&call)
    case .SYS_SHUTDOWN: try shutDown(&call)
    // SYS.INFO, SYS.RD, SYS.RDALL and SYS.LP.SHUTDOWN change nothing.
    default: break
    }
  }

  private func lockSystem(_ mode: LockMode, _ call: inout Seamcall) throws(ModuleStatus) {
    try take(.global(mode), &call, busy: ModuleStatus(.SYS_BUSY))
  }

  private func initSystem(_ call: inout Seamcall) throws(ModuleStatus) {
    try lockSystem(.exclusive, &call)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: call.registers.rcx != 0)
    try refuse(&call, .SYS_INIT_NOT_PENDING, if: system != .SYSINIT_PENDING)
    effect("sys_state", call) { system = .SYSINIT_DONE }
  }

  private func initLP(_ call: inout Seamcall) throws(ModuleStatus) {
    try lockSystem(.shared, &call)
    try refuse(&call, .SYS_LP_INIT_NOT_PENDING, if: system != .SYSINIT_DONE)
    try refuse(&call, .SYS_LP_INIT_DONE, if: lps[call.lp].isInitialized)
    effect("lp", call) { lps[call.lp].isInitialized = true }
  }

  private func configureSystem(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    try lockSystem(.exclusive, &call)
    try refuse(&call, .SYS_CONFIG_NOT_PENDING, if: system != .SYSINIT_DONE)
    let isComplete = lps.allSatisfy(\.isInitialized)
    try refuse(&call, .SYS_CONFIG_NOT_PENDING, if: !isComplete)
    let isShared = given.rcx & 511 == 0 && given.rcx >> platform.hkidShift == 0
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !isShared)
    let most = limit("TDMRs", call, 64)
    try refuse(&call, .OPERAND_INVALID, .RDX, if: given.rdx < 1 || given.rdx > most)
    let hkid = Int(given.r8 & 0xFFFF)
    try refuse(&call, .OPERAND_INVALID, .R8, if: given.r8 >> 16 != 0 || !keys.has(hkid))
    effect("KOT", call) { keys[hkid].state = .HKID_RESERVED }
    globalHKID = hkid
    try checkRegions(&call)
    regions = platform.regions.map {
      MemoryRegion(base: $0.base, size: $0.size, initialized: $0.base)
    }
    globalPackages = 0
    effect("sys_state", call) { system = .SYSCONFIG_DONE }
  }

  private func checkRegions(_ call: inout Seamcall) throws(ModuleStatus) {
    var end: UInt64 = 0
    for region in platform.regions {
      try refuse(&call, .NON_ORDERED_TDMR, if: region.base < end)
      let isAligned = region.base & 0x3FFF_FFFF == 0 && region.size & 0x3FFF_FFFF == 0
      try refuse(&call, .INVALID_TDMR, if: !isAligned || region.size == 0)
      end = region.base &+ region.size
    }
  }

  private func configureSystemKey(_ call: inout Seamcall) throws(ModuleStatus) {
    try lockSystem(.exclusive, &call)
    try refuse(&call, .SYS_KEY_CONFIG_NOT_PENDING, if: system != .SYSCONFIG_DONE)
    let bit: UInt64 = 1 << UInt64(lps[call.lp].package)
    try refuse(&call, .KEY_CONFIGURED, if: globalPackages & bit != 0)
    try programKey(globalHKID, &call)
    effect("packages", call) { globalPackages |= bit }
    initializedPackages += 1
    guard initializedPackages == platform.packages else { return }
    effect("sys_state", call) { system = .SYS_READY }
  }

  private func initRegion(_ call: inout Seamcall) throws(ModuleStatus) {
    let base = call.registers.rcx
    call.registers.rdx = 0
    let isAligned = base & 0x3FFF_FFFF == 0 && base >> platform.hkidShift == 0
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !isAligned)
    let number = regions.firstIndex { $0.base == base }
    try refuse(&call, .OPERAND_INVALID, .RCX, if: number == nil)
    guard let number else { return }
    try take(.region(number), &call, busy: .RCX)
    let end = base + regions[number].size
    try refuse(
      &call, .TDMR_ALREADY_INITIALIZED, if: regions[number].initialized >= end)
    effect("initialized", call) { regions[number].initialized += 4 << 20 }
    call.registers.rdx = regions[number].initialized & ~0x3FFF_FFFF
  }

  private func shutDown(_ call: inout Seamcall) throws(ModuleStatus) {
    try lockSystem(.exclusive, &call)
    effect("sys_state", call) { system = .SYS_SHUTDOWN }
    // Others may see the state before it is taken back.
    baton.point(.effect, "lp_is_busy")
    let isBusy = lps.indices.contains { $0 != call.lp && lps[$0].isBusy }
    if isBusy { effect("restored", call) { system = .SYS_READY } }
    try refuse(&call, .SYS_BUSY, if: isBusy)
  }
}
