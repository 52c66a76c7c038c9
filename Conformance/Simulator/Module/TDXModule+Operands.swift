extension TDXModule {
  /// An address operand of a 4 KB page, locked, of the type expected (tdx-module §5.2).
  func lockPage(
    _ address: UInt64, _ mode: LockMode, _ type: PageType, _ operand: OperandID,
    _ call: inout Seamcall, size: Int = 0
  ) throws(ModuleStatus) -> PageMetadata {
    try checkAddress(address, operand, &call, size: size)
    let page = try walkMetadata(address, mode, operand, &call, size: size)
    try refuse(
      &call, .PAGE_METADATA_INCORRECT, operand, if: page.size != size || page.type != type)
    return page
  }

  private func checkAddress(
    _ address: UInt64, _ operand: OperandID, _ call: inout Seamcall, size: Int
  ) throws(ModuleStatus) {
    let isAligned = address & (1 << UInt64(12 + 9 * size) - 1) == 0
    let isPlain = address >> platform.hkidShift == 0
    try refuse(&call, .OPERAND_INVALID, operand, if: !isAligned || !isPlain)
    let isCovered = regions.contains { $0.covers(address) }
    try refuse(&call, .OPERAND_ADDR_RANGE_ERROR, operand, if: !isCovered)
  }

  /// Locks the entry that is the leaf for an address; its ancestors stay locked shared.
  ///
  /// - Parameter size: the walk ends at this size at the latest.
  func walkMetadata(
    _ address: UInt64, _ mode: LockMode, _ operand: OperandID, _ call: inout Seamcall,
    size: Int = 0
  ) throws(ModuleStatus) -> PageMetadata {
    let busy = ModuleStatus(.OPERAND_BUSY, operand)
    for level in stride(from: 2, to: 0, by: -1) {
      let entry = metadata.entry(address, size: level)
      guard level > size else {
        try take(.page(entry, mode), &call, busy: busy)
        return entry
      }
      try take(.page(entry, .shared), &call, busy: busy)
      guard entry.type == .REG else { continue }
      if mode == .exclusive { try promoteLast(&call, busy: busy) }
      return entry
    }
    let entry = metadata.entry(address, size: 0)
    try take(.page(entry, mode), &call, busy: busy)
    return entry
  }

  /// Makes the page lock that was taken last exclusive.
  private func promoteLast(
    _ call: inout Seamcall, busy: ModuleStatus
  ) throws(ModuleStatus) {
    guard case .page(let page, .shared)? = call.held.last else { return }
    baton.point(.acquire, "promote \(page.size)")
    guard page.lock.tryPromote() else { throw busy }
    call.held[call.held.count - 1] = .page(page, .exclusive)
  }

  /// The page behind a trusted pointer: only its own entry is locked (tdx-module §5.3).
  func lockImplicit(
    _ address: UInt64, size: Int = 0, _ mode: LockMode, _ operand: OperandID,
    _ call: inout Seamcall
  ) throws(ModuleStatus) -> PageMetadata {
    let entry = metadata.entry(address, size: size)
    // Whoever has the lock may be about to put the page into use.
    try take(.page(entry, mode), &call, busy: operand)
    guard entry.type != .NDA && entry.type != .RSVD else {
      throw panic("a page behind a pointer is not in use")
    }
    return entry
  }

  /// The TD of an operand, with its TDR locked.
  func lockDomain(
    _ address: UInt64, _ mode: LockMode, _ operand: OperandID, _ call: inout Seamcall
  ) throws(ModuleStatus) -> TrustDomain {
    let page = try lockPage(address, mode, .TDR, operand, &call)
    guard let td = domains[page.address] else { throw panic("a TDR without a TD") }
    return td
  }

  /// The vCPU of an operand with its TDVPR and its owner's TDR locked.
  func lockVCPU(
    _ address: UInt64, _ mode: LockMode, _ operand: OperandID, _ call: inout Seamcall
  ) throws(ModuleStatus) -> VirtualProcessor {
    let page = try lockPage(address, mode, .TDVPR, operand, &call)
    guard let vcpu = vcpus[page.address] else { throw panic("a TDVPR without a vCPU") }
    _ = try lockImplicit(vcpu.owner.address, .shared, .TDR, &call)
    return vcpu
  }

  /// TDSTATE: not fatal, keys configured, control pages there, an operation state in which the
  /// leaf may be called (tdx-module §5.4).
  ///
  /// - Parameter mode: how the state is locked; nil when the TDR is held exclusively.
  func checkState(
    _ td: TrustDomain, _ mode: LockMode?, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    try refuse(&call, .TD_FATAL, if: td.isFatal)
    try refuse(&call, .TD_KEYS_NOT_CONFIGURED, if: td.lifecycle != .TD_KEYS_CONFIGURED)
    try refuse(&call, .TDCS_NOT_ALLOCATED, if: !td.hasControl)
    if let mode { try take(.operation(td, mode), &call, busy: .OP_STATE) }
    try checkOperation(td, &call)
  }

  func checkOperation(_ td: TrustDomain, _ call: inout Seamcall) throws(ModuleStatus) {
    let allowed = call.leaf.operations ?? 0xFFFF
    let isAllowed = allowed >> UInt16(td.operation.rawValue) & 1 == 1
    try refuse(&call, .OP_STATE_INCORRECT, if: !isAllowed)
  }

  /// The prefix of the memory leaves: outputs zeroed, TDR shared, TDSTATE shared.
  func memoryPrefix(
    _ call: inout Seamcall, tdr: UInt64? = nil
  ) throws(ModuleStatus) -> TrustDomain {
    let address = tdr ?? call.registers.rdx
    call.clearDetails()
    let td = try lockDomain(address, .shared, .RDX, &call)
    try checkState(td, .shared, &call)
    return td
  }
}

