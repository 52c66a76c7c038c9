import ConformanceKit

extension KVMBackend {
  /// Makes the call on the object it names; the value is what it returns.
  mutating func dispatch(_ given: KVMArguments, _ kernel: inout KernelCall) throws -> Int {
    switch given.call.name {
    case "standin_fail", "standin_script", "munmap", "touch", "pin", "set_hypercall_ret":
      return try control(given, &kernel)
    case "KVM_CREATE_VM" where !given.has("on"): break
    default: break
    }
    try note(given, &kernel)
    let name = given.text("on") ?? "dev"
    guard let file = process[name] else { throw KVMStop.error(.EBADF) }
    if given.call.name == "close" {
      let isVCPU = if case .vcpu = file.object { true } else { false }
      if isVCPU, let mapping = process.space.remove("run:\(name)") {
        drop(mapping.file, &kernel)
      }
      if let closed = process.close(name) { drop(closed, &kernel) }
      return 0
    }
    switch file.object {
    case .device: return try onDevice(given, &kernel)
    case .machine(let machine): return try onMachine(given, machine, &kernel)
    case .vcpu(let vcpu): return try onVCPU(given, vcpu, &kernel)
    case .memory(let memory): return try onMemory(given, memory, file, &kernel)
    }
  }

  private mutating func bind(_ given: KVMArguments, _ object: OpenObject) {
    guard let name = given.call.binds ?? given.text("new") else { return }
    let file = OpenFile(object)
    process.open(name, file)
    // A vCPU's kvm_run is mapped at once.
    guard case .vcpu = object else { return }
    file.references += 1
    process.space.map("run:\(name)", file, length: 3 << 12)
  }

  private mutating func onDevice(
    _ given: KVMArguments, _ kernel: inout KernelCall
  ) throws -> Int {
    switch given.call.name {
    case "KVM_CREATE_VM":
      let type = Int(truncatingIfNeeded: try given.word("type"))
      let machine = try host.createMachine(type, &kernel)
      bind(given, .machine(machine))
      return 0
    case "KVM_CHECK_EXTENSION":
      return try host.capability(given.text("cap") ?? "", nil, &kernel)
    default: throw KVMStop.error(Self.isFileCall(given.call.name) ? .ENODEV : .EINVAL)
    }
  }

  /// System calls on files, which devices do not have.
  private static func isFileCall(_ name: String) -> Bool {
    ["fallocate", "ftruncate", "mmap", "pread", "pwrite", "fstat"].contains(name)
  }

  private mutating func onMachine(
    _ given: KVMArguments, _ machine: VirtualMachine, _ kernel: inout KernelCall
  ) throws -> Int {
    switch given.call.name {
    case "KVM_CHECK_EXTENSION":
      return try host.capability(given.text("cap") ?? "", machine, &kernel)
    case "KVM_ENABLE_CAP":
      try host.enableCapability(
        given.text("cap") ?? "", try given.word("flags"), try given.words("args").first ?? 0,
        machine, &kernel)
    case "KVM_CREATE_IRQCHIP": try host.createIRQChip(machine, &kernel)
    case "KVM_SET_TSC_KHZ":
      try host.setFrequency(try given.word("khz"), machine, &kernel)
    case "KVM_GET_DIRTY_LOG":
      try host.readDirtyLog(Int(truncatingIfNeeded: try given.word("slot")), machine, &kernel)
    case "KVM_CREATE_VCPU":
      bind(given, .vcpu(try host.createVCPU(try given.word("id"), machine, &kernel)))
    case "KVM_CREATE_GUEST_MEMFD":
      let memory = try host.createMemory(
        size: try given.word("size"), flags: try given.word("flags"), machine, &kernel)
      bind(given, .memory(memory))
    case "KVM_SET_USER_MEMORY_REGION", "KVM_SET_USER_MEMORY_REGION2":
      try host.setRegion(try region(given), machine, &kernel)
    case "KVM_SET_MEMORY_ATTRIBUTES":
      try host.setAttributes(
        gpa: try given.word("gpa"), size: try given.word("size"),
        attributes: try given.word("attributes"), flags: try given.word("flags"), machine,
        &kernel)
    default:
      guard let command = try command(given) else { throw KVMStop.error(.ENOTTY) }
      try host.commandOnMachine(command, machine, &kernel)
    }
    return 0
  }

