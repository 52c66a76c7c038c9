// Private pages of TDs: mapping and removal (kvm-tdx §2.3.2, §4.2).
extension KVMHost {
  /// How often a mapping is tried again while the module is busy.
  static let mostTries = 1000

  /// What was found when a private frame was to be mapped.
  enum Mapping {
    case done
    /// It was mapped before.
    case present
    /// An invalidation came in between: what was looked up may hold no more.
    case stale
  }

  /// Puts a page into the TD at a guest frame: `source` adds it to the image, without one it is
  /// pending until the guest accepts it.
  func mapPrivate(
    _ gfn: UInt64, _ frame: UInt64, source: UInt64?, since snapshot: UInt64?,
    _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) -> Mapping {
    if machine.td.mirror[gfn] != nil { return .present }
    guard let tdr = machine.td.tdr else { throw .error(.EIO) }
    for _ in 0..<Self.mostTries {
      try take(machine.mmuLock, .shared, &call)
      defer { drop(machine.mmuLock, &call) }
      if isStale(snapshot, machine, call) { return .stale }
      guard try addTables(gfn, tdr, machine, call) else { continue }
      let leaf: Leaf = source == nil ? .MEM_PAGE_AUG : .MEM_PAGE_ADD
      var registers = Registers(
        leaf, rcx: gfn << 12, rdx: tdr, r8: frame, r9: source ?? 0)
      let status = module.call(&registers, lp: call.lp)
      if status.isBusy { continue }
      try stopIfBad(status, "TDH.\(leaf.text)", machine)
      effect("mirror", call) { machine.td.mirror[gfn] = frame }
      return .done
    }
    throw .stuck
  }

  /// Whether an invalidation has begun or ended since the fault looked around (guest-memfd §1.5).
  private func isStale(
    _ snapshot: UInt64?, _ machine: VirtualMachine, _ call: KernelCall
  ) -> Bool {
    guard let snapshot else { return false }
    var isStale = machine.invalidations > 0 || machine.invalidationSequence != snapshot
    if hasFault, fault.at(.effect, call.name, "mmu_invalidate_retry") != nil { isStale = false }
    return isStale
  }

  /// Maps a page for shared accesses. False: an invalidation came in between.
  func mapDirect(
    _ gfn: UInt64, _ frame: UInt64, since snapshot: UInt64, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    try take(machine.mmuLock, .shared, &call)
    defer { drop(machine.mmuLock, &call) }
    guard !isStale(snapshot, machine, call) else { return false }
    effect("spte", call) { machine.directFrames[gfn] = frame }
    return true
  }

  /// Gives the module the tables that a frame needs. False when it was busy.
  private func addTables(
    _ gfn: UInt64, _ tdr: UInt64, _ machine: VirtualMachine, _ call: KernelCall
  ) throws(KVMStop) -> Bool {
    for level in stride(from: machine.td.rootLevel, to: 0, by: -1) {
      let number = gfn >> UInt64(9 * level)
      let place = TrustDomainRecord.TablePlace(level: level, number: number)
      guard machine.td.tables[place] == nil else { continue }
      guard let page = frames.take() else { throw .error(.ENOMEM) }
      let gpa = number << UInt64(12 + 9 * level)
      var registers = Registers(.MEM_SEPT_ADD, rcx: gpa | UInt64(level), rdx: tdr, r8: page)
      let status = module.call(&registers, lp: call.lp)
      if status.isError { frames.give(page) }
      if status.isBusy { return false }
      try stopIfBad(status, "TDH.MEM.SEPT.ADD", machine)
      effect("table", call) { machine.td.tables[place] = page }
    }
    return true
  }

  /// An error that KVM does not expect breaks the VM.
  func stopIfBad(
    _ status: ModuleStatus, _ what: String, _ machine: VirtualMachine
  ) throws(KVMStop) {
    guard status.isError else { return }
    reportBug(what, machine)
    throw .error(.EIO)
  }

  /// Removes private pages of guest frames, one by one; the caller holds mmu_lock and goes on
  /// whatever comes of it.
  func removePrivate(
    _ frames: Range<UInt64>, _ machine: VirtualMachine, _ call: KernelCall
  ) {
    guard !machine.td.mirror.isEmpty else { return }
    for gfn in machine.td.mirror.keys.filter({ frames.contains($0) }).sorted() {
      guard let frame = machine.td.mirror.removeValue(forKey: gfn) else { continue }
      remove(gfn, frame, machine, call)
    }
  }

  private func remove(
    _ gfn: UInt64, _ frame: UInt64, _ machine: VirtualMachine, _ call: KernelCall
  ) {
    guard machine.td.isAssigned, let tdr = machine.td.tdr else {
      return reportBug("removal without a key id", machine)
    }
    let rcx = gfn << 12
    guard withoutVCPUs(Registers(.MEM_RANGE_BLOCK, rcx: rcx, rdx: tdr), machine, call) else {
      return
    }
    if machine.td.state == .runnable {
      effect("TRACK", call) {
        _ = withoutVCPUs(Registers(.MEM_TRACK, rcx: tdr), machine, call)
      }
      effect("kick", call) { kick(machine) }
    }
    guard withoutVCPUs(Registers(.MEM_PAGE_REMOVE, rcx: rcx, rdx: tdr), machine, call) else {
      return
    }
    writeBack(frame, machine.td.hkid, machine, call)
  }

  /// PAGE.WBINVD of a page that has left the TD.
  func writeBack(
    _ frame: UInt64, _ hkid: Int, _ machine: VirtualMachine, _ call: KernelCall
  ) {
    let address = frame | UInt64(hkid) << 46
    var registers = Registers(.PHYMEM_PAGE_WBINVD, rcx: address)
    effect("PAGE.WBINVD", call) {
      if module.call(&registers, lp: call.lp).isError {
        reportBug("TDH.PHYMEM.PAGE.WBINVD", machine)
      }
    }
  }

  /// A call that must not fail: when busy, once more with all vCPUs outside (kvm-tdx §3.5).
  private func withoutVCPUs(
    _ registers: Registers, _ machine: VirtualMachine, _ call: KernelCall
  ) -> Bool {
    var first = registers
    var status = module.call(&first, lp: call.lp)
    if status.isBusy {
      effect("wait_for_sept_zap", call) { machine.td.waitsForZap = true }
      kick(machine)
      var second = registers
      status = module.call(&second, lp: call.lp)
      effect("wait_for_sept_zap end", call) { machine.td.waitsForZap = false }
    }
    if status.isError {
      reportBug("SEAMCALL 0x" + String(status.code, radix: 16), machine)
    }
    return !status.isError
  }

  /// Makes every vCPU leave the guest and waits until it has (kvm-tdx §3.5).
  func kick(_ machine: VirtualMachine) {
    for vcpu in machine.vcpus where vcpu.isInGuestMode {
      vcpu.isKicked = true
      let hasLeft = baton.wait("OUTSIDE_GUEST_MODE") { !vcpu.isInGuestMode }
      if !hasLeft { warnings.append("a vCPU does not leave the guest") }
    }
  }
}

extension ModuleStatus {
  /// OPERAND_BUSY of any operand; not the other kinds of busy (kvm-tdx §1.6).
  var isBusy: Bool { code >> 32 == UInt64(StatusName.OPERAND_BUSY.rawValue) }
}
