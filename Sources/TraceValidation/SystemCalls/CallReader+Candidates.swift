/// Calls whose arguments a trace may not tell, and those with values of many kinds.
extension CallReader {
  /// Capabilities that specs answer; of the others they have only that there is an answer.
  private static let answered: Set<String> = [
    "KVM_CAP_GUEST_MEMFD", "KVM_CAP_GUEST_MEMFD_FLAGS", "KVM_CAP_MEMORY_ATTRIBUTES",
    "KVM_CAP_VM_TYPES", "KVM_CAP_MAX_VCPUS", "KVM_CAP_MULTI_ADDRESS_SPACE",
    "KVM_CAP_READONLY_MEM", "KVM_CAP_PRE_FAULT_MEMORY", "KVM_CAP_USER_MEMORY2",
  ]

  func checkExtension() -> CallReading {
    guard let cap = call.arguments["cap"]?.text else { return .undecoded }
    guard Self.answered.contains(cap) else { return .unspoken }
    // Without two-dimensional paging there is no prefault (real-world §6).
    if cap == "KVM_CAP_PRE_FAULT_MEMORY", call.ret == 0 { return .unspoken }
    if cap == "KVM_CAP_USER_MEMORY2", isTD { return .unspoken }
    return .steps([step(call.name, ["cap": .text(cap)])], missing: [])
  }

  /// Capabilities that change what later calls answer; one is enough for those that do not.
  private static let harmless = "KVM_CAP_EXIT_HYPERCALL"

  func enableCap() -> CallReading {
    func enable(_ cap: String, _ argument: UInt64, flags: UInt64 = 0) -> KVMStep {
      step(
        call.name,
        ["cap": .text(cap), "flags": .hex(flags), "args": .list([.hex(argument), .hex(0)])])
    }
    guard let cap = call.arguments["cap"]?.text, let args = call.arguments["args"] else {
      let likely = [enable("KVM_CAP_SPLIT_IRQCHIP", 24), enable("KVM_CAP_MAX_VCPU_ID", 4096)]
      let other = enable(Self.harmless, 0x1000, flags: call.succeeded ? 0 : 1)
      return .steps([other] + likely, missing: ["cap", "args"])
    }
    let known: Set = [
      "KVM_CAP_SPLIT_IRQCHIP", "KVM_CAP_MAX_VCPU_ID", Self.harmless, "KVM_CAP_MAX_VCPUS",
    ]
    let isKnown = known.contains(cap) || isTD && cap == "KVM_CAP_X86_APIC_BUS_CYCLES_NS"
    guard isKnown else { return .unspoken }
    let flags = call.arguments["flags"] ?? .hex(0)
    return .steps(
      [step(call.name, ["cap": .text(cap), "flags": flags, "args": args])], missing: [])
  }

  func createMemory() -> CallReading {
    var told: [String: TraceValue] = ["new": .text(new)]
    let size = call.arguments["size"]
    told["size"] = size ?? .hex(0x1000)
    if let flags = call.arguments["flags"], size != nil {
      told["flags"] = flags
      return .steps([step(call.name, told)], missing: [])
    }
    var steps = [0, 1, 3, 2].map { flags in
      step(call.name, told.merging(["flags": .hex(flags)]) { $1 })
    }
    if !call.succeeded {
      // The likeliest first: it decides most calls alone.
      steps.insert(
        step(call.name, ["new": .text(new), "size": .hex(0), "flags": .hex(0)]), at: 0)
    }
    return .steps(steps, missing: ["size", "flags"])
  }

  // MARK: TDX

  /// A sub-command of KVM_MEMORY_ENCRYPT_OP with what the trace tells of it.
  func command(_ more: [String: TraceValue] = [:]) -> KVMStep {
    var arguments = more
    for name in ["flags", "hw_error"] {
      if let value = call.arguments[name] { arguments[name] = value }
    }
    if call.arguments["data"] == .text("NULL"), call.name == "KVM_TDX_INIT_VM" {
      arguments["data"] = .text("NULL")
    }
    return step(call.name, arguments)
  }

  func capabilities() -> KVMStep { step("KVM_TDX_CAPABILITIES", ["nent": .number(64)]) }

  /// With attributes that every module takes.
  func initVM(_ width: Int?) -> KVMStep {
    var arguments: [String: TraceValue] = [
      "attributes": .hex(0x1000_0000), "xfam": .hex(0x3),
      "gpaw": width.map { .number($0) } ?? .null,
    ]
    for name in ["flags", "hw_error"] where call.name == "KVM_TDX_INIT_VM" {
      if let value = call.arguments[name] { arguments[name] = value }
    }
    return step("KVM_TDX_INIT_VM", arguments)
  }

  func initRegion() -> CallReading {
    guard let told = told("gpa", "nr_pages", "source"), let address = call.number("source") else {
      return .undecoded
    }
    var arguments = told
    for name in ["flags", "hw_error"] {
      if let value = call.arguments[name] { arguments[name] = value }
    }
    let out = call.out.filter { ["gpa", "nr_pages"].contains($0.key) }
    func from(_ source: TraceValue) -> KVMStep {
      step(call.name, arguments.merging(["source": source]) { $1 }, out)
    }
    let readable = TraceValue.text(
      address == 0 ? "0" : "\(BufferPlace.endless)+0x" + String(address, radix: 16))
    guard call.errno == "EFAULT" else { return .steps([from(readable)], missing: []) }
    return .steps([from(readable), from(.hex(address))], missing: ["what can be read there"])
  }
}
