// KVM_MEMORY_ENCRYPT_OP on a vCPU (kvm-tdx §2.3).
extension KVMHost {
  func commandOnVCPU(
    _ command: TDXCommand, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let machine = vcpu.machine
    try checkAlive(machine, &call)
    let other: KernelError = profile.types.contains(5) ? .EINVAL : .ENOTTY
    try refuse(&call, other, "not a td", if: machine.type != .tdx)
    try refuse(&call, .EINVAL, "hw_error", if: command.hardwareError != 0)
    try lockAll(machine, &call)
    try checkBuilding(machine, &call)
    load(vcpu, call)
    switch command.id {
    case TDXCommand.initMemory: return try initMemory(command, vcpu, &call)
    case TDXCommand.initVCPU: return try initVCPU(command, vcpu, &call)
    default: break
    }
    dropAll(&call)
    try take(vcpu.mutex, &call)
    try checkBuilding(machine, &call)
    try refuse(&call, .EINVAL, "id", if: command.id != TDXCommand.getCPUID)
    try getCPUID(command, machine, &call)
  }

  private func checkBuilding(
    _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "hkid", if: !machine.td.isAssigned)
    try refuse(&call, .EINVAL, "state", if: machine.td.state == .runnable)
  }

  /// The stand-in's TD has two entries.
  private static let cpuidEntries = 2

  private func getCPUID(
    _ command: TDXCommand, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EFAULT, "data", if: command.isNull)
    call.written["nent"] = .integer(Int64(Self.cpuidEntries))
    try refuse(&call, .E2BIG, "nent", if: command.entries < Self.cpuidEntries)
  }

  private func initVCPU(
    _ command: TDXCommand, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let machine = vcpu.machine
    try refuse(&call, .EINVAL, "flags", if: command.flags != 0)
    try refuse(&call, .EINVAL, "vcpu state", if: vcpu.isInitialized)
    try refuse(&call, .EINVAL, "x2apic", if: !vcpu.hasX2APIC)
    guard let tdr = machine.td.tdr, let page = frames.take() else { throw .error(.ENOMEM) }
    var create = Registers(.VP_CREATE, rcx: page, rdx: tdr)
    let created = module.call(&create, lp: call.lp)
    if created.isError { frames.give(page) }
    try stopIfBad(created, "TDH.VP.CREATE", machine)
    effect("tdvpr", call) { vcpu.page = page }
    for _ in 0..<extraPages {
      guard let extra = frames.take() else { throw .error(.ENOMEM) }
      var add = Registers(.VP_ADDCX, rcx: extra, rdx: page)
      let added = module.call(&add, lp: call.lp)
      if added.isError { frames.give(extra) }
      try stopIfBad(added, "TDH.VP.ADDCX", machine)
      effect("tdcx", call) { vcpu.extraPages.append(extra) }
    }
    try take(machine.mmuLock, &call)
    var initialize = Registers(.VP_INIT, rcx: page, rdx: command.data)
    let initialized = module.call(&initialize, lp: call.lp)
    drop(machine.mmuLock, &call)
    try stopIfBad(initialized, "TDH.VP.INIT", machine)
    effect("mp_state", call) { vcpu.mpState = 0 }
    for _ in 0..<3 {
      var write = Registers(.VP_WR, rcx: page)
      if module.call(&write, lp: call.lp).isError { reportBug("TDH.VP.WR", machine) }
    }
    effect("state", call) { vcpu.isInitialized = true }
  }

  private func initMemory(
    _ command: TDXCommand, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let machine = vcpu.machine
    var region = command
    func note() {
      call.written["gpa"] = .word(region.gpa)
      call.written["nr_pages"] = .word(region.count)
      call.written["source_advance"] = .word(region.source &- command.source)
    }
    note()
    try refuse(&call, .EINVAL, "vcpu state", if: !vcpu.isInitialized)
    try refuse(&call, .EINVAL, "flags", if: command.flags & ~1 != 0)
    try refuse(&call, .EFAULT, "data", if: command.isNull)
    try checkImage(command, machine, &call)
    while region.count > 0 {
      do throws(KVMStop) {
        try addToImage(region, vcpu, &call)
      } catch {
        note()
        throw error
      }
      region.gpa &+= 4096
      if command.source != 0 { region.source &+= 4096 }
      region.count -= 1
    }
    note()
  }

  private func checkImage(
    _ command: TDXCommand, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    let source = command.source
    // Without a source the page itself has the content, where pages are converted in place.
    let isMissing = source == 0 && !profile.convertsInPlace
    try refuse(&call, .EINVAL, "source", if: isMissing || source & 0xFFF != 0)
    try refuse(&call, .EINVAL, "gpa", if: command.gpa & 0xFFF != 0)
    try refuse(&call, .EINVAL, "pages", if: command.count == 0)
    // Before 7.4 the size is shifted without a look at what that loses (B-18 of kvm-tdx §6.1).
    let isHuge = profile.checksRegionSize && command.count >> 52 != 0
    try refuse(&call, .EINVAL, "size", if: isHuge)
    let end = command.gpa &+ command.count << 12
    try refuse(&call, .EINVAL, "range", if: end <= command.gpa)
    let bit = machine.td.sharedBit << 12
    let isPrivate = command.gpa & bit == 0 && (end &- 1) & bit == 0
    try refuse(&call, .EINVAL, "shared", if: !isPrivate)
  }

  /// One page of INIT_MEM_REGION.
  private func addToImage(
    _ region: TDXCommand, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let machine = vcpu.machine
    let gfn = region.gpa >> 12
    let slot = machine.slot(at: gfn)
    try refuse(&call, .EINVAL, "no memfd", if: slot?.isGuestMemory != true)
    guard let slot else { throw .error(.EFAULT) }
    try refuse(&call, .EFAULT, "closed memfd", if: slot.memory == nil)
    guard let memory = slot.memory else { throw .error(.EFAULT) }
    let isReadable = region.source == 0 || HostMemory.isReadable(region.source)
    try refuse(&call, .EFAULT, "source page", if: !isReadable)
    try take(memory.invalidateLock, &call)
    defer { drop(memory.invalidateLock, &call) }
    let page = try page(slot.offset + gfn - slot.first, memory)
    let isPrivate = self.isPrivate(gfn, machine)
    try refuse(&call, .EINVAL, "attribute", if: !isPrivate)
    try loadRoot(vcpu, call)
    let found = try mapPrivate(
      gfn, page.frame, source: region.source == 0 ? page.frame : HostMemory.frame(region.source),
      since: nil, machine, &call)
    try refuse(&call, .EIO, "mapped before", if: found == .present)
    if region.flags & 1 != 0 { try measure(gfn, machine, call) }
  }

  private func measure(
    _ gfn: UInt64, _ machine: VirtualMachine, _ call: KernelCall
  ) throws(KVMStop) {
    guard let tdr = machine.td.tdr else { return }
    for chunk in 0..<16 {
      var registers = Registers(.MR_EXTEND, rcx: gfn << 12 + UInt64(chunk) << 8, rdx: tdr)
      guard module.call(&registers, lp: call.lp).isError else { continue }
      effect("extend bug", call) { reportBug("TDH.MR.EXTEND", machine) }
      throw .error(.EIO)
    }
  }

  /// Loads the roots of a vCPU, whose depth comes from its CPUID (kvm-tdx §2.5).
  func loadRoot(_ vcpu: VirtualCPU, _ call: KernelCall) throws(KVMStop) {
    guard !vcpu.hasRoot, vcpu.machine.type == .tdx else { return }
    let level = (vcpu.width ?? 48) > 48 ? 4 : 3
    guard level == vcpu.machine.td.rootLevel else {
      reportBug("the vCPU's width is not the TD's", vcpu.machine)
      throw .error(.EIO)
    }
    if let page = vcpu.page {
      var registers = Registers(.VP_WR, rcx: page)
      if module.call(&registers, lp: call.lp).isError {
        reportBug("TDH.VP.WR", vcpu.machine)
      }
    }
    vcpu.hasRoot = true
  }
}

/// The memory of the calling process: a buffer of 8 MiB, and nothing behind it.
enum HostMemory {
  static let buffer: UInt64 = 0x7F00_0000_0000
  static let bufferSize: UInt64 = 8 << 20
  /// Mappings of memfds are below.
  static let mappings: UInt64 = 0x7E00_0000_0000

  static func isReadable(_ address: UInt64) -> Bool {
    (buffer..<buffer + bufferSize).contains(address)
  }

  /// The page as the module reads it.
  static func frame(_ address: UInt64) -> UInt64 { 64 << 20 + (address &- buffer) & 0xFFF_F000 }

  /// The first 64 KiB of the buffer hold HLT.
  static func isHalt(_ address: UInt64) -> Bool { address &- buffer < 64 << 10 }
}