  private func region(_ given: KVMArguments) throws -> RegionRequest {
    var request = RegionRequest(
      slot: try given.word("slot"), flags: try given.word("flags"), gpa: try given.word("gpa"),
      size: try given.word("size"), hva: try given.address("hva", process))
    request.isFirstVersion = given.call.name == "KVM_SET_USER_MEMORY_REGION"
    request.offset = try given.word("gmem_offset", default: 0)
    guard let file = given.text("gmem").flatMap({ process[$0] }) else { return request }
    if case .memory(let memory) = file.object {
      request.memory = .memory(memory)
    } else {
      request.memory = .other
    }
    return request
  }

  /// The TDX command of a call; nil for another ioctl.
  private func command(_ given: KVMArguments) throws -> TDXCommand? {
    let ids: [String: UInt64] = [
      "KVM_TDX_CAPABILITIES": 0, "KVM_TDX_INIT_VM": 1, "KVM_TDX_INIT_VCPU": 2,
      "KVM_TDX_INIT_MEM_REGION": 3, "KVM_TDX_FINALIZE_VM": 4, "KVM_TDX_GET_CPUID": 5,
    ]
    let isRaw = given.call.name == "KVM_MEMORY_ENCRYPT_OP"
    guard let id = isRaw ? try given.word("id") : ids[given.call.name] else { return nil }
    var command = TDXCommand(id: id)
    command.flags = try given.word("flags", default: 0)
    command.hardwareError = try given.word("hw_error", default: 0)
    if given.text("data") == "NULL" {
      command.isNull = true
    } else {
      command.data = try given.word("data", default: 0)
      command.isNull = isRaw && command.data == 0
    }
    command.entries = Int(truncatingIfNeeded: try given.word("nent", default: 0))
    command.attributes = try given.word("attributes", default: 0)
    command.xfam = try given.word("xfam", default: 0)
    command.width = try given.optionalWord("gpaw").map { Int(truncatingIfNeeded: $0) }
    command.gpa = try given.word("gpa", default: 0)
    command.count = try given.word("nr_pages", default: 0)
    if given.has("source") { command.source = try given.address("source", process) }
    return command
  }

  /// What the caller's structures hold before the kernel writes to them.
  private func note(_ given: KVMArguments, _ kernel: inout KernelCall) throws {
    switch given.call.name {
    case "KVM_PRE_FAULT_MEMORY":
      kernel.written["gpa"] = .word(try given.word("gpa"))
      kernel.written["size"] = .word(try given.word("size"))
    case "KVM_TDX_INIT_MEM_REGION":
      kernel.written["gpa"] = .word(try given.word("gpa"))
      kernel.written["nr_pages"] = .word(try given.word("nr_pages"))
      kernel.written["source_advance"] = .word(0)
    default:
      if given.has("nent") { kernel.written["nent"] = .word(try given.word("nent")) }
    }
    let error = try given.word("hw_error", default: 0)
    if error != 0 { kernel.written["hw_error"] = .word(error) }
  }

  private mutating func onVCPU(
    _ given: KVMArguments, _ vcpu: VirtualCPU, _ kernel: inout KernelCall
  ) throws -> Int {
    switch given.call.name {
    case "KVM_RUN": try host.run(vcpu, &kernel)
    case "KVM_PRE_FAULT_MEMORY":
      try host.prefault(
        gpa: try given.word("gpa"), size: try given.word("size"),
        flags: try given.word("flags"), vcpu, &kernel)
    case "KVM_SET_CPUID2":
      let width = try given.optionalWord("gpaw").map { Int(truncatingIfNeeded: $0) }
      try host.setCPUID(hasX2APIC: given.flag("x2apic"), width: width, vcpu, &kernel)
    case "KVM_SET_TSC_KHZ":
      try host.setFrequency(try given.word("khz"), vcpu, &kernel)
    case "KVM_SET_MP_STATE":
      let state = Int(truncatingIfNeeded: try given.word("mp_state"))
      try host.setMPState(state, vcpu, &kernel)
    default:
      if let command = try command(given) {
        try host.commandOnVCPU(command, vcpu, &kernel)
      } else {
        try host.accessState(given.call.name, vcpu, &kernel)
      }
    }
    return 0
  }
}
