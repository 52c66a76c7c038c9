// Guest memory files and attributes (guest-memfd §1.4, kvm-tdx §2.7 to §2.9).
extension KVMHost {
  func createMemory(
    size: UInt64, flags: UInt64, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) -> GuestMemory {
    try checkAlive(machine, &call)
    let isPlain = !machine.type.hasPrivateMemory || profile.convertsInPlace
    let supported: UInt64 = isPlain ? 3 : 1
    try refuse(&call, .EINVAL, "flags", if: flags & ~supported != 0)
    let isSize = Int64(bitPattern: size) > 0 && size & 0xFFF == 0
    try refuse(&call, .EINVAL, "size", if: !isSize)
    effect("users", call) { machine.users += 1 }
    return GuestMemory(
      machine: machine, size: size, isMappable: flags & 1 != 0, isShared: flags & 2 != 0)
  }

  /// fallocate; it needs no living VM and works from any process.
  func allocate(
    _ memory: GuestMemory, _ mode: String, offset: UInt64, length: UInt64,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    let modes = mode.split(separator: "|")
    let keeps = modes.contains("KEEP_SIZE")
    let punches = modes.contains("PUNCH_HOLE")
    let isRange = Int64(bitPattern: offset) >= 0 && Int64(bitPattern: length) > 0
    try refuse(&call, .EINVAL, "range", if: !isRange)
    let others = modes.contains { $0 != "KEEP_SIZE" && $0 != "PUNCH_HOLE" && $0 != "0" }
    try refuse(&call, .EOPNOTSUPP, "mode", if: others || punches && !keeps)
    let end = offset &+ length
    try refuse(&call, .EFBIG, "end", if: Int64(bitPattern: end) < 0)
    try refuse(&call, .EOPNOTSUPP, "keep size", if: !keeps)
    try refuse(&call, .EINVAL, "alignment", if: offset & 0xFFF != 0 || length & 0xFFF != 0)
    let range = pages(from: offset, to: end)
    if punches { return try punch(range, memory, &call) }
    try refuse(&call, .EINVAL, "size", if: end > memory.size)
    try take(memory.invalidateLock, .shared, &call)
    for number in range { _ = try page(number, memory) }
  }

  /// The folio at a page number; allocated if it is not there.
  func page(_ number: UInt64, _ memory: GuestMemory) throws(KVMStop) -> GuestPage {
    if let page = memory.pages[number] { return page }
    guard let frame = frames.take() else { throw .error(.ENOMEM) }
    let page = GuestPage(frame: frame)
    memory.pages[number] = page
    return page
  }

  private func punch(
    _ range: Range<UInt64>, _ memory: GuestMemory, _ call: inout KernelCall
  ) throws(KVMStop) {
    try take(memory.invalidateLock, &call)
    try zapBindings(range, memory, &call)
    let numbers = memory.pages.keys.filter { range.contains($0) }.sorted()
    for number in numbers {
      if let page = memory.pages.removeValue(forKey: number) {
        effect("truncate", call) { frames.give(page.frame) }
      }
    }
    if let machine = memory.machine { endInvalidation(machine, call) }
  }

  /// Removes what the guest maps of a range of the file. An invalidation begins, and is to be
  /// ended by the caller.
  private func zapBindings(
    _ range: Range<UInt64>, _ memory: GuestMemory, _ call: inout KernelCall
  ) throws(KVMStop) {
    guard let machine = memory.machine else { return }
    try take(machine.mmuLock, &call)
    effect("invalidate_begin", call) { machine.invalidations += 1 }
    let touched = memory.bindings.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for binding in touched where binding.range.overlaps(range) {
      let part = binding.range.clamped(to: range)
      let first = binding.slot.first + part.lowerBound - binding.slot.offset
      let frames = first..<first + UInt64(part.count)
      dropDirect(frames, machine)
      removePrivate(frames, machine, call)
    }
    drop(machine.mmuLock, &call)
  }

  private func endInvalidation(_ machine: VirtualMachine, _ call: KernelCall) {
    machine.invalidationSequence += 1
    effect("invalidate_end", call) { machine.invalidations -= 1 }
  }

  /// The file's last reference has gone: bindings are nullified, pages removed and freed, and the
  /// VM loses a user (guest-memfd §1.4, OP-RELEASE and OP-EVICT).
  func release(_ memory: GuestMemory, _ call: inout KernelCall) throws(KVMStop) {
    guard let machine = memory.machine else { return }
    try take(machine.slotsLock, &call)
    try take(memory.invalidateLock, &call)
    for binding in memory.bindings { binding.slot.memory = nil }
    if !memory.bindings.isEmpty {
      try zapBindings(0..<memory.size >> 12, memory, &call)
      endInvalidation(machine, call)
    }
    effect("bindings", call) { memory.bindings = [] }
    drop(memory.invalidateLock, &call)
    drop(machine.slotsLock, &call)
    memory.machine = nil
    try put(machine, &call)
    for (_, page) in memory.pages.sorted(by: { $0.key < $1.key }) { frames.give(page.frame) }
    memory.pages = [:]
  }

  func setAttributes(
    gpa: UInt64, size: UInt64, attributes: UInt64, flags: UInt64, _ machine: VirtualMachine,
    _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    try refuse(&call, .ENOTTY, "not compiled in", if: !profile.hasAttributes)
    try refuse(&call, .EINVAL, "flags", if: flags != 0)
    let isOfVM = machine.type.hasPrivateMemory && !profile.convertsInPlace
    let supported: UInt64 = isOfVM ? 8 : 0
    try refuse(&call, .EINVAL, "attributes", if: attributes & ~supported != 0)
    let sum = gpa.addingReportingOverflow(size)
    try refuse(&call, .EINVAL, "range", if: size == 0 || sum.overflow)
    try refuse(&call, .EINVAL, "alignment", if: gpa & 0xFFF != 0 || size & 0xFFF != 0)
    let range = pages(from: gpa, to: sum.partialValue)
    try take(machine.slotsLock, &call)
    let isPrivate = attributes != 0
    let isSame =
      isPrivate
      ? machine.privateFrames.covers(range) : !machine.privateFrames.overlaps(range)
    if isSame { return }
    try take(machine.mmuLock, &call)
    effect("invalidate_begin", call) { machine.invalidations += 1 }
    if isPrivate {
      dropDirect(range, machine)
    } else {
      removePrivate(range, machine, call)
    }
    drop(machine.mmuLock, &call)
    effect("attributes", call) {
      if isPrivate {
        machine.privateFrames.insert(range)
      } else {
        machine.privateFrames.remove(range)
      }
    }
    endInvalidation(machine, call)
  }
}
