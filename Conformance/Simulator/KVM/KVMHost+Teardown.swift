// Release of the key id and destruction (kvm-tdx §4.3, §4.4).
extension KVMHost {
  /// Drops a reference to a VM; the last one destroys it.
  func put(_ machine: VirtualMachine, _ call: inout KernelCall) throws(KVMStop) {
    effect("put", call) { machine.users -= 1 }
    guard machine.users == 0 else { return }
    if machine.type == .tdx { destroyDomain(machine, &call) }
    machine.slots = [:]
    machine.vcpus = []
    machine.directFrames = [:]
  }

  private func destroyDomain(_ machine: VirtualMachine, _ call: inout KernelCall) {
    releaseKey(machine, &call)
    for vcpu in machine.vcpus { freeVCPU(vcpu, machine, call) }
    reclaimTables(machine, call)
    reclaimControlPages(machine, call)
    machine.td.state = .uninitialized
  }

  /// Gives the key id back to the kernel.
  func returnKey(_ machine: VirtualMachine, _ call: KernelCall) {
    let hkid = machine.td.hkid
    effect("hkid free", call) {
      let place = freeKeys.firstIndex { $0 > hkid } ?? freeKeys.count
      freeKeys.insert(hkid, at: place)
    }
    machine.td.hkid = -1
  }

  func releaseKey(_ machine: VirtualMachine, _ call: inout KernelCall) {
    guard machine.td.isAssigned, let tdr = machine.td.tdr else { return }
    for vcpu in machine.vcpus { unlist(vcpu, call) }
    guard (try? take(keyLock, &call)) != nil else { return }
    defer { drop(keyLock, &call) }
    var flushed = Registers(.MNG_VPFLUSHDONE, rcx: tdr)
    let done = module.call(&flushed, lp: call.lp)
    if done.name == .FLUSHVP_NOT_DONE { return }
    guard !done.isError else { return reportBug("TDH.MNG.VPFLUSHDONE", machine) }
    writeBackCaches(call)
    var free = Registers(.MNG_KEY_FREEID, rcx: tdr)
    guard !module.call(&free, lp: call.lp).isError else {
      return reportBug("TDH.MNG.KEY.FREEID", machine)
    }
    returnKey(machine, call)
  }

  private func writeBackCaches(_ call: KernelCall) {
    for lp in firstOfPackages {
      effect("CACHE.WB", call) {
        var registers = Registers(.PHYMEM_CACHE_WB)
        var status = module.call(&registers, lp: lp)
        var resumes = 0
        while status.name == .INTERRUPTED_RESUMABLE, resumes < 10_000 {
          registers = Registers(.PHYMEM_CACHE_WB, rcx: 1)
          status = module.call(&registers, lp: lp)
          resumes += 1
        }
        if status.isError { warnings.append("TDH.PHYMEM.CACHE.WB") }
      }
    }
  }

  /// Takes a page back from the module; false leaves it with the module for good.
  private func reclaim(_ page: UInt64, _ call: KernelCall) -> Bool {
    var registers = Registers(.PHYMEM_PAGE_RECLAIM, rcx: page)
    guard !module.call(&registers, lp: call.lp).isError else {
      warnings.append("TDH.PHYMEM.PAGE.RECLAIM")
      return false
    }
    return true
  }

  private func freeVCPU(
    _ vcpu: VirtualCPU, _ machine: VirtualMachine, _ call: KernelCall
  ) {
    // With the key id still assigned the pages cannot be reclaimed: they are lost.
    guard !machine.td.isAssigned else { return }
    for page in vcpu.extraPages where reclaim(page, call) { frames.give(page) }
    vcpu.extraPages = []
    if let page = vcpu.page, reclaim(page, call) { frames.give(page) }
    vcpu.page = nil
    vcpu.isInitialized = false
  }

  private func reclaimTables(_ machine: VirtualMachine, _ call: KernelCall) {
    guard !machine.td.tables.isEmpty else { return }
    guard !machine.td.isAssigned else {
      return reportBug("tables of a TD whose key id is assigned", machine)
    }
    let lowestFirst = machine.td.tables.sorted {
      ($0.key.level, $0.key.number) < ($1.key.level, $1.key.number)
    }
    for (_, page) in lowestFirst where reclaim(page, call) { frames.give(page) }
    machine.td.tables = [:]
  }

  func reclaimControlPages(_ machine: VirtualMachine, _ call: KernelCall) {
    guard !machine.td.isAssigned else { return }
    for page in machine.td.controlPages where reclaim(page, call) { frames.give(page) }
    effect("tdcs", call) { machine.td.controlPages = [] }
    guard let tdr = machine.td.tdr else { return }
    guard reclaim(tdr, call) else { return }
    writeBack(tdr, firstKey - 1, machine, call)
    frames.give(tdr)
    machine.td.tdr = nil
  }
}
