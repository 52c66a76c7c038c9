/// Puts recorded calls into the words of `gmem/mainline`: 64-bit values become the classes that
/// the spec's checks tell apart.
struct GmemCalls {
  let handles: KVMHandles
  let geometry: KVMGeometry
  /// The number of each range of user memory that memslots of a VM name.
  private var hosts: [String: Int] = [:]

  /// GPAs of memslots lie below this bit.
  let gpaBits: UInt64
  let isSumSigned: Bool

  init(_ steps: [KVMStep], _ environment: GmemEnvironment) {
    gpaBits = environment.gpaBits
    isSumSigned = environment.isSumSigned
    handles = KVMHandles(steps)
    geometry = KVMGeometry(steps, followsContents: true)
    for step in steps where step.op.hasPrefix("KVM_SET_USER_MEMORY_REGION") {
      let key = Self.hostKey(step)
      hosts[key] = hosts[key] ?? hosts.count
    }
  }

  var mostHosts: Int { max(1, hosts.count) }
  /// No recorded call makes this memslot.
  var unusedSlot: Int { handles.mostSlots }

  /// The number of the user memory that a memslot names.
  func hostElement(_ step: KVMStep) -> Int { hosts[Self.hostKey(step)] ?? 0 }

  private static func hostKey(_ step: KVMStep) -> String {
    "\(step.text("hva") ?? "") \(step.number("size") ?? 0)"
  }

  /// What else a call depends on: which descriptors are open, and the process's memory.
  struct Process {
    let isOpen: (String) -> Bool
    let memory: HostMemory
    /// The number of each mapping.
    let mappings: [String: Int]
    /// The mapping that a call makes.
    let newMapping: Int
  }

  /// - Returns: `nil` when nothing of the spec is called.
  /// - Throws: a message when the call is not of the format.
  func call(_ step: KVMStep, _ process: Process) throws(ModuleCallError) -> KVMCall? {
    if step.on == "dev", step.op != "KVM_CREATE_VM" { return onDevice(step) }
    if step.op == "touch" { return touch(step, process) }
    if step.op == "munmap" {
      guard let map = process.mappings[step.on], let vm = handles.vm(of: step.on) else {
        return nil
      }
      return KVMCall(vm, "munmap", ["map": .number(map)])
    }
    guard let object = handles.objects[step.on] else {
      throw ModuleCallError("\(step.op): nothing is called '\(step.on)'")
    }
    var call: KVMCall?
    switch object {
    case .device, .mapping: call = nil
    case .vm(let vm): call = onVM(step, vm, process)
    case .vcpu(let vm, let element):
      call = onVCPU(step, vm, process)
      call?.values["vcpu"] = .number(element)
    case .gmem(let vm, let element):
      call = onGmem(step, vm, process)
      call?.values["gmem"] = .number(element)
    }
    call?.values["caller"] = .name(step.byChild ? "child" : "owner")
    return call
  }

  func shape(_ isFine: Bool) -> KVMCall.Value { .name(isFine ? "fine" : "malformed") }

  private func close(_ step: KVMStep, _ action: String, _ process: Process) -> String {
    step.byChild && process.isOpen(step.on) ? "close(child's copy)" : action
  }

  private func onDevice(_ step: KVMStep) -> KVMCall {
    guard step.op == "KVM_CHECK_EXTENSION" else {
      return KVMCall(-1, "KVM_MEMORY_ENCRYPT_OP(dev)")
    }
    return KVMCall(-1, "KVM_CHECK_EXTENSION(dev)", ["cap": .name(Self.asked(step.text("cap")))])
  }

  private static func asked(_ name: String?) -> String {
    switch name {
    case "KVM_CAP_GUEST_MEMFD", "KVM_CAP_PRE_FAULT_MEMORY", "KVM_CAP_READONLY_MEM",
      "KVM_CAP_USER_MEMORY2":
      "one"
    case "KVM_CAP_GUEST_MEMFD_FLAGS": "flags"
    case "KVM_CAP_MEMORY_ATTRIBUTES": "attributes"
    case "KVM_CAP_VM_TYPES": "vmTypes"
    case "KVM_CAP_MAX_VCPUS": "maxVCPUs"
    case "KVM_CAP_MULTI_ADDRESS_SPACE": "addressSpaces"
    default: "other"
    }
  }