/// A GPA and a level, as RCX has them.
struct EntryAddress: Hashable {
  let gpa: UInt64
  let level: Int
  /// All other bits are zero and the address is aligned to what the level covers.
  let isWellFormed: Bool

  init(_ rcx: UInt64) {
    level = Int(rcx & 7)
    gpa = rcx & 0x000F_FFFF_FFFF_F000
    let isPlain = rcx & ~(0x000F_FFFF_FFFF_F000 | 7) == 0
    isWellFormed = isPlain && level <= 4 && gpa & (SecureTable.span(level: level) - 1) == 0
  }
}

/// An entry that a walk reached.
struct FoundEntry {
  let table: SecureTable
  let index: Int
  let level: Int
  var entry: SecureEntry { table.entries[index] }
}

extension TDXModule {
  /// The GPA and level of a leaf that takes some levels only (tdx-module §5.5).
  func checkLevel(
    _ address: EntryAddress, _ levels: ClosedRange<Int>, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    let highest = limit("level", call, levels.upperBound)
    let isInRange = (levels.lowerBound...highest).contains(address.level)
    try refuse(
      &call, .OPERAND_INVALID, .RCX, if: !address.isWellFormed || !isInRange)
  }

  /// The locked walk to an entry (tdx-module §5.6).
  func walk(
    _ address: EntryAddress, _ td: TrustDomain, _ mode: LockMode?, _ call: inout Seamcall
  ) throws(ModuleStatus) -> FoundEntry {
    try refuse(&call, .OPERAND_INVALID, .RCX, if: !td.isPrivate(address.gpa))
    if let mode { try take(.tree(td, mode), &call, busy: .SEPT_TREE) }
    let found = try find(address.gpa, to: address.level, td)
    if found.level != address.level { call.show(found.entry, level: found.level) }
    try refuse(&call, .EPT_WALK_FAILED, .RCX, if: found.level != address.level)
    return found
  }

  /// The entry at a level, or the one above it that ends the walk.
  func find(
    _ gpa: UInt64, to level: Int, _ td: TrustDomain
  ) throws(ModuleStatus) -> FoundEntry {
    var table = td.root
    var at = td.rootLevel
    while true {
      let found = FoundEntry(
        table: table, index: SecureTable.index(gpa, level: at), level: at)
      let entry = found.entry
      guard at > level, entry.state == .NL_MAPPED else { return found }
      guard let next = tables[entry.page] else { throw panic("an entry without its table") }
      table = next
      at -= 1
    }
  }

  /// Locks the entry and looks whether the leaf works on its state.
  func lockEntry(_ found: FoundEntry, _ call: inout Seamcall) throws(ModuleStatus) {
    do throws(ModuleStatus) {
      try take(.entry(found.table, found.index), &call, busy: .RCX)
    } catch {
      call.show(found.entry, level: found.level)
      throw error
    }
  }

  /// SEPTSTATE of tdx-module §5.6.
  func checkEntryState(
    _ found: FoundEntry, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    let isAllowed = call.leaf.entries >> UInt16(found.entry.state.rawValue) & 1 == 1
    try refuseEntry(found, .EPT_ENTRY_STATE_INCORRECT, &call, if: !isAllowed)
  }

  /// Answers with the status about the entry, and shows it to the host.
  func refuseEntry(
    _ found: FoundEntry, _ name: StatusName, _ call: inout Seamcall, if condition: Bool
  ) throws(ModuleStatus) {
    let before = call.registers
    if condition { call.show(found.entry, level: found.level) }
    try refuse(&call, name, .RCX, if: condition)
    call.registers = before
  }

  /// TRACKED of tdx-module §5.7.
  func checkTracked(
    _ found: FoundEntry, _ td: TrustDomain, _ page: PageMetadata, _ call: inout Seamcall
  ) throws(ModuleStatus) {
    let state = found.entry.state
    guard state.needsTracking, td.operation.needsTracking else { return }
    try refuseEntry(found, .GPA_RANGE_NOT_BLOCKED, &call, if: !state.isBlocked)
    try refuse(
      &call, .TLB_TRACKING_NOT_DONE, .RCX, if: !td.isTracked(page.blockEpoch))
  }

  /// The metadata of the page or table behind an entry, at the entry's size.
  func metadataBehind(_ found: FoundEntry) -> PageMetadata {
    let size = found.entry.state.isLeaf ? found.level : 0
    return metadata.entry(found.entry.page, size: size)
  }
}
