/// What KVM_SET_USER_MEMORY_REGION and its second version are given.
struct RegionRequest {
  var slot: UInt64
  var flags: UInt64
  var gpa: UInt64
  var size: UInt64
  var hva: UInt64
  var offset: UInt64 = 0
  /// The descriptor; what is not open, or no memfd, is told apart.
  var memory = Descriptor.notOpen
  /// Asked by the first version of the ioctl.
  var isFirstVersion = false

  enum Descriptor {
    case notOpen
    case other
    case memory(GuestMemory)
  }
}

// Memory slots (kvm-tdx §2.6, guest-memfd §1.4).
extension KVMHost {
  /// The end of what user space can address.
  static let userEnd: UInt64 = 1 << 47 - 4096
  static let mostSlots: UInt64 = 32764

  func setRegion(
    _ given: RegionRequest, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    let first = SlotFlag.logDirty | SlotFlag.readOnly
    try refuse(&call, .EINVAL, "v1 flags", if: given.isFirstVersion && given.flags & ~first != 0)
    let id = given.slot & 0xFFFF
    try refuse(&call, .EINVAL, "slot id", if: id >= limit("slot id", call, Self.mostSlots))
    try take(machine.slotsLock, &call)
    try checkRegion(given, machine, &call)
    let key = Int(truncatingIfNeeded: given.slot)
    let old = machine.slots[key]
    if given.size == 0 {
      try refuse(&call, .EINVAL, "no slot", if: old == nil)
      if let old { try delete(old, machine, &call) }
      return
    }
    if let old { return try change(old, given, machine, &call) }
    try create(given, machine, &call)
  }

  private func checkRegion(
    _ given: RegionRequest, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    let isGuestMemory = given.flags & SlotFlag.guestMemory != 0
    var valid = SlotFlag.guestMemory
    if !isGuestMemory {
      valid |= SlotFlag.logDirty
      if machine.type != .tdx { valid |= SlotFlag.readOnly }
    }
    try refuse(&call, .EINVAL, "flags", if: given.flags & ~valid != 0)
    try refuse(&call, .EINVAL, "size alignment", if: given.size & 0xFFF != 0)
    try refuse(&call, .EINVAL, "gpa alignment", if: given.gpa & 0xFFF != 0)
    let (end, wraps) = given.hva.addingReportingOverflow(given.size)
    try refuse(&call, .EINVAL, "hva alignment", if: given.hva & 0xFFF != 0)
    try refuse(&call, .EINVAL, "hva range", if: wraps || end > Self.userEnd)
    if isGuestMemory {
      let sum = given.offset.addingReportingOverflow(given.size)
      try refuse(&call, .EINVAL, "offset alignment", if: given.offset & 0xFFF != 0)
      try refuse(&call, .EINVAL, "offset wrap", if: sum.overflow)
    }
    let spaces: UInt64 = profile.hasSMM && !machine.type.hasPrivateMemory ? 2 : 1
    try refuse(&call, .EINVAL, "address space", if: given.slot >> 16 >= spaces)
    let sum = given.gpa.addingReportingOverflow(given.size)
    try refuse(&call, .EINVAL, "gpa wrap", if: sum.overflow)
    try refuse(&call, .EINVAL, "pages", if: given.size >> 12 > 1 << 31 - 1)
  }

  private func change(
    _ old: MemorySlot, _ given: RegionRequest, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(
      &call, .EINVAL, "memfd slot", if: given.flags & SlotFlag.guestMemory != 0)
    let flips = (given.flags ^ old.flags) & (SlotFlag.readOnly | SlotFlag.guestMemory)
    let differs = given.hva != old.hva || given.size >> 12 != old.count || flips != 0
    try refuse(&call, .EINVAL, "changed slot", if: differs)
    guard given.gpa >> 12 != old.first else {
      effect("flags", call) { old.flags = given.flags }
      return
    }
    try checkOverlap(given, machine, &call)
    try checkGPA(given, machine, &call)
    let moved = MemorySlot(
      id: old.id, first: given.gpa >> 12, count: old.count, hva: old.hva, flags: given.flags,
      offset: 0)
    dropDirect(old.frames, machine)
    effect("slot", call) { machine.slots[old.id] = moved }
  }

