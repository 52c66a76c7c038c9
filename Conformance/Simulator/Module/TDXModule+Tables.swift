// SEPT leaves (tdx-module §10.1 to §10.3).
extension TDXModule {
  func addTable(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx, r8) = (call.registers.rcx, call.registers.rdx, call.registers.r8)
    try refuse(&call, .OPERAND_INVALID, .RAX, if: call.version > 1)
    let flags = rdx & 0xFFF
    if flags & ~1 != 0 { call.clearDetails() }
    try refuse(&call, .OPERAND_INVALID, .RDX, if: flags & ~1 != 0)
    let td = try memoryPrefix(&call, tdr: rdx & ~0xFFF)
    let address = EntryAddress(rcx)
    try checkLevel(address, 1...td.rootLevel, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let isTable = found.entry.state == .NL_MAPPED
    if r8 == .max {
      try refuse(&call, .OPERAND_INVALID, .R8, if: call.version == 0)
      return try refuseEntry(found, .EPT_ENTRY_STATE_INCORRECT, &call, if: !isTable)
    }
    try refuseEntry(found, .EPT_ENTRY_STATE_INCORRECT, &call, if: isTable && flags & 1 == 0)
    if isTable { return }
    let page = try lockPage(r8, .exclusive, .NDA, .R8, &call)
    memory.write(page.address, 0, hkid: td.hkid, package: lps[call.lp].package)
    let table = SecureTable(address: page.address)
    tables[page.address] = table
    own(page, .EPT, td, call)
    page.blockEpoch = 0
    effect("entry", call) {
      found.table.entries[found.index].become(.NL_MAPPED, page: page.address)
    }
  }

  func removeTable(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx) = (call.registers.rcx, call.registers.rdx)
    try refuse(&call, .OPERAND_INVALID, .RAX, if: call.version > 1)
    let td = try memoryPrefix(&call, tdr: rdx)
    let address = EntryAddress(rcx)
    try checkLevel(address, 1...td.rootLevel, &call)
    let found = try walk(address, td, .exclusive, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let page = try lockImplicit(found.entry.page, .exclusive, .RCX, &call)
    try checkTracked(found, td, page, &call)
    let entries = tables[page.address]?.entries ?? []
    let isEmpty = entries.allSatisfy { $0.state == .FREE }
    try refuseEntry(found, .EPT_PAGE_NOT_FREE, &call, if: !isEmpty)
    effect("entry", call) { found.table.entries[found.index].become(.FREE, page: 0) }
    disown(page, td, call)
    call.registers.rcx = page.address
  }

  func readEntry(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx) = (call.registers.rcx, call.registers.rdx)
    let flags = rdx & 0xFFF
    let td = try memoryPrefix(&call, tdr: flags & ~1 == 0 ? rdx & ~1 : rdx)
    try refuse(&call, .OPERAND_INVALID, .RDX, if: flags & 1 != 0 && !td.isDebug)
    let address = EntryAddress(rcx)
    try checkLevel(address, 0...td.rootLevel, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    call.show(found.entry, level: found.level)
  }

  func blockRange(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx) = (call.registers.rcx, call.registers.rdx)
    let td = try memoryPrefix(&call, tdr: rdx)
    let address = EntryAddress(rcx)
    try checkLevel(address, 0...td.rootLevel, &call)
    let found = try walk(address, td, .exclusive, &call)
    try lockEntry(found, &call)
    let entry = found.entry
    try refuseEntry(found, .GPA_RANGE_ALREADY_BLOCKED, &call, if: entry.state.isBlocked)
    try checkEntryState(found, &call)
    let page = metadataBehind(found)
    effect("entry", call) {
      // A partly accepted page has to be accepted from its start again.
      let kept = entry.state == .PENDING && found.level == 1 ? page.address : entry.page
      found.table.entries[found.index].become(entry.state.blocked ?? entry.state, page: kept)
    }
    effect("bepoch", call) { page.blockEpoch = td.epoch }
  }

  func unblockRange(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx) = (call.registers.rcx, call.registers.rdx)
    let td = try memoryPrefix(&call, tdr: rdx)
    let address = EntryAddress(rcx)
    try checkLevel(address, 0...td.rootLevel, &call)
    let found = try walk(address, td, .exclusive, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let entry = found.entry
    let isTracked =
      !td.operation.needsTracking || td.isTracked(metadataBehind(found).blockEpoch)
    try refuse(&call, .TLB_TRACKING_NOT_DONE, .SEPT_TREE, if: !isTracked)
    effect("entry", call) {
      let state = entry.state.unblocked ?? entry.state
      found.table.entries[found.index].become(state, page: entry.page)
    }
  }

  func track(_ call: inout Seamcall) throws(ModuleStatus) {
    let td = try lockDomain(call.registers.rcx, .shared, .RCX, &call)
    try checkState(td, .shared, &call)
    try take(.epoch(td, .exclusive), &call, busy: .TD_EPOCH)
    let older = td.references[Int(1 - td.epoch & 1)]
    try refuse(&call, .PREVIOUS_TLB_EPOCH_BUSY, if: older != 0)
    effect("epoch", call) { td.epoch += 1 }
  }
}
