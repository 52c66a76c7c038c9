// KVM_PV_ENABLE, and CPUs (s390-pv §1.9, §1.11).
extension S390Host {
  func enable(_ given: PVArgument, _ call: inout KernelCall) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .EINVAL, "protected", if: machine.isProtected)
      try take(mm.lock, &call)
      drop(mm.lock, &call)
      try createConfig(&call)
      do throws(KVMStop) {
        try protectCPUs(&call)
      } catch {
        _ = try unprotectCPUs(&call, tells: false)
        _ = destroyOwn(&call, tells: false)
        throw error
      }
    }
  }

  private func createConfig(_ call: inout KernelCall) throws(KVMStop) {
    if profile.isAsync, machine.notifier == .none {
      try refuse(&call, .ENOMEM, "notifier memory", if: starved.remove(.notifier) != nil)
      effect("notifier", call) { machine.notifier = .registered }
    }
    let base = try allocate(.storage, "base storage", &call)
    try take(machine.slotsLock, &call)
    drop(machine.slotsLock, &call)
    let variable = memory.allocate("variable storage")
    (machine.base, machine.variable) = (base, variable)
    let table = machine.table
    let handle = ask(&call) { () throws(Ultravisor.Failure) in
      let handle = try uv.createConfig(base: base, variable: variable, table: table)
      if profile.loadsImage { uv.configurations[handle]?.stage = .runnable }
      return handle
    }
    guard let handle else {
      deallocate(call)
      throw .error(.EIO)
    }
    effect("handle", call) { machine.handle = handle }
    effect("protected_count", call) { mm.count += 1 }
  }

  /// kvm_s390_pv_dealloc_vm.
  func deallocate(_ call: KernelCall) {
    free(machine.variable, "variable storage", call)
    free(machine.base, "base storage", call)
    clear(call)
  }

  /// kvm_s390_clear_pv_state.
  func clear(_ call: KernelCall) {
    (machine.base, machine.variable) = (nil, nil)
    effect("handle", call) { machine.handle = nil }
    if machine.isDumping { effect("unblock", call) { machine.isDumping = false } }
  }

  private func protectCPUs(_ call: inout KernelCall) throws(KVMStop) {
    for vcpu in machine.vcpus {
      try take(vcpu.mutex, &call)
      defer { drop(vcpu.mutex, &call) }
      try createCPU(vcpu, &call)
    }
  }

  private func createCPU(_ vcpu: ProtectedCPU, _ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EINVAL, "cpu", if: vcpu.handle != nil)
    let storage = try allocate(.cpu, "storage of a CPU", &call)
    let dataPage = memory.allocate("a page for data of instructions")
    let handle = machine.handle ?? 0
    let cpu = ask(&call) { () throws(Ultravisor.Failure) in
      try uv.createCPU(handle, vcpu.number, storage: storage)
    }
    guard let cpu else {
      free(storage, "cpu storage", call)
      free(dataPage, "data page", call)
      throw .error(.EIO)
    }
    (vcpu.storage, vcpu.dataPage) = (storage, dataPage)
    effect("cpu", call) { vcpu.handle = cpu }
  }

  /// kvm_s390_cpus_from_pv: one vCPU at a time, to the end; the codes of the first failure.
  ///
  /// - Returns: whether all went well.
  func unprotectCPUs(_ call: inout KernelCall, tells: Bool = true) throws(KVMStop) -> Bool {
    var isFine = true
    for vcpu in machine.vcpus {
      try take(vcpu.mutex, &call)
      if let failure = destroyCPU(vcpu, call) {
        if isFine && tells { tell(&call, rc: failure.rc, rrc: failure.rrc) }
        isFine = false
      }
      drop(vcpu.mutex, &call)
    }
    return isFine
  }

  /// kvm_s390_pv_destroy_cpu: whatever the Ultravisor says, the vCPU is an ordinary one then.
  func destroyCPU(_ vcpu: ProtectedCPU, _ call: KernelCall) -> Ultravisor.Failure? {
    guard let cpu = vcpu.handle else { return nil }
    var failure: Ultravisor.Failure?
    do throws(Ultravisor.Failure) { try uv.destroyCPU(cpu) } catch { failure = error }
    if failure == nil { free(vcpu.storage, "cpu storage", call) }
    free(vcpu.dataPage, "data page", call)
    (vcpu.storage, vcpu.dataPage) = (nil, nil)
    effect("cpu", call) { vcpu.handle = nil }
    return failure
  }
}
