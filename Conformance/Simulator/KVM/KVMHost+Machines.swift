// VMs: creation, capabilities, the interrupt controller (kvm-tdx §2.1).
extension KVMHost {
  func createMachine(_ type: Int, _ call: inout KernelCall) throws(KVMStop) -> VirtualMachine {
    let known = MachineType(rawValue: type)
    try refuse(&call, .EINVAL, "type", if: known == nil || !profile.types.contains(type))
    guard let known else { throw .error(.EINVAL) }
    return VirtualMachine(
      type: known, owner: call.process, mostVCPUs: known == .tdx ? min(cpus, 1024) : 1024)
  }

  /// KVM_CHECK_EXTENSION; without a VM on /dev/kvm.
  func capability(
    _ name: String, _ machine: VirtualMachine?, _ call: inout KernelCall
  ) throws(KVMStop) -> Int {
    if let machine { try checkAlive(machine, &call) }
    let isPrivate = machine?.type.hasPrivateMemory
    switch name {
    case "KVM_CAP_VM_TYPES": return profile.types.reduce(0) { $0 | 1 << $1 }
    case "KVM_CAP_GUEST_MEMFD", "KVM_CAP_USER_MEMORY2": return 1
    case "KVM_CAP_PRE_FAULT_MEMORY": return profile.hasPrefault ? 1 : 0
    case "KVM_CAP_GUEST_MEMFD_FLAGS":
      return isPrivate == true && !profile.convertsInPlace ? 1 : 3
    case "KVM_CAP_MEMORY_ATTRIBUTES":
      let isOfVM = isPrivate != false && !profile.convertsInPlace
      return profile.hasAttributes && isOfVM ? 8 : 0
    case "KVM_CAP_MAX_VCPUS": return machine?.mostVCPUs ?? 1024
    case "KVM_CAP_MAX_VCPU_ID": return 4096
    case "KVM_CAP_NR_MEMSLOTS": return 32764
    case "KVM_CAP_MULTI_ADDRESS_SPACE":
      guard profile.hasSMM else { return 0 }
      return isPrivate == true ? 1 : 2
    case "KVM_CAP_READONLY_MEM": return machine?.type == .tdx ? 0 : 1
    case "KVM_CAP_TSC_CONTROL": return profile.canScaleTSC ? 1 : 0
    case "KVM_CAP_EXIT_HYPERCALL": return 0x1000
    default: return 0
    }
  }

  func enableCapability(
    _ name: String, _ flags: UInt64, _ first: UInt64, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    try refuse(&call, .EINVAL, "flags", if: flags != 0)
    switch name {
    case "KVM_CAP_SPLIT_IRQCHIP":
      try take(machine.lock, &call)
      try refuse(&call, .EINVAL, "routes", if: first > limit("routes", call, 4096))
      try refuse(&call, .EEXIST, "irqchip", if: machine.irqchip != .none)
      try refuse(&call, .EEXIST, "vcpus", if: !machine.vcpus.isEmpty)
      effect("irqchip", call) { machine.irqchip = .split }
    case "KVM_CAP_EXIT_HYPERCALL":
      try refuse(&call, .EINVAL, "mask", if: first & ~0x1000 != 0)
      machine.hypercallExits = first
    case "KVM_CAP_MAX_VCPU_ID":
      try refuse(&call, .EINVAL, "max id", if: first > 4096)
      try take(machine.lock, &call)
      if machine.mostIDs == Int(truncatingIfNeeded: first) { return }
      try refuse(
        &call, .EINVAL, "max id again", if: machine.mostIDs != 0 || !machine.vcpus.isEmpty)
      effect("max id", call) { machine.mostIDs = Int(truncatingIfNeeded: first) }
    case "KVM_CAP_X86_APIC_BUS_CYCLES_NS":
      try refuse(&call, .EINVAL, "cycles", if: first == 0)
      try refuse(&call, .ENXIO, "apic", if: machine.irqchip == .none)
      try refuse(&call, .EINVAL, "vcpus", if: !machine.vcpus.isEmpty)
    case "KVM_CAP_X86_USER_SPACE_MSR", "KVM_CAP_DISABLE_QUIRKS": break
    default: throw .error(.EINVAL)
    }
  }

  func createIRQChip(_ machine: VirtualMachine, _ call: inout KernelCall) throws(KVMStop) {
    try checkAlive(machine, &call)
    try take(machine.lock, &call)
    try refuse(&call, .EEXIST, "irqchip", if: machine.irqchip != .none)
    try refuse(&call, .ENOTTY, "protected eoi", if: machine.type == .tdx)
    try refuse(&call, .EINVAL, "vcpus", if: !machine.vcpus.isEmpty)
    effect("irqchip", call) { machine.irqchip = .kernel }
  }

  func setFrequency(
    _ kilohertz: UInt64, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    // With scaling any frequency fits; whether a TD accepts it is the module's affair.
    try take(machine.lock, &call)
    try refuse(&call, .EINVAL, "vcpus", if: !machine.vcpus.isEmpty)
  }

  func createVCPU(
    _ id: UInt64, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) -> VirtualCPU {
    try checkAlive(machine, &call)
    try refuse(&call, .EINVAL, "id", if: id >= limit("id", call, 4096))
    try take(machine.lock, &call)
    try refuse(
      &call, .EINVAL, "max vcpus",
      if: machine.vcpus.count >= Int(limit("max vcpus", call, UInt64(machine.mostVCPUs))))
    // The limit of ids is settled by the first attempt, whatever comes of it.
    if machine.mostIDs == 0 { machine.mostIDs = 4096 }
    let most = UInt64(machine.mostIDs)
    let isTaken = machine.vcpus.contains { $0.id == Int(truncatingIfNeeded: id) }
    try refuse(&call, .EEXIST, "duplicate", if: isTaken)
    try refuse(&call, .EINVAL, "max id", if: id >= limit("max id", call, most))
    if machine.type == .tdx {
      try refuse(&call, .EIO, "state", if: machine.td.state != .initialized)
      try refuse(&call, .EINVAL, "irqchip", if: machine.irqchip != .split)
    }
    let vcpu = VirtualCPU(
      id: Int(truncatingIfNeeded: id), index: machine.vcpus.count, machine: machine)
    if machine.type == .tdx { load(vcpu, call) }
    effect("vcpu", call) { machine.vcpus.append(vcpu) }
    effect("users", call) { machine.users += 1 }
    return vcpu
  }

  /// A vCPU that is loaded goes onto the list of its LP (kvm-tdx §2.12).
  func load(_ vcpu: VirtualCPU, _ call: KernelCall) {
    guard vcpu.machine.type == .tdx, vcpu.machine.td.isAssigned, vcpu.lp != call.lp else {
      return
    }
    if vcpu.lp != nil { unlist(vcpu, call) }
    effect("cpu_list", call) { vcpu.lp = call.lp }
  }

  /// Flushes a vCPU on the LP that lists it.
  func unlist(_ vcpu: VirtualCPU, _ call: KernelCall) {
    guard let lp = vcpu.lp else { return }
    if vcpu.isInitialized, let page = vcpu.page {
      var registers = Registers(.VP_FLUSH, rcx: page)
      let status = module.call(&registers, lp: lp)
      if status.isError, status.name != .VCPU_NOT_ASSOCIATED {
        reportBug("TDH.VP.FLUSH", vcpu.machine)
      }
    }
    effect("cpu_list", call) { vcpu.lp = nil }
  }
}
