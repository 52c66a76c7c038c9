/// What KVM_RUN left in `kvm_run`.
enum ExitReason: Int64, Hashable {
  case unknown = 0
  case hypercall = 3
  case halt = 5
  case mmio = 6
  case shutdown = 8
  case interrupted = 10
  case internalError = 17
  case systemEvent = 24
  case memoryFault = 39
  case tdx = 40
}

// KVM_RUN and KVM_PRE_FAULT_MEMORY (kvm-tdx §2.5, §2.10).
extension KVMHost {
  func prefault(
    gpa: UInt64, size: UInt64, flags: UInt64, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) {
    let machine = vcpu.machine
    try checkAlive(machine, &call)
    try take(vcpu.mutex, &call)
    try refuse(&call, .EINVAL, "flags", if: flags != 0)
    let sum = gpa.addingReportingOverflow(size)
    let isAligned = gpa & 0xFFF == 0 && size & 0xFFF == 0
    try refuse(&call, .EINVAL, "range", if: !isAligned || sum.overflow || size == 0)
    load(vcpu, call)
    var next = gpa
    while next < sum.partialValue {
      do throws(KVMStop) {
        var tries = 0
        while try !prefaultPage(next >> 12, vcpu, &call) {
          tries += 1
          if tries == Self.mostTries { throw .stuck }
          baton.giveWay("RET_PF_RETRY")
        }
      } catch {
        // What was done before counts.
        if next == gpa { throw error }
        break
      }
      next &+= 4096
    }
    call.written["gpa"] = .word(next)
    call.written["size"] = .word(sum.partialValue &- next)
  }

  /// False: it has to be tried again.
  private func prefaultPage(
    _ gfn: UInt64, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    let machine = vcpu.machine
    machine.faults += 1
    defer { machine.faults -= 1 }
    let snapshot = machine.invalidationSequence
    if machine.type == .tdx {
      try refuse(&call, .EOPNOTSUPP, "not final", if: !machine.td.allowsPrefault)
      let bit = machine.td.sharedBit
      try refuse(&call, .EINVAL, "shared bit", if: gfn & bit != 0)
    }
    try loadRoot(vcpu, call)
    let isPrivate = self.isPrivate(gfn, machine)
    let slot = machine.slot(at: gfn)
    try refuse(&call, .EAGAIN, "invalid slot", if: slot?.isInvalid == true)
    if isPrivate {
      try refuse(&call, .EFAULT, "no memfd", if: slot?.isGuestMemory != true)
      guard let slot else { throw .error(.EFAULT) }
      return try faultPrivate(gfn, slot, since: snapshot, machine, &call)
    }
    try refuse(&call, .ENOENT, "no slot", if: slot == nil)
    guard let slot else { throw .error(.EFAULT) }
    return try faultShared(gfn, slot, since: snapshot, machine, &call)
  }

  /// Maps a private page from the memfd of its slot. False: it has to be tried again.
  func faultPrivate(
    _ gfn: UInt64, _ slot: MemorySlot, since snapshot: UInt64, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    let page = try memoryPage(gfn, slot, &call)
    guard machine.type == .tdx else {
      return try mapDirect(gfn, page.frame, since: snapshot, machine, &call)
    }
    let found = try mapPrivate(
      gfn, page.frame, source: nil, since: snapshot, machine, &call)
    return found != .stale
  }

  private func memoryPage(
    _ gfn: UInt64, _ slot: MemorySlot, _ call: inout KernelCall
  ) throws(KVMStop) -> GuestPage {
    try refuse(&call, .EFAULT, "closed memfd", if: slot.memory == nil)
    guard let memory = slot.memory else { throw .error(.EFAULT) }
    return try page(slot.offset + gfn - slot.first, memory)
  }

  /// Maps a shared page: from the memfd where the slot has only that, else from user space. False:
  /// it has to be tried again.
  func faultShared(
    _ gfn: UInt64, _ slot: MemorySlot, since snapshot: UInt64, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    if slot.isMemoryOnly {
      let page = try memoryPage(gfn, slot, &call)
      return try mapDirect(gfn, page.frame, since: snapshot, machine, &call)
    }
    let address = slot.hva &+ (gfn - slot.first) << 12
    try refuse(&call, .EFAULT, "hva", if: !isMapped(address))
    return try mapDirect(gfn, address, since: snapshot, machine, &call)
  }

