/// What a call writes back into its arguments, as far as its answer and its SEAMCALLs tell.
///
/// Only fields that follow are here: a reader compares these and no others.
struct WrittenFields {
  private(set) var values: [String: TraceValue] = [:]

  /// Nothing.
  init() {}

  private mutating func set(_ name: String, _ number: UInt64) {
    values[name] = .text("0x" + String(number, radix: 16))
  }

  /// Of a call on a TD or another VM of `kvm/tdx`.
  ///
  /// - Parameters:
  ///   - exit: what the guest was told to exit with when it was entered, if it was.
  init(_ step: KVMStep, _ result: KVMReplay.Result, _ calls: KVMCalls, exit: TraceValue?) {
    let failed = result.leaves.contains { $0.status != "ok" && $0.leaf != "TDH.VP.ENTER" }
    switch step.op {
    case "KVM_PRE_FAULT_MEMORY":
      if !(failed && result.answer == "ok") {
        setRest(step, result.answer, result.isRefused ? result.page : nil, calls.geometry)
      }
    case "KVM_TDX_INIT_MEM_REGION":
      if step.text("data") == nil { setRegion(step, result) }
    case "KVM_RUN": setExit(result, exit)
    case "fstat": setSize(step, result.answer, calls.handles)
    case "KVM_TDX_CAPABILITIES":
      setEntries(step, result.answer == "ok" ? KVMCalls.configurableEntries : nil)
    case "KVM_TDX_GET_CPUID":
      // How many there are is told also where they do not fit.
      let isTold = result.answer == "ok" || result.answer == "E2BIG"
      setEntries(step, isTold ? KVMCalls.entriesOfTD : nil)
    default: break
    }
    if let error = step.number("hw_error"), error != 0, result.leaves.isEmpty {
      set("hw_error", error)
    }
    if step.op == "KVM_TDX_FINALIZE_VM", let last = result.leaves.last,
      last.status != "ok", result.answer != "ok", let status = TraceValue.text(last.status).unsigned
    {
      set("hw_error", status)
    }
  }

  /// Of a call of `gmem/mainline`.
  init(_ step: KVMStep, _ result: GmemReplay.Result, _ calls: GmemCalls) {
    switch step.op {
    case "KVM_PRE_FAULT_MEMORY":
      setRest(step, result.answer, result.isRefused ? result.page : nil, calls.geometry)
    case "fstat": setSize(step, result.answer, calls.handles)
    case "touch":
      if result.answer.hasPrefix("SIG") {
        values["signal"] = .text(String(result.answer.dropFirst(3)))
      } else if let value = result.value, step.arguments["write"] != .bool(true) {
        values["value"] = .number(value)
      }
    case "KVM_RUN":
      if result.answer == "EFAULT" {
        let exit = Self.isUserFault(result.looked) ? Exit.unknown : Exit.memoryFault
        values["exit_reason"] = .number(exit)
      }
    default: break
    }
  }

  /// What is left of the range: nothing, all of it, or from the page that failed on.
  private mutating func setRest(
    _ step: KVMStep, _ answer: String, _ page: Int?, _ geometry: KVMGeometry
  ) {
    guard let gpa = step.number("gpa"), let size = step.number("size") else { return }
    let done: UInt64
    if answer != "ok" {
      done = 0
    } else if let page, geometry.pages.indices.contains(page) {
      done = geometry.pages[page].start &- gpa
    } else {
      done = size
    }
    set("gpa", gpa &+ done)
    set("size", size &- done)
  }

  /// A page is done once it is added, and extended where it is measured.
  private mutating func setRegion(_ step: KVMStep, _ result: KVMReplay.Result) {
    guard let gpa = step.number("gpa"), let count = step.number("nr_pages") else { return }
    let added = result.leaves.count { $0.leaf == "TDH.MEM.PAGE.ADD" && $0.status == "ok" }
    let last = result.leaves.last
    let isUnmeasured =
      result.answer != "ok" && last?.leaf == "TDH.MR.EXTEND" && last?.status != "ok"
    let done = UInt64(added - (isUnmeasured ? 1 : 0))
    set("gpa", gpa &+ done << 12)
    set("nr_pages", count &- done)
    set("source_advance", done << 12)
  }

