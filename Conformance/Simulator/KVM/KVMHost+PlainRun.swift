/// As much of a plain guest's registers as the first instructions need; it starts at the reset
/// vector in real mode.
struct PlainRegisters: Hashable {
  var codeBase: UInt64 = 0xFFFF_0000
  var ip: UInt64 = 0xFFF0
  /// The interrupt table is empty: any exception is the last.
  var hasNoTable = false
  /// An instruction that could not be fetched is to be reported to the guest as an exception.
  var hasException = false

  mutating func clearSegments() {
    codeBase = 0
    hasNoTable = true
  }
}

// KVM_RUN of plain and software-protected VMs: memory of HLT halts, zeroes are instructions that
// do nothing of interest. What the emulated processor does beyond that is not followed.
extension KVMHost {
  /// What the guest finds in a frame.
  private enum Content {
    case halts
    case zeroes
    case nothing
  }

  private func content(
    _ gfn: UInt64, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Content {
    let machine = vcpu.machine
    let snapshot = machine.invalidationSequence
    let isPrivate = self.isPrivate(gfn, machine)
    guard let slot = machine.slot(at: gfn) else {
      if isPrivate { throw leaveWithFault(gfn, isPrivate: true, &call) }
      return .nothing
    }
    do throws(KVMStop) {
      if isPrivate {
        try refuse(&call, .EFAULT, "no memfd", if: !slot.isGuestMemory)
        _ = try faultPrivate(gfn, slot, since: snapshot, machine, &call)
      } else {
        _ = try faultShared(gfn, slot, since: snapshot, machine, &call)
      }
    } catch {
      // User space has no page there: that is no exit (recorded with 7.3).
      if !isPrivate && !slot.isMemoryOnly { throw error }
      throw leaveWithFault(gfn, isPrivate: isPrivate, &call)
    }
    let address = slot.hva &+ (gfn - slot.first) << 12
    let isBuffer = !isPrivate && !slot.isMemoryOnly
    return isBuffer && HostMemory.isHalt(address) ? .halts : .zeroes
  }

  func runPlain(_ vcpu: VirtualCPU, _ call: inout KernelCall) throws(KVMStop) {
    let machine = vcpu.machine
    if vcpu.mpState != 0, machine.irqchip != .none {
      leave(.interrupted, &call)
      throw .error(.EINTR)
    }
    if vcpu.hasPendingSMI {
      // The VM dies without a complaint: the mode's memory cannot be written.
      machine.isDead = true
      throw .error(.EIO)
    }
    vcpu.hasRun = true
    if vcpu.registers.hasException, try deliver(vcpu, &call) { return }
    for _ in 0..<64 {
      let place = vcpu.registers.codeBase + vcpu.registers.ip
      switch try content(place >> 12, vcpu, &call) {
      case .halts:
        vcpu.registers.ip += 1
        return leave(.halt, &call)
      case .nothing:
        vcpu.registers.hasException = true
        return leave(.internalError, &call)
      case .zeroes:
        vcpu.registers.ip = (vcpu.registers.ip | 0xFFF) &+ 1 & 0xFFFF
      }
    }
    leave(.interrupted, &call)
    throw .error(.EINTR)
  }

  /// Delivers an exception through the table at address 0; true leaves instead.
  private func deliver(
    _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    guard !vcpu.registers.hasNoTable else {
      leave(.shutdown, &call)
      return true
    }
    switch try content(0, vcpu, &call) {
    case .nothing:
      leave(.internalError, &call)
      return true
    case .halts: (vcpu.registers.codeBase, vcpu.registers.ip) = (0xF4F40, 0xF4F4)
    case .zeroes: (vcpu.registers.codeBase, vcpu.registers.ip) = (0, 0)
    }
    vcpu.registers.hasException = false
    return false
  }
}
