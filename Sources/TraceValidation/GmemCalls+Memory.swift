extension GmemCalls {
  private static let slotCount: UInt64 = 32764
  private static let mostPages: UInt64 = (1 << 31) - 1

  /// Address spaces but the first have no memslots here.
  static func isSlotNumber(_ number: UInt64) -> Bool {
    number & 0xffff < slotCount && number >> 16 == 0
  }

  /// A memory region: with size 0 the memslot goes.
  func memoryRegion(_ step: KVMStep, _ vm: Int, _ process: Process) -> KVMCall {
    let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
    let (flags, slot) = (step.number("flags") ?? 0, step.number("slot") ?? 0)
    guard size > 0 else { return deletion(step, vm) }
    var call = KVMCall(vm, "KVM_SET_USER_MEMORY_REGION2")
    call.values["shape"] = shape(isFine(step))
    call.values["slot"] = .number(handles.slotElement(slot, in: vm))
    call.values["flags"] = .name(Self.flags(flags))
    call.values["range"] = .number(geometry.pages(gpa, size))
    call.values["beyond_max_gfn"] = .flag((gpa &+ (size - 1)) >> gpaBits != 0)
    let file = step.text("gmem")
    let offset = step.number("gmem_offset") ?? 0
    call.values["backing"] = .name(backing(file, vm, offset, size, process))
    call.values["gmem"] = .number(file.flatMap(handles.element) ?? 0)
    let shift = file.flatMap { geometry.shift(gpa, $0, offset) } ?? 0
    call.values["offset"] = .number(shift + KVMReplay.bias)
    call.values["hva"] = .number(hostElement(step))
    return call
  }

  /// What a memory region names; `nil` when the step makes none.
  func names(_ step: KVMStep, _ process: Process) -> KVMCall? {
    guard step.op.hasPrefix("KVM_SET_USER_MEMORY_REGION"), let size = step.number("size"), size > 0
    else { return nil }
    let gpa = step.number("gpa") ?? 0
    let offset = step.number("gmem_offset") ?? 0
    let hva = step.text("hva")
    let readable = process.memory.readable(hva, size)
    let halting = process.memory.halting(hva, size)
    let extent = step.text("gmem").map { geometry.extent($0, offset, size) } ?? 0
    return KVMCall(
      handles.vm(of: step.on) ?? 0, "what the next memslot names",
      [
        "hva_unmapped": .number(geometry.pages(gpa &+ readable, size &- readable)),
        "hva_halts": .number(geometry.pages(gpa, halting)), "extent": .number(extent),
      ])
  }

  private func deletion(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let flags = step.number("flags") ?? 0
    return KVMCall(
      vm, "KVM_SET_USER_MEMORY_REGION2(delete)",
      [
        "shape": shape(isFine(step) && Self.flags(flags) != "refused"),
        "slot": .number(handles.slotElement(step.number("slot") ?? 0, in: vm)),
      ])
  }

  private static func flags(_ flags: UInt64) -> String {
    switch flags {
    case 0: "none"
    case 1: "dirtyLog"
    case 2: "readOnly"
    case 3: "readOnlyDirtyLog"
    case 4: "guestMemfd"
    default: "refused"
    }
  }

  /// What is checked of numbers alone, before any memslot is looked at.
  private func isFine(_ step: KVMStep) -> Bool {
    let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
    let (flags, slot) = (step.number("flags") ?? 0, step.number("slot") ?? 0)
    let offset = step.number("gmem_offset") ?? 0
    let hva = BufferPlace(step.text("hva"))
    let isFirst = step.op == "KVM_SET_USER_MEMORY_REGION"
    return Self.isSlotNumber(slot) && !(isFirst && flags & ~3 != 0)
      && gpa % 4096 == 0 && size % 4096 == 0 && hva.isAligned && !hva.isBeyondUser(size)
      && !gpa.addingReportingOverflow(size).overflow && size >> 12 <= Self.mostPages
      && (flags & 4 == 0 || offset % 4096 == 0 && !offset.addingReportingOverflow(size).overflow)
  }

  private func backing(
    _ file: String?, _ vm: Int, _ offset: UInt64, _ size: UInt64, _ process: Process
  ) -> String {
    guard let file, let object = handles.objects[file], process.isOpen(file) else {
      return "notOpen"
    }
    guard case .gmem(let owner, _) = object, owner == vm else { return "foreign" }
    let (end, wraps) = offset.addingReportingOverflow(size)
    if isSumSigned, !wraps, end >> 63 != 0 { return "file" }
    return wraps || end > handles.size(of: file) ? "tooSmall" : "file"
  }
}