  /// How many CPUID entries there are; nil leaves the caller's number.
  private mutating func setEntries(_ step: KVMStep, _ number: UInt64?) {
    guard let given = step.number("nent") else { return }
    values["nent"] = .number(Int(number ?? given))
  }

  private mutating func setSize(_ step: KVMStep, _ answer: String, _ handles: KVMHandles) {
    if answer == "ok" { set("size", handles.size(of: step.on)) }
  }

  /// Linux, include/uapi/linux/kvm.h: KVM_EXIT_*.
  private enum Exit {
    static let unknown = 0
    static let hypercall = 3
    static let shutdown = 8
    static let internalError = 17
    static let systemEvent = 24
    static let memoryFault = 39
  }

  /// User space has no page there: the call fails, and tells no exit (a recorded answer of 7.3).
  private static func isUserFault(_ looked: [LookedAt]) -> Bool {
    looked.contains { !$0.holds && $0.check.text.contains("hva_unmapped") }
  }

  /// The exit of the last entry: the one that was asked for, or the plain one after it.
  private mutating func setExit(_ result: KVMReplay.Result, _ exit: TraceValue?) {
    let entries = result.leaves.count { $0.leaf == "TDH.VP.ENTER" }
    guard entries > 0 else { return }
    guard entries == 1, case .list(let list)? = exit, let reason = list.first?.text else {
      if result.answer == "ok" { values["exit_reason"] = .number(Exit.shutdown) }
      return
    }
    let registers = list.map { $0.unsigned ?? 0 }
    if reason == "0x30", result.answer == "EFAULT", Self.isUserFault(result.looked) {
      values["exit_reason"] = .number(Exit.unknown)
    } else if reason == "0x30", result.answer == "EFAULT", registers.count > 3 {
      setFault(registers)
    } else if reason == "0x4d", registers.count > 8, registers[6] == 0x10001 {
      setMapping(registers)
    } else if reason == "0x4d", registers.count > 6, registers[6] == 0x10003 {
      values["exit_reason"] = .number(Exit.systemEvent)
    } else if reason == KVMReplay.plainExit {
      values["exit_reason"] = .number(Exit.shutdown)
    } else if registers[0] >> 62 != 0 {
      values["exit_reason"] = .number(Exit.internalError)
    }
  }

  private mutating func setFault(_ registers: [UInt64]) {
    values["exit_reason"] = .number(Exit.memoryFault)
    set("fault_gpa", KVMGeometry.withoutShared(registers[3], registers[1]))
    set("fault_size", 4096)
    set("fault_flags", registers[3] >> 47 & 1 == 0 ? 8 : 0)
  }

  /// KVM_HC_MAP_GPA_RANGE; bit 4 of its attributes asks for private pages.
  private mutating func setMapping(_ registers: [UInt64]) {
    values["exit_reason"] = .number(Exit.hypercall)
    values["hypercall_nr"] = .number(12)
    set("hypercall_gpa", KVMGeometry.withoutShared(registers[7], nil))
    set("hypercall_npages", registers[8] >> 12)
    set("hypercall_attrs", registers[7] >> 47 & 1 == 0 ? 0x10 : 0)
  }

  /// The fields that a recording has otherwise.
  func differences(
    from recorded: TraceValue?
  ) -> [(what: String, expected: String, got: String)] {
    values.sorted { $0.key < $1.key }.compactMap { name, value in
      let expected = recorded?[name]
      let isSame =
        expected == value
        || (expected?.unsigned != nil
          && expected?.unsigned == value.unsigned)
      return isSame ? nil : (name, expected?.json ?? "nothing", value.json)
    }
  }
}
