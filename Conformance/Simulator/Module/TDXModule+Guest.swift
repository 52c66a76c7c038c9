// The guest's side (tdx-module §13).
extension TDXModule {
  /// The exit reason of an EPT violation.
  public static let violation: UInt32 = 48

  /// Lets the guest on an LP do something. Time: constant.
  public func guest(_ event: GuestEvent, lp: Int) -> GuestEnd {
    guard lps.indices.contains(lp), let guest = lps[lp].guest else { return .noGuest }
    guard !guest.vcpu.owner.isFatal else { return leaveFatal(event, guest, lp) }
    switch event {
    case .leave(let departure): return leave(departure, guest, lp)
    case .read(let gpa): return access(gpa, nil, guest, lp)
    case .write(let gpa, let value): return access(gpa, value, guest, lp)
    case .accept(let rcx): return accept(rcx, pages: .max, guest, lp)
    case .acceptPart(let rcx, let pages): return accept(rcx, pages: pages, guest, lp)
    }
  }

  /// Any exit of a TD that has become fatal: the vCPU stays active and counted.
  private func leaveFatal(_ event: GuestEvent, _ guest: RunningGuest, _ lp: Int) -> GuestEnd {
    let reason = if case .leave(let why) = event { why.reason } else { Self.violation }
    return leave(ModuleStatus(.NON_RECOVERABLE_TD_NON_ACCESSIBLE, reason), guest, lp)
  }

  private func leave(
    _ departure: GuestEvent.Departure, _ guest: RunningGuest, _ lp: Int
  ) -> GuestEnd {
    var departure = departure
    // Only an interrupt at once after the entry is stepped over, which needs the APIC
    // (tdx-module §13.5).
    if departure == .apicDisabled && guest.entered != clock { departure = .interrupt }
    switch departure {
    case .interrupt, .vmcall:
      return leave(ModuleStatus(.SUCCESS, departure.reason), .VCPU_READY, guest, lp)
    case .tripleFault:
      let status = ModuleStatus(.NON_RECOVERABLE_VCPU, departure.reason)
      return leave(status, .VCPU_DISABLED, guest, lp)
    case .apicDisabled:
      effectOfGuest("fatal") { guest.vcpu.owner.isFatal = true }
      let status = ModuleStatus(.NON_RECOVERABLE_TD_WRONG_APIC_MODE, departure.reason)
      return leave(status, nil, guest, lp)
    }
  }

  private func leave(
    _ status: ModuleStatus, _ state: VCPUState?, _ guest: RunningGuest, _ lp: Int,
    _ registers: Registers = Registers()
  ) -> GuestEnd {
    let vcpu = guest.vcpu
    if let state { effectOfGuest("state") { vcpu.state = state } }
    effectOfGuest("refcount") { vcpu.owner.references[Int(vcpu.epoch & 1)] -= 1 }
    return leave(status, guest, lp, registers)
  }

  private func leave(
    _ status: ModuleStatus, _ guest: RunningGuest, _ lp: Int,
    _ registers: Registers = Registers()
  ) -> GuestEnd {
    for lock in guest.held.reversed() {
      if hasFault, fault.at(lock.place, "GUEST", lock.name) == .lockKeptOnFailure { continue }
      release(lock)
    }
    lps[lp].guest = nil
    lps[lp].isBusy = false
    var registers = registers
    registers.rax = status.code
    return .left(registers)
  }

  private func effectOfGuest(_ name: StaticString, _ change: () -> Void) {
    baton.point(.effect, "GUEST \(name)")
    if hasFault {
      switch fault.at(.effect, "GUEST", "\(name)") {
      case .missingEffect, .effectStops: return
      default: break
      }
    }
    change()
  }

  /// What kind of access met an entry that forbids it (tdx-module §13.1).
  private enum Violation: UInt64 {
    case access = 0
    case accept = 1
    case pending = 6
  }

  private func violate(
    _ kind: Violation, _ gpa: UInt64, _ found: FoundEntry, wanted: Int, _ guest: RunningGuest,
    _ lp: Int
  ) -> GuestEnd {
    var registers = Registers()
    let state = found.entry.state
    registers.rdx = kind.rawValue | UInt64(wanted) << 32 | UInt64(found.level) << 35
    registers.rdx |= UInt64(state.shownState) << 38 | (state.isLeaf ? 1 << 46 : 0)
    registers.r8 = gpa
    return leave(ModuleStatus(.SUCCESS, Self.violation), .VCPU_READY, guest, lp, registers)
  }