  /// Whether user space has something at an address that can be touched.
  func isMapped(_ address: UInt64) -> Bool { HostMemory.isReadable(address) }

  func run(_ vcpu: VirtualCPU, _ call: inout KernelCall) throws(KVMStop) {
    let machine = vcpu.machine
    try checkAlive(machine, &call)
    try take(vcpu.mutex, &call)
    load(vcpu, call)
    call.written["exit_reason"] = .integer(ExitReason.unknown.rawValue)
    if machine.type == .tdx { return try runDomain(vcpu, &call) }
    try runPlain(vcpu, &call)
  }

  func leave(_ reason: ExitReason, _ call: inout KernelCall) {
    call.written["exit_reason"] = .integer(reason.rawValue)
  }

  /// A fault that user space has to deal with.
  func leaveWithFault(
    _ gfn: UInt64, isPrivate: Bool, _ call: inout KernelCall
  ) -> KVMStop {
    leave(.memoryFault, &call)
    call.written["fault_flags"] = .word(isPrivate ? 8 : 0)
    call.written["fault_gpa"] = .word(gfn << 12)
    call.written["fault_size"] = .word(4096)
    return .error(.EFAULT)
  }

  // MARK: TDs

  private func runDomain(_ vcpu: VirtualCPU, _ call: inout KernelCall) throws(KVMStop) {
    let machine = vcpu.machine
    if vcpu.mpState != 0 {
      leave(.interrupted, &call)
      throw .error(.EINTR)
    }
    let isReady = vcpu.isInitialized && machine.td.state == .runnable
    if !isReady { call.written = [:] }
    try refuse(&call, .EINVAL, "not initialized", if: !isReady)
    vcpu.hasRun = true
    if try finishHypercall(vcpu, &call) { return }
    for _ in 0..<1000 {
      if machine.isDead { call.written = [:] }
      try refuse(&call, .EIO, "vm_dead in run", if: machine.isDead)
      try loadRoot(vcpu, call)
      effect("IN_GUEST_MODE", call) { vcpu.isInGuestMode = true }
      if machine.td.waitsForZap {
        vcpu.isInGuestMode = false
        baton.giveWay("wait_for_sept_zap")
        continue
      }
      let left = enter(vcpu, &call)
      (vcpu.isInGuestMode, vcpu.isKicked) = (false, false)
      baton.point(.release, "OUTSIDE_GUEST_MODE")
      guard let exit = left else { continue }
      if exit.status.isBusy {
        baton.giveWay("TDX_OPERAND_BUSY")
        continue
      }
      if try handle(exit, vcpu, &call) { return }
    }
    leave(.interrupted, &call)
    throw .error(.EINTR)
  }

  /// VP.ENTER until the guest leaves; nil when it was made to leave by another thread.
  private func enter(_ vcpu: VirtualCPU, _ call: inout KernelCall) -> Registers? {
    var registers = Registers(.VP_ENTER, rcx: vcpu.page ?? 0)
    _ = module.call(&registers, lp: call.lp)
    guard let tdx = module.module, tdx.lps[call.lp].guest != nil else { return registers }
    while true {
      baton.point(.effect, "guest")
      let isKicked = vcpu.isKicked
      let next = isKicked ? nil : guestEvents[vcpu.id]?.popFirst()
      switch tdx.guest(next ?? .leave(.interrupt), lp: call.lp) {
      case .left(let exit): return isKicked && !exit.status.isError ? nil : exit
      case .noGuest: return nil
      case .value(let value): guestReads.append(value)
      case .resumed: break
      }
    }
  }

  /// Deals with an exit; false goes on with the guest.
  private func handle(
    _ exit: Registers, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    let machine = vcpu.machine
    let reason = exit.rax & 0xFFFF
    let name = exit.status.name
    if exit.rax == TDXModule.unavailable.code {
      reportBug("TDH.VP.ENTER", machine)
      leave(.internalError, &call)
      return true
    }
    if exit.status.isError || exit.rax >> 62 & 1 == 1 {
      leave(name == .NON_RECOVERABLE_VCPU && reason == 2 ? .shutdown : .internalError, &call)
      return true
    }
    switch reason {
    case 1:
      leave(.interrupted, &call)
      throw .error(.EINTR)
    case 2:
      leave(.shutdown, &call)
      return true
    case 48: return try handleViolation(exit, vcpu, &call)
    case 77: return try handleHypercall(exit, vcpu, &call)
    default:
      leave(.internalError, &call)
      return true
    }
  }

