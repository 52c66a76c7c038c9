// PHYMEM leaves (tdx-module §11).
extension TDXModule {
  /// A page operand of whatever type and size it is a part of.
  private func lockWhatever(
    _ mode: LockMode, _ call: inout Seamcall
  ) throws(ModuleStatus) -> PageMetadata {
    let address = call.registers.rcx
    let isPlain = address & 0xFFF == 0 && address >> platform.hkidShift == 0
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !isPlain)
    let isCovered = regions.contains { $0.covers(address) }
    try refuse(&call, .OPERAND_ADDR_RANGE_ERROR, .RCX, if: !isCovered)
    return try walkMetadata(address, mode, .RCX, &call)
  }

  func reclaimPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let address = call.registers.rcx
    let page = try lockWhatever(.exclusive, &call)
    call.registers.r8 = 0
    call.clearDetails()
    let isUsed = page.type != .NDA && page.type != .RSVD
    try refuse(&call, .PAGE_METADATA_INCORRECT, .RCX, if: !isUsed)
    call.registers.rcx = UInt64(page.type.rawValue)
    call.registers.rdx = page.owner
    call.registers.r8 = UInt64(page.size)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: address != page.address)
    guard page.type != .TDR else { return try reclaimDomain(page, &call) }
    _ = try lockImplicit(page.owner, .shared, .TDR, &call)
    guard let td = domains[page.owner] else { throw panic("a page without its owner") }
    try refuse(&call, .LIFECYCLE_STATE_INCORRECT, if: td.lifecycle != .TD_TEARDOWN)
    if page.type == .TDVPR { vcpus[page.address] = nil }
    disown(page, td, call)
  }

  private func reclaimDomain(
    _ page: PageMetadata, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    guard let td = domains[page.address] else { throw panic("a TDR without a TD") }
    try refuse(&call, .LIFECYCLE_STATE_INCORRECT, if: td.lifecycle != .TD_TEARDOWN)
    try refuse(&call, .TD_ASSOCIATED_PAGES_EXIST, if: td.children != 0)
    effect("PAMT", call) {
      page.type = .NDA
      domains[page.address] = nil
    }
  }

  func readMetadata(_ call: inout Seamcall) throws(ModuleStatus) {
    let page = try lockWhatever(.shared, &call)
    call.registers.rcx = UInt64(page.type.rawValue)
    call.registers.rdx = page.owner
    call.registers.r8 = UInt64(page.size)
    let hasEpoch = page.type == .REG || page.type == .EPT
    call.registers.r9 = hasEpoch ? page.blockEpoch : 0
  }

  func writeBackPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let address = call.registers.rcx
    let mask: UInt64 = 1 << platform.hkidShift - 1
    // Which bits hold the key id is the platform's; bits from 52 on are none of them.
    let plain = address >> 52 == 0 ? address & mask : address
    let page = try lockPage(plain, .shared, .NDA, .RCX, &call)
    let hkid = Int(address >> platform.hkidShift)
    effect("write back", call) { memory.writeBack(page.address, hkid: hkid) }
  }

  func writeBackCache(_ call: inout Seamcall) throws(ModuleStatus) {
    let command = call.registers.rcx
    try refuse(&call, .OPERAND_INVALID, .RCX, if: command > 1)
    let package = lps[call.lp].package
    try take(.writeBack(package), &call, busy: .WBCACHE)
    try take(.keys(.shared), &call, busy: .KOT)
    if command == 0 {
      let flushed = keys.flushed
      writeBacks[package].next = 0
      try refuse(&call, .NO_HKID_READY_TO_WBCACHE, if: flushed.isEmpty)
      effect("hkid_flushed", call) { writeBacks[package].hkids = flushed }
    } else {
      try refuse(&call, .WBCACHE_RESUME_ERROR, if: writeBacks[package].next == 0)
    }
    for part in writeBacks[package].next..<platform.cacheSubBlocks {
      guard part + 1 < platform.cacheSubBlocks, call.looksInterrupted() else { continue }
      effect("intr_point", call) { writeBacks[package].next = part + 1 }
      throw ModuleStatus(.INTERRUPTED_RESUMABLE)
    }
    writeBacks[package].next = 0
    effect("write back", call) { memory.writeBackAll(package: package) }
    let bit: UInt64 = 1 << UInt64(package)
    for hkid in writeBacks[package].hkids {
      effect("wbinvd_bitmap", call) { keys[hkid].pending &= ~bit }
    }
  }
}
