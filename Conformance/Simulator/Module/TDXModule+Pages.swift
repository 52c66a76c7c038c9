// Leaves on private pages (tdx-module §10.4 to §10.9, §10.13).
extension TDXModule {
  func addPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    call.clearDetails()
    let td = try lockDomain(given.rdx, .exclusive, .RDX, &call)
    try checkState(td, nil, &call)
    let address = EntryAddress(given.rcx)
    try checkLevel(address, 0...0, &call)
    let found = try walk(address, td, nil, &call)
    try checkEntryState(found, &call)
    let isSource = given.r9 & 0xFFF == 0 && given.r9 >> platform.hkidShift == 0
    try refuse(&call, .OPERAND_INVALID, .R9, if: !isSource)
    let page = try lockPage(given.r8, .exclusive, .NDA, .R8, &call)
    let content = memory.read(given.r9, hkid: 0) ?? 0
    let package = lps[call.lp].package
    effect("content", call) {
      memory.write(page.address, content, hkid: td.hkid, package: package)
    }
    effect("entry", call) { found.table.entries[found.index].become(.MAPPED, page: page.address) }
    effect("measurement", call) { td.measure(address.gpa) }
    own(page, .REG, td, call)
    page.blockEpoch = 0
  }

  func augmentPage(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    let td = try memoryPrefix(&call)
    let address = EntryAddress(given.rcx)
    try checkLevel(address, 0...1, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let page = try lockFree(given.r8, size: address.level, &call)
    effect("entry", call) {
      found.table.entries[found.index].become(.PENDING, page: page.address)
    }
    drop(.entry(found.table, found.index), &call)
    own(page, .REG, td, call)
    effect("bepoch", call) { page.blockEpoch = 0 }
  }

  /// A free page or a free block of 2 MB (tdx-module §5.2).
  private func lockFree(
    _ address: UInt64, size: Int, _ call: inout Seamcall
  ) throws(ModuleStatus) -> PageMetadata {
    let page = try lockPage(address, .exclusive, .NDA, .R8, &call, size: size)
    try refuse(&call, .PAGE_METADATA_INCORRECT, .R8, if: page.used > 0)
    return page
  }

  func removePage(_ call: inout Seamcall) throws(ModuleStatus) {
    let rcx = call.registers.rcx
    let td = try memoryPrefix(&call)
    let address = EntryAddress(rcx)
    try checkLevel(address, 0...2, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let page = try lockImplicit(
      found.entry.page, size: found.level, .exclusive, .RCX, &call)
    try checkTracked(found, td, page, &call)
    effect("entry", call) { found.table.entries[found.index].become(.FREE, page: 0) }
    drop(.entry(found.table, found.index), &call)
    disown(page, td, call)
    call.registers.rcx = page.address
  }

  func relocatePage(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    let td = try memoryPrefix(&call)
    let address = EntryAddress(given.rcx)
    try checkLevel(address, 0...0, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let entry = found.entry
    try refuse(&call, .OPERAND_INVALID, .R8, if: given.r8 == entry.page)
    let old = try lockImplicit(entry.page, .exclusive, .RCX, &call)
    try checkTracked(found, td, old, &call)
    let new = try lockPage(given.r8, .exclusive, .NDA, .R8, &call)
    if let content = memory.read(old.address, hkid: td.hkid) {
      effect("content", call) {
        memory.write(
          new.address, content, hkid: td.hkid, package: lps[call.lp].package)
      }
    }
    disown(old, td, call)
    own(new, .REG, td, call)
    effect("bepoch", call) { new.blockEpoch = 0 }
    effect("entry", call) {
      let state = entry.state.unblocked ?? entry.state
      found.table.entries[found.index].become(state, page: new.address)
    }
    call.registers.rcx = old.address
  }

  func promotePage(_ call: inout Seamcall) throws(ModuleStatus) {
    let (rcx, rdx) = (call.registers.rcx, call.registers.rdx)
    try refuse(&call, .OPERAND_INVALID, .RAX, if: call.version > 1)
    let td = try memoryPrefix(&call, tdr: rdx)
    let address = EntryAddress(rcx)
    try checkLevel(address, 1...2, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let page = try lockImplicit(found.entry.page, .exclusive, .RCX, &call)
    try checkTracked(found, td, page, &call)
    guard let table = tables[page.address] else { throw panic("an entry without its table") }
    for index in table.entries.indices {
      try take(.entry(table, index), &call, busy: .RCX)
    }
    try refuseEntry(
      found, .EPT_INVALID_PROMOTE_CONDITIONS, &call,
      if: !Self.isMergeable(table, level: address.level - 1))
    try stopIfInterrupted(rcx, rdx, &call)
    let first = table.entries[0]
    let block = metadata.entry(first.page, size: address.level)
    try take(.page(block, .exclusive), &call, busy: .RCX)
    effect("PAMT", call) {
      for index in table.entries.indices {
        let child = metadata.entry(table.entries[index].page, size: address.level - 1)
        child.type = .NDA
      }
      block.type = .REG
      block.owner = td.address
    }
    effect("entry", call) {
      found.table.entries[found.index].become(first.state, page: first.page)
    }
    disown(page, td, call)
    call.registers.rcx = page.address
  }

  /// Whether the entries of a table can become one of twice nine address bits.
  private static func isMergeable(_ table: SecureTable, level: Int) -> Bool {
    let first = table.entries[0]
    let span = SecureTable.span(level: level)
    guard first.state == .MAPPED || first.state == .PENDING,
      first.page & (span * 512 - 1) == 0
    else { return false }
    return table.entries.indices.allSatisfy {
      table.entries[$0].content == first.content + UInt64($0) * span
    }
  }

  /// PROMOTE and DEMOTE give up without a change when an interrupt is pending.
  private func stopIfInterrupted(
    _ rcx: UInt64, _ rdx: UInt64, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    guard call.looksInterrupted() else { return }
    (call.registers.rcx, call.registers.rdx) = (rcx, rdx)
    throw ModuleStatus(.INTERRUPTED_RESTARTABLE)
  }

  func demotePage(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    let reserved: UInt64 = 0xFFE | 0xFFF << 52
    if given.rdx & reserved != 0 { call.clearDetails() }
    try refuse(&call, .OPERAND_INVALID, .RDX, if: given.rdx & reserved != 0)
    let td = try memoryPrefix(&call, tdr: given.rdx & ~1)
    let address = EntryAddress(given.rcx)
    try checkLevel(address, 1...2, &call)
    let found = try walk(address, td, .shared, &call)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let entry = found.entry
    let block = metadata.entry(entry.page, size: address.level)
    try checkTracked(found, td, block, &call)
    let page = try lockPage(given.r8, .exclusive, .NDA, .R8, &call)
    try stopIfInterrupted(given.rcx, given.rdx, &call)
    try take(.page(block, .exclusive), &call, busy: .RCX)
    split(found, entry, block, page, td, call)
  }

  private func split(
    _ found: FoundEntry, _ entry: SecureEntry, _ block: PageMetadata, _ page: PageMetadata,
    _ td: TrustDomain, _ call: Seamcall
  ) {
    let level = found.level - 1
    let table = SecureTable(address: page.address)
    let state = entry.state.unblocked ?? entry.state
    effect("PAMT", call) {
      block.type = .NDA
      for index in table.entries.indices {
        let address = block.address + UInt64(index) * SecureTable.span(level: level)
        table.entries[index] = SecureEntry(state, page: address)
        let child = metadata.entry(address, size: level)
        (child.type, child.owner, child.blockEpoch) = (.REG, td.address, 0)
      }
    }
    tables[page.address] = table
    effect("entry", call) {
      found.table.entries[found.index].become(.NL_MAPPED, page: page.address)
    }
    own(page, .EPT, td, call)
  }

  /// MEM.RD and MEM.WR of debug TDs.
  func accessMemory(_ call: inout Seamcall) throws(ModuleStatus) {
    let given = call.registers
    let td = try memoryPrefix(&call)
    try refuse(&call, .TD_NON_DEBUG, if: !td.isDebug)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: given.rcx & 7 != 0)
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !td.isPrivate(given.rcx))
    try take(.tree(td, .shared), &call, busy: .SEPT_TREE)
    let found = try find(given.rcx, to: 0, td)
    try refuseEntry(
      found, .EPT_ENTRY_NOT_PRESENT, &call, if: !found.entry.state.isAccessible)
    try lockEntry(found, &call)
    try checkEntryState(found, &call)
    let offset = given.rcx & (SecureTable.span(level: found.level) - 1)
    let page = found.entry.page + offset
    call.registers.r8 = memory.read(page, hkid: td.hkid) ?? 0
    guard call.leaf == .MEM_WR else { return }
    memory.write(page, given.r8, hkid: td.hkid, package: lps[call.lp].package)
  }
}