  private func access(
    _ gpa: UInt64, _ value: UInt64?, _ guest: RunningGuest, _ lp: Int
  ) -> GuestEnd {
    let td = guest.vcpu.owner
    if let page = lps[lp].translations[td.address, gpa] {
      return touch(page, value, td, lp)
    }
    guard td.isPrivate(gpa) else { return .value(nil) }
    guard let found = try? find(gpa, to: 0, td) else { return .value(nil) }
    let entry = found.entry
    let isPending = entry.state == .PENDING || entry.state == .PENDING_EXPORTED_DIRTY
    if isPending && !td.exitsOnPending { return .resumed(nil) }
    let isPermitted = value == nil ? entry.state.isAccessible : entry.state.rights & 2 != 0
    guard isPermitted else {
      return violate(isPending ? .pending : .access, gpa, found, wanted: 0, guest, lp)
    }
    let offset = gpa & (SecureTable.span(level: found.level) - 1) & ~0xFFF
    lps[lp].translations[td.address, gpa] = entry.page + offset
    return touch(entry.page + offset, value, td, lp)
  }

  private func touch(
    _ page: UInt64, _ value: UInt64?, _ td: TrustDomain, _ lp: Int
  ) -> GuestEnd {
    guard let value else { return .value(memory.read(page, hkid: td.hkid)) }
    memory.write(page, value, hkid: td.hkid, package: lps[lp].package)
    return .resumed(nil)
  }

  private func accept(
    _ rcx: UInt64, pages: Int, _ guest: RunningGuest, _ lp: Int
  ) -> GuestEnd {
    clock += 1
    let td = guest.vcpu.owner
    let address = EntryAddress(rcx)
    guard address.isWellFormed, address.level <= 1, td.isPrivate(address.gpa) else {
      return .resumed(ModuleStatus(.OPERAND_INVALID, .RCX))
    }
    guard let found = try? find(address.gpa, to: address.level, td) else {
      return .resumed(ModuleStatus(.OPERAND_INVALID, .RCX))
    }
    if found.level != address.level {
      guard found.entry.state.isAccessible else {
        return violate(.accept, address.gpa, found, wanted: address.level, guest, lp)
      }
      return .resumed(ModuleStatus(.PAGE_ALREADY_ACCEPTED, UInt32(found.level)))
    }
    baton.point(.acquire, "SEPT_ENTRY by guest")
    if found.table.entries[found.index].tryByGuest() != nil {
      return .resumed(ModuleStatus(.OPERAND_BUSY, .RCX))
    }
    defer { found.table.entries[found.index].release() }
    return acceptLocked(found, address, pages, guest, lp)
  }

  private func acceptLocked(
    _ found: FoundEntry, _ address: EntryAddress, _ pages: Int, _ guest: RunningGuest,
    _ lp: Int
  ) -> GuestEnd {
    let state = found.entry.state
    let level = UInt32(address.level)
    if state != .FREE && !state.isLeaf {
      return .resumed(ModuleStatus(.PAGE_SIZE_MISMATCH, level))
    }
    if state.isAccessible {
      return .resumed(ModuleStatus(.PAGE_ALREADY_ACCEPTED, level))
    }
    guard state == .PENDING || state == .PENDING_EXPORTED_DIRTY else {
      return violate(.accept, address.gpa, found, wanted: address.level, guest, lp)
    }
    let td = guest.vcpu.owner
    let total = 1 << (9 * address.level)
    let block = found.entry.page & ~(SecureTable.span(level: address.level) - 1)
    let from = Int((found.entry.page - block) >> 12)
    let end = pages < total - from ? from + pages : total
    for number in from..<end {
      effectOfGuest("zero") {
        memory.write(
          block + UInt64(number) << 12, 0, hkid: td.hkid, package: lps[lp].package)
      }
    }
    guard end == total else {
      // The counter stands where the page's low address bits would.
      found.table.entries[found.index].become(state, page: block + UInt64(end) << 12)
      return .resumed(nil)
    }
    let accepted: EntryState = state == .PENDING ? .MAPPED : .EXPORTED_DIRTY
    effectOfGuest("accept") {
      found.table.entries[found.index].become(accepted, page: block)
    }
    return .resumed(ModuleStatus(.SUCCESS))
  }
}