  private func checkOverlap(
    _ given: RegionRequest, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    let frames = pages(from: given.gpa, to: given.gpa &+ given.size)
    let space = Int(truncatingIfNeeded: given.slot >> 16)
    let overlaps = machine.slots.values.contains {
      $0.id >> 16 == space && $0.id != Int(truncatingIfNeeded: given.slot)
        && $0.frames.overlaps(frames)
    }
    try refuse(&call, .EEXIST, "gpa overlap", if: overlaps)
  }

  private func checkGPA(
    _ given: RegionRequest, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    let last = (given.gpa &+ given.size &- 1) >> 12
    let isHigh = last >= profile.highestGPA >> 12
    let bit = machine.td.sharedBit
    let aliases = bit != 0 && (last & bit != 0 || given.gpa >> 12 & bit != 0)
    try refuse(&call, .EINVAL, "gfn", if: isHigh || aliases)
  }

  private func create(
    _ given: RegionRequest, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkOverlap(given, machine, &call)
    let slot = MemorySlot(
      id: Int(truncatingIfNeeded: given.slot), first: given.gpa >> 12, count: given.size >> 12,
      hva: given.hva,
      flags: given.flags, offset: given.offset >> 12)
    if slot.isGuestMemory { try bind(slot, given, machine, &call) }
    do throws(KVMStop) {
      try checkGPA(given, machine, &call)
    } catch {
      unbind(slot, call)
      throw error
    }
    effect("slot", call) { machine.slots[slot.id] = slot }
  }

  private func bind(
    _ slot: MemorySlot, _ given: RegionRequest, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    let memory: GuestMemory
    switch given.memory {
    case .notOpen: throw .error(.EBADF)
    case .other: throw .error(.EINVAL)
    case .memory(let found): memory = found
    }
    try refuse(&call, .EINVAL, "other vm", if: memory.machine !== machine)
    try refuse(&call, .EINVAL, "memfd size", if: isBeyond(given, memory))
    try take(memory.invalidateLock, &call)
    let range = slot.offset..<slot.offset + slot.count
    let isBound = memory.bindings.contains { $0.range.overlaps(range) }
    try refuse(
      &call, profile.overlapIsExist ? .EEXIST : .EINVAL, "memfd overlap", if: isBound)
    effect("gmem.file", call) { slot.memory = memory }
    slot.isMemoryOnly = memory.isMappable || profile.convertsInPlace
    effect("binding", call) {
      memory.bindings.append(GuestMemory.Binding(range: range, slot: slot))
    }
    drop(memory.invalidateLock, &call)
  }

  /// Before 7.2 the sum is a signed number, so that one that wraps looks small.
  private func isBeyond(_ given: RegionRequest, _ memory: GuestMemory) -> Bool {
    let end = given.offset &+ given.size
    if profile.sumIsSigned { return Int64(bitPattern: end) > Int64(bitPattern: memory.size) }
    return end > memory.size
  }

  private func unbind(_ slot: MemorySlot, _ call: KernelCall) {
    guard let memory = slot.memory else { return }
    effect("unbind", call) { memory.bindings.removeAll { $0.slot === slot } }
    slot.memory = nil
  }

  private func delete(
    _ slot: MemorySlot, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    effect("invalid", call) { slot.isInvalid = true }
    // Whoever found the slot valid is done before it is zapped: synchronize_srcu.
    guard baton.wait("kvm->srcu", until: { machine.faults == 0 }) else { throw .stuck }
    try take(machine.mmuLock, &call)
    dropDirect(slot.frames, machine)
    removePrivate(slot.frames, machine, call)
    drop(machine.mmuLock, &call)
    if let memory = slot.memory {
      try take(memory.invalidateLock, &call)
      unbind(slot, call)
      drop(memory.invalidateLock, &call)
    }
    effect("slot", call) { machine.slots[slot.id] = nil }
  }

  /// Zaps shared mappings.
  func dropDirect(_ frames: Range<UInt64>, _ machine: VirtualMachine) {
    guard !machine.directFrames.isEmpty else { return }
    machine.directFrames = machine.directFrames.filter { !frames.contains($0.key) }
  }

  /// KVM_GET_DIRTY_LOG.
  func readDirtyLog(
    _ slot: Int, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    try take(machine.slotsLock, &call)
    // As 6.18 and 7.3 answer. Not a place for faults: their list was drawn before this was known.
    guard slot & 0xffff < Self.mostSlots, slot >> 16 == 0 else { throw .error(.EINVAL) }
    let flags = machine.slots[slot]?.flags ?? 0
    try refuse(&call, .ENOENT, "no log", if: flags & SlotFlag.logDirty == 0)
  }
}