  // MARK: Descriptors of VMs

  private func onVM(_ step: KVMStep, _ vm: Int, _ process: Process) -> KVMCall? {
    switch step.op {
    case "KVM_CREATE_VM":
      let type = step.number("type")
      return KVMCall(
        vm, step.op,
        [
          "type": .name(type == 5 ? "td" : type == 1 ? "softwareProtected" : "ordinary"),
          "shape": shape([0, 1, 5].contains(type)),
        ])
    case "KVM_CREATE_VCPU":
      var call = KVMCall(
        vm, step.op, ["id": .number(handles.ids.of(step.number("id") ?? 0))])
      call.values["vcpu"] = .number(handles.element(step.text("new") ?? "") ?? 0)
      return call
    case "KVM_CREATE_GUEST_MEMFD": return createGmem(step, vm)
    case "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_USER_MEMORY_REGION":
      return memoryRegion(step, vm, process)
    case "KVM_SET_MEMORY_ATTRIBUTES": return attributes(step, vm)
    case "KVM_CHECK_EXTENSION":
      return KVMCall(vm, step.op, ["cap": .name(Self.asked(step.text("cap")))])
    case "close": return KVMCall(vm, close(step, "close(vm)", process))
    default: return other(step, vm)
    }
  }

  /// A call on a VM's descriptor that guest memory does not depend on.
  private func other(_ step: KVMStep, _ vm: Int) -> KVMCall {
    var call = KVMCall(vm, "VM call", ["shape": shape((step.number("flags") ?? 0) == 0)])
    var argument: UInt64 = 0
    if case .list(let list)? = step.arguments["args"] { argument = list.first?.unsigned ?? 0 }
    func takes(_ name: String, _ isFine: Bool) {
      call.values["call"] = .name(name)
      if !isFine { call.values["shape"] = shape(false) }
    }
    switch (step.op, step.text("cap")) {
    case ("KVM_ENABLE_CAP", "KVM_CAP_SPLIT_IRQCHIP"): takes("splitIrqchip", argument <= 4096)
    case ("KVM_ENABLE_CAP", "KVM_CAP_EXIT_HYPERCALL"):
      takes("exitHypercall", argument & ~0x1000 == 0)
    case ("KVM_ENABLE_CAP", "KVM_CAP_MAX_VCPU_ID"):
      takes("maxVCPUID", argument <= 4096)
      call.values["id"] = .number(argument == 0 ? 7 : handles.ids.of(argument))
    case ("KVM_CREATE_IRQCHIP", _): takes("createIrqchip", true)
    case ("KVM_SET_TSC_KHZ", _): takes("tscKHz", true)
    case ("KVM_GET_DIRTY_LOG", _):
      takes("dirtyLog", Self.isSlotNumber(step.number("slot") ?? 0))
    case ("KVM_MEMORY_ENCRYPT_OP", _), ("KVM_TDX_CAPABILITIES", _), ("KVM_TDX_INIT_VM", _),
      ("KVM_TDX_FINALIZE_VM", _):
      takes("command", true)
    default: takes("maxVCPUs", true)
    }
    let number = step.number("slot") ?? 0
    call.values["slot"] = .number(
      handles.hasSlot(number, in: vm) ? handles.slotElement(number, in: vm) : unusedSlot)
    return call
  }

  private func createGmem(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let size = step.number("size") ?? 0
    let flags = step.number("flags") ?? 0
    let isFine = size > 0 && size % 4096 == 0 && size >> 63 == 0 && flags & ~3 == 0
    return KVMCall(
      vm, step.op,
      [
        "gmem": .number(handles.element(step.text("new") ?? "") ?? 0), "shape": shape(isFine),
        "flag_mmap": .flag(flags & 1 != 0), "init_shared": .flag(flags & 2 != 0),
      ])
  }

