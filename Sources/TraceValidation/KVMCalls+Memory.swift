extension KVMCalls {
  private static let slotCount: UInt64 = 32764
  private static let eagain: UInt64 = 11
  private static let einval: UInt64 = 22
  private static let mostPages: UInt64 = (1 << 31) - 1

  /// Address spaces but the first have no memslots here.
  static func isSlotNumber(_ number: UInt64) -> Bool {
    number & 0xffff < slotCount && number >> 16 == 0
  }

  /// Which of the bits that may be the shared bit an address has.
  static func bits(_ gpa: UInt64) -> KVMCall.Value {
    if gpa >> 52 != 0 { return .name("beyond") }
    if gpa >> 51 & 1 != 0 { return .name("bit51") }
    return .name(gpa >> 47 & 1 != 0 ? "bit47" : "low")
  }

  func memoryRegion(
    _ step: KVMStep, _ vm: Int, _ isOpen: (String) -> Bool
  ) -> KVMCall {
    let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
    let (flags, slot) = (step.number("flags") ?? 0, step.number("slot") ?? 0)
    let isFirst = step.op == "KVM_SET_USER_MEMORY_REGION"
    var call = KVMCall(vm, "KVM_SET_USER_MEMORY_REGION2")
    call.values["shape"] = shape(slot & 0xffff < Self.slotCount && !(isFirst && flags & ~3 != 0))
    call.values["slot"] = .number(handles.slotElement(slot, in: vm))
    call.values["flags"] = .name(Self.flags(flags))
    call.values["size"] = .name(regionSize(step, isGmem: flags & 4 != 0))
    call.values["range"] = .number(geometry.pages(gpa, size))
    call.values["gpa"] = Self.bits(gpa &+ (size == 0 ? 0 : size - 1))
    let file = step.text("gmem")
    let offset = step.number("gmem_offset") ?? 0
    call.values["backing"] = .name(backing(file, vm, offset, size, isOpen))
    call.values["gmem"] = .number(file.flatMap(handles.element) ?? 0)
    let shift = file.flatMap { geometry.shift(gpa, $0, offset) } ?? 0
    call.values["offset"] = .number(shift + KVMReplay.bias)
    let mapped = BufferPlace(step.text("hva")).mapped(of: size)
    call.values["hva_unmapped"] = .number(geometry.pages(gpa &+ mapped, size &- mapped))
    return call
  }

  private static func flags(_ flags: UInt64) -> String {
    switch flags {
    case 0, 1: "none"
    case 2, 3: "readOnly"
    case 4: "guestMemfd"
    default: "refused"
    }
  }

  private func regionSize(_ step: KVMStep, isGmem: Bool) -> String {
    let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
    let offset = step.number("gmem_offset") ?? 0
    let hva = BufferPlace(step.text("hva"))
    let isFine =
      gpa % 4096 == 0 && size % 4096 == 0 && hva.isAligned && !hva.isBeyondUser(size)
      && !gpa.addingReportingOverflow(size).overflow && size >> 12 <= Self.mostPages
      && (step.number("slot") ?? 0) >> 16 == 0
      && (!isGmem || offset % 4096 == 0 && !offset.addingReportingOverflow(size).overflow)
    return isFine ? size == 0 ? "zero" : "some" : "malformed"
  }

  private func backing(
    _ file: String?, _ vm: Int, _ offset: UInt64, _ size: UInt64, _ isOpen: (String) -> Bool
  ) -> String {
    guard let file, let object = handles.objects[file], isOpen(file) else { return "notOpen" }
    guard case .gmem(let owner, _) = object, owner == vm else { return "foreign" }
    return offset &+ size > handles.size(of: file) ? "tooSmall" : "file"
  }

  func attributes(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
    let attributes = step.number("attributes") ?? 0
    let isFine =
      gpa % 4096 == 0 && size % 4096 == 0 && size > 0 && attributes & ~8 == 0
      && step.number("flags") == 0 && !gpa.addingReportingOverflow(size).overflow
    return KVMCall(
      vm, step.op,
      [
        "shape": shape(isFine), "range": .number(geometry.pages(gpa, size)),
        "private": .flag(attributes == 8),
      ])
  }

  // MARK: Descriptors of vCPUs

  func onVCPU(_ step: KVMStep, _ vm: Int, _ isOpen: (String) -> Bool) -> KVMCall? {
    switch step.op {
    case "KVM_SET_CPUID2":
      let width = step.number("gpaw") ?? 52
      return KVMCall(
        vm, step.op,
        [
          "x2apic": .flag(step.arguments["x2apic"] == .bool(true)),
          "gpaw": .name(width > 48 ? "bits52" : "bits48"),
        ])
    case "KVM_TDX_INIT_VCPU": return command(step, vm)
    case "KVM_TDX_GET_CPUID":
      return command(step, vm, ["nent": Self.room(step, Self.entriesOfTD)])
    case "KVM_TDX_INIT_MEM_REGION": return initMemRegion(step, vm)
    case "KVM_MEMORY_ENCRYPT_OP": return rawOnVCPU(step, vm)
    case "KVM_TDX_INIT_VM", "KVM_TDX_FINALIZE_VM", "KVM_TDX_CAPABILITIES":
      return command(step, vm, action: "KVM_MEMORY_ENCRYPT_OP(vcpu)")
    case "set_hypercall_ret":
      let reply = step.number("ret") ?? 0
      return KVMCall(vm, step.op, ["odd": .flag(![0, Self.eagain, Self.einval].contains(reply))])
    case "KVM_PRE_FAULT_MEMORY":
      let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
      let isFine =
        gpa % 4096 == 0 && size % 4096 == 0 && size > 0 && step.number("flags") == 0
        && !gpa.addingReportingOverflow(size).overflow
      return KVMCall(
        vm, step.op,
        [
          "shape": shape(isFine), "gpa": Self.bits(gpa),
          "range": .number(geometry.pages(gpa, size)),
        ])
    case "KVM_RUN": return KVMCall(vm, step.op)
    case "KVM_SET_MP_STATE":
      return KVMCall(vm, step.op, ["runnable": .flag(step.number("mp_state") == 0)])
    case "KVM_SMI": return KVMCall(vm, "vCPU registers", ["what": .name("smi")])
    case "KVM_GET_MP_STATE", "KVM_GET_VCPU_EVENTS", "KVM_NMI":
      return KVMCall(vm, "vCPU registers", ["what": .name("kvms")])
    case "close": return KVMCall(vm, close(step, "close(vcpu)", isOpen))
    default: return KVMCall(vm, "vCPU registers", ["what": .name("protected")])
    }
  }

  private func rawOnVCPU(_ step: KVMStep, _ vm: Int) -> KVMCall {
    switch step.number("id") {
    case 2: command(step, vm, action: "KVM_TDX_INIT_VCPU")
    case 3: rawMemRegion(step, vm)
    case 5: command(step, vm, action: "KVM_TDX_GET_CPUID", ["nent": .name("unreadable")])
    default: command(step, vm, action: "KVM_MEMORY_ENCRYPT_OP(vcpu)")
    }
  }

  /// The command's flags are the region's, and are looked at before its address.
  private func rawMemRegion(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let hasUnknownFlags = (step.number("flags") ?? 0) & ~1 != 0
    var call = command(
      step, vm, action: "KVM_TDX_INIT_MEM_REGION",
      [
        "region": .name(hasUnknownFlags ? "unknownFlags" : "unreadable"), "gpa": .name("low"),
        "range": .number(0), "source_unmapped": .number(0),
      ])
    if call.values["cmd"] == .name("flags") { call.values["cmd"] = .name("fine") }
    return call
  }

  private func initMemRegion(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let (gpa, count) = (step.number("gpa") ?? 0, step.number("nr_pages") ?? 0)
    let flags = step.number("flags") ?? 0
    let source = BufferPlace(step.text("source"))
    // Only the bytes count, so that a number of pages that is too large wraps (kvm-tdx §2.3.2).
    let size = count << 12
    let isFine =
      !["0", "0x0"].contains(step.text("source")) && source.isAligned && gpa % 4096 == 0
      && count > 0
      && gpa &+ size > gpa
    let name =
      flags & ~1 != 0
      ? "unknownFlags"
      : step.text("data") == "NULL"
        ? "unreadable" : !isFine ? "malformed" : flags == 1 ? "measured" : "fine"
    var call = command(step, vm)
    // The command's own flags are the region's; they have their own class.
    if call.values["cmd"] == .name("flags") { call.values["cmd"] = .name("fine") }
    call.values["region"] = .name(name)
    let first = Self.bits(gpa)
    call.values["gpa"] = first == .name("low") ? Self.bits(gpa &+ size &- 1) : first
    call.values["range"] = .number(geometry.pages(gpa, size))
    let mapped = source.mapped(of: size)
    call.values["source_unmapped"] = .number(geometry.pages(gpa &+ mapped, size &- mapped))
    return call
  }

  // MARK: Descriptors of memfds

  func onGmem(
    _ step: KVMStep, _ vm: Int, _ isOpen: (String) -> Bool
  ) throws(ModuleCallError) -> KVMCall? {
    switch step.op {
    case "fallocate": return try fallocate(step, vm)
    case "fstat": return KVMCall(vm, "file call", ["call": .name("stat")])
    case "ftruncate": return KVMCall(vm, "file call", ["call": .name("setSize")])
    case "pread", "pwrite": return KVMCall(vm, "file call", ["call": .name("readWrite")])
    case "mmap":
      return KVMCall(vm, "mmap", ["map_shared": .flag(step.text("flags") == "SHARED")])
    case "close": return KVMCall(vm, close(step, "close(gmem)", isOpen))
    default: return nil
    }
  }

  private func fallocate(_ step: KVMStep, _ vm: Int) throws(ModuleCallError) -> KVMCall {
    let (offset, length) = (step.number("offset") ?? 0, step.number("len") ?? 0)
    let mode: String =
      switch step.text("mode") {
      case "PUNCH_HOLE|KEEP_SIZE": "punchHole"
      case "KEEP_SIZE": "allocate"
      default: "unsupported"
      }
    let isWithin = mode == "punchHole" || offset &+ length <= handles.size(of: step.on)
    if (offset | length) >> 63 == 0, (offset &+ length) >> 63 != 0 {
      throw ModuleCallError("fallocate: the spec has no EFBIG")
    }
    let isFine =
      offset % 4096 == 0 && length % 4096 == 0 && length > 0 && isWithin
      && (offset | length) >> 63 == 0
    return KVMCall(
      vm, step.op,
      [
        "mode": .name(mode), "shape": shape(isFine),
        "extent": .number(geometry.extent(step.on, offset, length)),
      ])
  }
}
