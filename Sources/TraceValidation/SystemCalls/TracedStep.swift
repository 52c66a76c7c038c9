/// A call of a trace on a VM or what belongs to it, in the words of recordings.
struct TracedStep: Sendable {
  let line: Int
  let pid: Int
  /// What the call can have been, as far as the trace tells: one when it tells all.
  let candidates: [KVMStep]
  /// Arguments that the trace does not tell.
  let missing: [String]

  var op: String { candidates.first?.op ?? "" }
  var recorded: KVMStep? { candidates.first }
}

/// What becomes of a call of a trace.
enum CallReading {
  /// A spec has it.
  case steps([KVMStep], missing: [String])
  /// A spec has it, but the trace does not tell enough of it.
  case undecoded
  /// No spec has it.
  case unspoken
}

/// Puts calls into the words of recordings (`tdxspec trace check --format kvm-answers`).
struct CallReader {
  let call: SystemCall
  /// The handle of the descriptor, and of the one that is made.
  let on: String
  let new: String
  let byChild: Bool
  /// The VM is a TD.
  let isTD: Bool

  func step(
    _ op: String, _ more: [String: TraceValue] = [:], _ out: [String: TraceValue]? = nil
  ) -> KVMStep {
    var arguments = more
    if op != "KVM_CREATE_VM" { arguments["on"] = .text(on) }
    return KVMStep(
      op, arguments, ret: call.ret ?? 0, errno: call.errno, byChild: byChild,
      out: out.map { .members($0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }) })
  }

  private func one(_ op: String, _ more: [String: TraceValue] = [:]) -> CallReading {
    .steps([step(op, more)], missing: [])
  }

  /// The arguments of these names; nil when one is not told.
  func told(_ names: String...) -> [String: TraceValue]? {
    var result: [String: TraceValue] = [:]
    for name in names {
      guard let value = call.arguments[name] else { return nil }
      result[name] = value
    }
    return result
  }

  // MARK: On each kind of descriptor

  func onDevice() -> CallReading {
    switch call.name {
    case "KVM_CHECK_EXTENSION": return checkExtension()
    case "KVM_MEMORY_ENCRYPT_OP": return one(call.name)
    case let name where name.hasPrefix("KVM_TDX_"): return one("KVM_MEMORY_ENCRYPT_OP")
    default: return .unspoken
    }
  }

  /// KVM_CREATE_VM itself.
  func creation() -> CallReading {
    guard let type = call.arguments["type"] else { return .undecoded }
    return one("KVM_CREATE_VM", ["new": .text(new), "type": type])
  }

  func onVM() -> CallReading {
    switch call.name {
    case "KVM_CHECK_EXTENSION": return checkExtension()
    case "KVM_CREATE_IRQCHIP", "close": return one(call.name)
    case "KVM_SET_TSC_KHZ":
      // Which frequencies a TD takes is the module's.
      return one(call.name, ["khz": .number(0)])
    case "KVM_ENABLE_CAP": return enableCap()
    case "KVM_CREATE_VCPU":
      guard let id = call.arguments["id"] else { return .undecoded }
      return one(call.name, ["id": id, "new": .text(new)])
    case "KVM_CREATE_GUEST_MEMFD": return createMemory()
    case "KVM_SET_MEMORY_ATTRIBUTES":
      guard let told = told("gpa", "size", "attributes", "flags") else { return .undecoded }
      return one(call.name, told)
    case "KVM_GET_DIRTY_LOG":
      guard !isTD, let told = told("slot") else { return isTD ? .unspoken : .undecoded }
      return one(call.name, told)
    case "KVM_MEMORY_ENCRYPT_OP":
      if !isTD { return one(call.name) }
      return .steps(
        [capabilities(), step("KVM_TDX_FINALIZE_VM"), initVM(52), initVM(48)], missing: ["command"])
    case "KVM_TDX_CAPABILITIES":
      guard let nent = call.arguments["nent"] else { return .undecoded }
      return .steps([command(["nent": nent])], missing: [])
    case "KVM_TDX_INIT_VM":
      guard let told = told("attributes", "xfam", "gpaw") else {
        return .steps([initVM(52), initVM(48)], missing: ["data"])
      }
      // What attributes there are is the module's, and other modules have more.
      return .steps([command(told), initVM(told["gpaw"]?.number)], missing: [])
    case let name where name.hasPrefix("KVM_TDX_"): return .steps([command()], missing: [])
    default: return .unspoken
    }
  }

  func onVCPU() -> CallReading {
    switch call.name {
    case "KVM_TDX_INIT_MEM_REGION": return initRegion()
    case "KVM_TDX_GET_CPUID":
      guard let nent = call.arguments["nent"] else { return .undecoded }
      return .steps([command(["nent": nent])], missing: [])
    case let name where name.hasPrefix("KVM_TDX_"): return .steps([command()], missing: [])
    case "KVM_MEMORY_ENCRYPT_OP":
      guard isTD else { return one(call.name) }
      // A region whose pages are not told changes as little as a query.
      return .steps(
        [step("KVM_TDX_INIT_VCPU"), step("KVM_TDX_GET_CPUID", ["nent": .number(100)])],
        missing: ["command"])
    case "KVM_SET_CPUID2":
      guard isTD else { return one(call.name) }
      let steps = [52, 48].flatMap { width in
        [true, false].map {
          step(call.name, ["x2apic": .bool($0), "gpaw": .number(width)])
        }
      }
      return .steps(steps, missing: ["cpuid"])
    case "KVM_PRE_FAULT_MEMORY":
      guard let told = told("gpa", "size", "flags") else { return .undecoded }
      return one(call.name, told)
    case "KVM_SET_MP_STATE":
      if let told = told("mp_state") { return one(call.name, told) }
      return .steps(
        [0, 1].map { step(call.name, ["mp_state": .number($0)]) }, missing: ["mp_state"])
    case "KVM_RUN": return isTD ? one(call.name) : .unspoken
    case "close", "KVM_GET_MP_STATE", "KVM_GET_VCPU_EVENTS", "KVM_NMI", "KVM_SMI":
      return one(call.name)
    case "KVM_GET_LAPIC", "KVM_GET_REGS", "KVM_GET_SREGS", "KVM_GET_FPU", "KVM_GET_XSAVE",
      "KVM_GET_XCRS", "KVM_GET_DEBUGREGS":
      return one(call.name)
    // What is set decides as well, which a spec has of zeroes only.
    case "KVM_SET_REGS", "KVM_SET_SREGS", "KVM_SET_LAPIC":
      return isTD ? one(call.name) : .unspoken
    default: return .unspoken
    }
  }

  func onMemory() -> CallReading {
    switch call.name {
    case "close", "ftruncate": return one(call.name)
    case "pread64", "preadv": return one("pread")
    case "pwrite64", "pwritev": return one("pwrite")
    case "fstat":
      return .steps([step("fstat", [:], call.out["size"].map { ["size": $0] })], missing: [])
    case "fallocate":
      guard var told = told("mode", "offset", "len"), let mode = told["mode"]?.unsigned else {
        return .undecoded
      }
      told["mode"] = .text(Self.mode(mode))
      return one(call.name, told)
    case "mmap":
      guard var told = told("offset", "len", "prot", "flags"), let flags = told["flags"]?.unsigned
      else { return .undecoded }
      told["prot"] = .text(Self.protection(told["prot"]?.unsigned ?? 0))
      told["flags"] = .text([1, 3].contains(flags & 3) ? "SHARED" : "PRIVATE")
      told["new"] = .text(new)
      return one(call.name, told)
    default: return .unspoken
    }
  }

  /// As recordings write modes: a mode that is no other is as unsupported as ZERO_RANGE.
  private static func mode(_ mode: UInt64) -> String {
    switch mode {
    case 0: "0"
    case 1: "KEEP_SIZE"
    case 2: "PUNCH_HOLE"
    case 3: "PUNCH_HOLE|KEEP_SIZE"
    default: "ZERO_RANGE"
    }
  }

  private static func protection(_ bits: UInt64) -> String {
    let names = [(UInt64(1), "READ"), (2, "WRITE"), (4, "EXEC")].filter { bits & $0.0 != 0 }
    return names.isEmpty ? "NONE" : names.map(\.1).joined(separator: "|")
  }
}
