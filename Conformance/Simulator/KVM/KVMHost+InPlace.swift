// Conversion of pages in place, as queued for 7.4 (guest-memfd §2.2).
extension KVMHost {
  /// Whether a guest frame is private: by the memfd's page where pages are converted in place,
  /// otherwise by the VM's attributes.
  func isPrivate(_ gfn: UInt64, _ machine: VirtualMachine) -> Bool {
    guard profile.convertsInPlace else { return machine.privateFrames.contains(gfn) }
    guard let slot = machine.slot(at: gfn), let memory = slot.memory else { return false }
    return !memory.sharedPages.contains(slot.offset + gfn - slot.first)
  }

  /// KVM_SET_MEMORY_ATTRIBUTES2 on a memfd: all of the range, or nothing.
  func convert(
    offset: UInt64, size: UInt64, attributes: UInt64, flags: UInt64, _ memory: GuestMemory,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .ENOTTY, "not compiled in", if: !profile.convertsInPlace)
    try refuse(&call, .EINVAL, "flags", if: flags != 0)
    let isProtected = memory.machine?.type.hasPrivateMemory == true
    try refuse(&call, .EINVAL, "no private memory", if: !isProtected)
    try refuse(&call, .EINVAL, "attributes", if: attributes & ~8 != 0)
    let sum = offset.addingReportingOverflow(size)
    try refuse(&call, .EINVAL, "range", if: size == 0 || sum.overflow)
    try refuse(&call, .EINVAL, "alignment", if: (offset | size) & 0xFFF != 0)
    try refuse(&call, .EINVAL, "size", if: sum.partialValue > memory.size)
    let range = pages(from: offset, to: sum.partialValue)
    try take(memory.invalidateLock, &call)
    let toPrivate = attributes != 0
    let isSame =
      toPrivate ? !memory.sharedPages.overlaps(range) : memory.sharedPages.covers(range)
    if isSame { return }
    if toPrivate { try takeFromUser(range, memory, &call) }
    try zap(range, memory, isShared: toPrivate, &call)
    effect("attribute", call) {
      if toPrivate {
        memory.sharedPages.remove(range)
      } else {
        memory.sharedPages.insert(range)
      }
    }
    guard let machine = memory.machine else { return }
    machine.invalidationSequence += 1
    effect("invalidate_end", call) { machine.invalidations -= 1 }
  }

  /// Unmaps pages from user space; one that is still referred to ends the conversion, and all stay
  /// unmapped.
  private func takeFromUser(
    _ range: Range<UInt64>, _ memory: GuestMemory, _ call: inout KernelCall
  ) throws(KVMStop) {
    let numbers = memory.pages.keys.filter { range.contains($0) }.sorted()
    effect("unmap", call) {
      for number in numbers { memory.pages[number]?.isMapped = false }
    }
    for number in numbers {
      let isHeld = memory.pages[number].map { $0.isMapped || $0.pins > 0 } ?? false
      if isHeld { call.written["error_offset"] = .word(number << 12) }
      try refuse(&call, .EAGAIN, "references", if: isHeld)
      call.written["error_offset"] = nil
    }
  }

  /// Removes what the guest maps of the range as the old kind.
  private func zap(
    _ range: Range<UInt64>, _ memory: GuestMemory, isShared: Bool, _ call: inout KernelCall
  ) throws(KVMStop) {
    guard let machine = memory.machine else { return }
    try take(machine.mmuLock, &call)
    effect("invalidate_begin", call) { machine.invalidations += 1 }
    for binding in memory.bindings where binding.range.overlaps(range) {
      let part = binding.range.clamped(to: range)
      let first = binding.slot.first + part.lowerBound - binding.slot.offset
      let frames = first..<first + UInt64(part.count)
      if isShared {
        dropDirect(frames, machine)
      } else {
        removePrivate(frames, machine, call)
      }
    }
    drop(machine.mmuLock, &call)
  }
}