  private func handleViolation(
    _ exit: Registers, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    let machine = vcpu.machine
    machine.faults += 1
    defer { machine.faults -= 1 }
    let bit = machine.td.sharedBit
    let gfn = exit.r8 >> 12
    let isShared = gfn & bit != 0
    let frame = gfn & ~bit
    let isPending = exit.rdx & 7 == 6 && exit.rcx & 0x38 == 0
    if !isShared && isPending {
      machine.isDead = true
      throw .error(.EIO)
    }
    let snapshot = machine.invalidationSequence
    let slot = machine.slot(at: frame)
    guard self.isPrivate(frame, machine) == !isShared else {
      throw leaveWithFault(frame, isPrivate: !isShared, &call)
    }
    if isShared {
      guard let slot else { return false }
      do throws(KVMStop) {
        _ = try faultShared(frame, slot, since: snapshot, machine, &call)
      } catch {
        // User space has no page there: that is no exit (recorded with 7.3).
        if !slot.isMemoryOnly { throw error }
        throw leaveWithFault(frame, isPrivate: false, &call)
      }
      return false
    }
    guard let slot, slot.isGuestMemory, slot.memory != nil else {
      throw leaveWithFault(frame, isPrivate: true, &call)
    }
    // What has to be tried again faults again.
    _ = try faultPrivate(frame, slot, since: snapshot, machine, &call)
    return false
  }

  /// TDG.VP.VMCALL: R10 is 0 for the calls of the interface, R11 their number.
  private func handleHypercall(
    _ exit: Registers, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    guard exit.r10 == 0 else { return false }
    switch exit.r11 {
    case 0x10001: return mapGPA(exit, vcpu, &call)
    case 0x10002:
      let bit = vcpu.machine.td.sharedBit << 12
      let isGood = exit.r12 & bit != 0 && exit.r12 & 0xFFF == 0 && exit.r13 & 0xFFF == 0
      guard isGood, exit.r13 != 0 else { return false }
      leave(.tdx, &call)
      return true
    case 0x10003:
      leave(.systemEvent, &call)
      call.written["system_event_type"] = 7
      return true
    default: return false
    }
  }

  /// The guest asks for pages to be shared or private: user space does it, 2 MiB at a time.
  private func mapGPA(
    _ exit: Registers, _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) -> Bool {
    let machine = vcpu.machine
    guard machine.hypercallExits & 0x1000 != 0 else { return false }
    let bit = machine.td.sharedBit << 12
    let isShared = exit.r12 & bit != 0
    let start = exit.r12 & ~bit
    let end = start &+ exit.r13
    let isGood = start & 0xFFF == 0 && exit.r13 & 0xFFF == 0 && end > start && end <= bit
    guard isGood else { return false }
    vcpu.pending = VirtualCPU.PendingExit(
      next: start, end: end, attributes: isShared ? 0 : 0x10)
    leaveWithHypercall(vcpu, &call)
    return true
  }

  private func leaveWithHypercall(_ vcpu: VirtualCPU, _ call: inout KernelCall) {
    guard let pending = vcpu.pending else { return }
    leave(.hypercall, &call)
    call.written["hypercall_nr"] = 12
    call.written["hypercall_gpa"] = .word(pending.next)
    call.written["hypercall_npages"] = .word(min(pending.end - pending.next, 2 << 20) >> 12)
    call.written["hypercall_attrs"] = .word(pending.attributes)
  }

  /// Goes on with a hypercall that user space has answered; true leaves again.
  private func finishHypercall(
    _ vcpu: VirtualCPU, _ call: inout KernelCall
  ) throws(KVMStop) -> Bool {
    guard var pending = vcpu.pending else { return false }
    vcpu.pending = nil
    let result = vcpu.hypercallResult
    let isKnown = [0, UInt64(KernelError.EAGAIN.rawValue), UInt64(KernelError.EINVAL.rawValue)]
      .contains(result)
    if !isKnown { call.written = [:] }
    try refuse(&call, .EINVAL, "hypercall result", if: !isKnown)
    guard result == 0 else { return false }
    pending.next += min(pending.end - pending.next, 2 << 20)
    guard pending.next < pending.end else { return false }
    vcpu.pending = pending
    leaveWithHypercall(vcpu, &call)
    return true
  }
}