  private func attributes(_ step: KVMStep, _ vm: Int) -> KVMCall {
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

  private func onVCPU(_ step: KVMStep, _ vm: Int, _ process: Process) -> KVMCall? {
    func access(_ what: String, shape isFine: Bool = true, needsChip: Bool = false) -> KVMCall {
      KVMCall(
        vm, "vCPU call",
        ["what": .name(what), "shape": shape(isFine), "needs_irqchip": .flag(needsChip)])
    }
    switch step.op {
    case "KVM_PRE_FAULT_MEMORY":
      let (gpa, size) = (step.number("gpa") ?? 0, step.number("size") ?? 0)
      let isFine =
        gpa % 4096 == 0 && size % 4096 == 0 && size > 0 && step.number("flags") == 0
        && !gpa.addingReportingOverflow(size).overflow
      return KVMCall(
        vm, step.op, ["shape": shape(isFine), "range": .number(geometry.pages(gpa, size))])
    case "KVM_RUN":
      return KVMCall(
        vm, step.op,
        [
          "fetched": .optional(geometry.page(at: KVMGeometry.resetPage)),
          "stored": .optional(geometry.page(at: KVMGeometry.storedPage)),
        ])
    case "KVM_SET_CPUID2": return access("cpuid")
    case "KVM_GET_LAPIC", "KVM_SET_LAPIC": return access("lapic")
    case "KVM_SMI": return access("smi")
    case "KVM_SET_SREGS": return access("zeroSegments")
    case "KVM_MEMORY_ENCRYPT_OP": return access("command")
    case let name where name.hasPrefix("KVM_TDX_"): return access("command")
    case "KVM_SET_MP_STATE":
      return access("plain", needsChip: step.number("mp_state") != 0)
    case "close": return KVMCall(vm, close(step, "close(vcpu)", process))
    case "set_hypercall_ret": return nil
    default: return access("plain")
    }
  }

  // MARK: Descriptors of memfds

  private func onGmem(_ step: KVMStep, _ vm: Int, _ process: Process) -> KVMCall? {
    switch step.op {
    case "fallocate": return fallocate(step, vm)
    case "fstat": return KVMCall(vm, "file call", ["call": .name("stat")])
    case "ftruncate": return KVMCall(vm, "file call", ["call": .name("truncate")])
    case "pread", "pwrite": return KVMCall(vm, "file call", ["call": .name("seekOrTransfer")])
    case "mmap":
      let (offset, length) = (step.number("offset") ?? 0, step.number("len") ?? 0)
      let isFine = offset % 4096 == 0 && length > 0
      let protection = step.text("prot") ?? ""
      let request =
        !isFine
        ? "malformed"
        : protection.contains("EXEC")
          ? "executable" : step.text("flags") == "SHARED" ? "shared" : "copyOnWrite"
      return KVMCall(
        vm, step.op,
        [
          "how": .name(request), "map": .number(process.newMapping),
          "prot": .name(
            protection.contains("WRITE") ? "write" : protection == "READ" ? "read" : "none"),
        ])
    case "close": return KVMCall(vm, close(step, "close(gmem)", process))
    default: return nil
    }
  }

  private func fallocate(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let (offset, length) = (step.number("offset") ?? 0, step.number("len") ?? 0)
    let isPunch = step.text("mode") == "PUNCH_HOLE|KEEP_SIZE"
    let end = offset.addingReportingOverflow(length)
    let isWithin = isPunch || end.partialValue <= handles.size(of: step.on)
    let request: String =
      if offset >> 63 != 0 || length >> 63 != 0 || length == 0 {
        "negative"
      } else if step.text("mode") == "PUNCH_HOLE" {
        "unsupported"
      } else if end.partialValue >> 63 != 0 {
        "tooBig"
      } else if !isPunch && step.text("mode") != "KEEP_SIZE" {
        "unsupported"
      } else if offset % 4096 != 0 || length % 4096 != 0 || !isWithin {
        "malformed"
      } else {
        isPunch ? "punchHole" : "allocate"
      }
    return KVMCall(
      vm, step.op,
      [
        "mode": .name(request), "signal_at": .optional(nil),
        "extent": .number(geometry.extent(step.on, offset, length)),
      ])
  }

  private func touch(_ step: KVMStep, _ process: Process) -> KVMCall? {
    guard let map = process.mappings[step.on], let place = process.memory.place(step),
      let vm = handles.vm(of: place.file)
    else { return nil }
    let value = step.number("value") ?? 0
    return KVMCall(
      vm, step.op,
      [
        "map": .number(map),
        "index": .number(geometry.index(of: place.file, at: place.offset) ?? 0),
        "within_size": .flag(place.isWithin),
        "write": .flag(step.arguments["write"] == .bool(true)),
        "value": .optional(value == 0 ? nil : Int(value) - 1),
      ])
  }
}
