// The state of a vCPU that user space may read or set (real-world §5).
extension KVMHost {
  private func begin(_ vcpu: VirtualCPU, _ call: inout KernelCall) throws(KVMStop) {
    try checkAlive(vcpu.machine, &call)
    try take(vcpu.mutex, &call)
    load(vcpu, call)
  }

  func setCPUID(
    hasX2APIC: Bool, width: Int?, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    try begin(vcpu, &call)
    let isOther = vcpu.hasX2APIC != hasX2APIC || vcpu.width != width ?? 52
    try refuse(&call, .EINVAL, "after run", if: vcpu.hasRun && isOther)
    // The host's own width is 48 without TDX: a wider one is no processor's.
    let isWide = !profile.canScaleTSC && width != 48
    try refuse(&call, .EINVAL, "width", if: isWide)
    effect("cpuid", call) {
      vcpu.hasX2APIC = hasX2APIC
      vcpu.width = width ?? (profile.canScaleTSC ? 52 : 48)
    }
    vcpu.hasRoot = false
  }

  func setFrequency(
    _ kilohertz: UInt64, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    try begin(vcpu, &call)
    try refuse(&call, .EINVAL, "td", if: vcpu.machine.type == .tdx)
  }

  func setMPState(
    _ state: Int, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    try begin(vcpu, &call)
    let hasAPIC = vcpu.machine.irqchip != .none
    try refuse(&call, .EINVAL, "apic", if: !hasAPIC && state != 0)
    effect("mp_state", call) { vcpu.mpState = state }
  }

  /// KVM_GET_ and KVM_SET_ of registers and other state, KVM_SMI, KVM_NMI.
  func accessState(
    _ name: String, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let isTD = vcpu.machine.type == .tdx
    switch name {
    case "KVM_GET_MP_STATE", "KVM_GET_VCPU_EVENTS", "KVM_NMI":
      try begin(vcpu, &call)
    case "KVM_SMI":
      try begin(vcpu, &call)
      try refuse(&call, .ENOTTY, "smm", if: isTD)
      vcpu.hasPendingSMI = true
    case "KVM_GET_LAPIC", "KVM_SET_LAPIC":
      try begin(vcpu, &call)
      try refuse(
        &call, .EINVAL, "lapic", if: isTD || vcpu.machine.irqchip == .none)
    case "KVM_GET_REGS", "KVM_SET_REGS", "KVM_GET_SREGS", "KVM_SET_SREGS", "KVM_GET_FPU",
      "KVM_GET_XSAVE", "KVM_GET_XCRS", "KVM_GET_DEBUGREGS":
      try begin(vcpu, &call)
      try refuse(&call, .EINVAL, "protected state", if: isTD)
      if name == "KVM_SET_REGS" { vcpu.registers.ip = 0 }
      if name == "KVM_SET_SREGS" { vcpu.registers.clearSegments() }
    default: throw .error(.EINVAL)
    }
  }
}
