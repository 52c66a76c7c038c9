import SpecLanguage
import SpecProgram

/// A recorded sequence of calls, taken apart.
struct KVMSequence {
  let id: String
  let cpus: Int
  let steps: [KVMStep]
  /// SEAMCALLs as the kernel closed what was open at the process's end.
  let atExit: [ListedLeaf]

  /// A sequence that nobody recorded.
  init(cpus: Int, _ steps: [KVMStep]) {
    id = ""
    self.cpus = cpus
    self.steps = steps
    atExit = []
  }

  init(_ value: TraceValue) throws(ModuleCallError) {
    guard let id = value["id"]?.text, case .list(let list)? = value["steps"] else {
      throw ModuleCallError("a sequence has an id and steps")
    }
    self.id = id
    cpus = value["cpus"]?.number ?? 1
    var steps: [KVMStep] = []
    for step in list { steps.append(try KVMStep(step)) }
    self.steps = steps
    atExit = try KVMStep.leaves(value["at_exit"])
  }
}

/// Replays one sequence: every VM of it is a state of the spec.
///
/// What VMs share is kept here and handed to each call: the KeyIDs that other TDs hold, the
/// failures that the recording injected, and why the guest exits next.
struct KVMReplay {
  /// The shift that means no distance.
  static let bias = 61
  /// KeyIDs that TDs can have on the recorded machine.
  static let keyIDs = 31
  /// What the recording's module answers to TDH.VP.ENTER when nothing else was asked for.
  static let plainExit = "0x4000000200000002"

  let sequence: KVMSequence
  let calls: KVMCalls
  let evaluator: ProcedureEvaluator
  let variables: KVMVariables
  var states: [Int: [Int]] = [:]
  /// Injected failures, as the cells of the spec's variables.
  var injected: [Int]
  /// For each leaf that was told to fail: with which status.
  var statuses: [String: String] = [:]
  /// Why the guest exits next, if that was asked for.
  var script: TraceValue?
  /// What has a descriptor, by its number; a number is taken again once it is free.
  private var descriptors: [String?] = []
  private var mapped: [String] = []
  /// What cannot change of each memslot.
  private var regions: [String: String] = [:]

  /// - Throws: `TDX2xxx` when the sequence needs more than the spec has.
  init(_ sequence: KVMSequence, _ programs: ReplayPrograms) throws(SpecError) {
    self.sequence = sequence
    let handles = KVMHandles(sequence.steps)
    let geometry = KVMGeometry(sequence.steps)
    calls = KVMCalls(handles: handles, geometry: geometry)
    var tables: [String: [Int]] = [:]
    for (level, table) in geometry.tables.enumerated() { tables["table\(level + 1)"] = table }
    let mostIndices = geometry.files.values.map(\.count).max() ?? 1
    let sizes = [
      "vcpus": handles.mostVCPUs, "slots": handles.mostSlots, "files": handles.mostFiles,
      "pages": max(1, geometry.pages.count), "indices": max(1, mostIndices),
      "tables": geometry.tableCount, "shifts": 2 * Self.bias + 1, "bias": Self.bias, "FAULTS": 1,
      "cpus": sequence.cpus, "threads": 1, "ENVIRONMENT": 1, "TYPES": 1, "ARGUMENTS": 1,
      "STANDIN": 1,
    ]
    evaluator = try programs.evaluator(sizes, tables: geometry.pages.isEmpty ? [:] : tables)
    let program = evaluator.program
    variables = try KVMVariables(program)
    injected = variables.injected.map { program.initial[$0] }
  }

  /// What one call came to.
  struct Result {
    var answer: String
    var leaves: [ListedLeaf] = []
    var check = ""
    /// Every check that was looked at, in order.
    var looked: [LookedAt] = []
    /// Something refused a part of the call, whatever its answer is.
    var isRefused = false
    /// The page that a loop over pages came to last.
    var page: Int?
  }

  /// Whether the next calls are answered alike, whatever they are.
  func isSame(as other: KVMReplay) -> Bool {
    states == other.states && injected == other.injected && statuses == other.statuses
      && script == other.script && descriptors == other.descriptors && mapped == other.mapped
  }

  /// KVM_BUG_ON has come for some VM.
  var isBroken: Bool { states.values.contains { $0[variables.bugged] != 0 } }

  /// Carries out a step.
  ///
  /// - Returns: `nil` for a step that calls nothing of KVM.
  mutating func carryOut(_ step: KVMStep) throws(ModuleCallError) -> Result? {
    switch step.op {
    case "standin_fail":
      try inject(step)
      return nil
    case "standin_script":
      script = step.arguments["exit"]
      return nil
    case "touch": return nil
    case "munmap": return try unmap(step)
    default: break
    }
    if step.on == "dev" && step.op != "KVM_CREATE_VM" {
      return perform(device(step))
    }
    if step.op == "KVM_CREATE_VM", let vm = step.text("new").flatMap(calls.handles.vm) {
      states[vm] = evaluator.program.initial
    }
    let open = descriptors
    guard let call = try calls.call(step, isOpen: { open.contains($0) }) else {
      throw ModuleCallError("\(step.op) is no call on '\(step.on)'")
    }
    var result = perform(asked(call, step))
    if call.action == "KVM_PRE_FAULT_MEMORY", let page = result.page {
      result.isRefused = stops(call, at: page)
    }
    if !step.byChild { note(step, result) }
    return result
  }

  /// Whether the page alone is refused: a loop over more of them ended there.
  private func stops(_ call: KVMCall, at page: Int) -> Bool {
    var call = call
    call.values["range"] = .number(1 << page)
    var copy = self
    return copy.perform(call).answer != "ok"
  }

  /// Whether a memory region is what its memslot is already.
  private func asked(_ call: KVMCall, _ step: KVMStep) -> KVMCall {
    guard let key = Self.slotKey(step), call.values["size"] == .name("some"),
      regions[key] == Self.region(step)
    else { return call }
    var call = call
    call.values["size"] = .name("same")
    return call
  }

  /// The memslot that a step is about.
  private static func slotKey(_ step: KVMStep) -> String? {
    guard step.op.hasPrefix("KVM_SET_USER_MEMORY_REGION") else { return nil }
    return "\(step.on) \(step.number("slot") ?? 0)"
  }

  /// What cannot change of a memslot: userspace_addr, size, READONLY (kvm-tdx §2.6).
  private static func region(_ step: KVMStep) -> String {
    "\(step.text("hva") ?? "") \(step.number("size") ?? 0) \((step.number("flags") ?? 0) & 2)"
  }

  private func device(_ step: KVMStep) -> KVMCall {
    guard step.op == "KVM_CHECK_EXTENSION" else {
      return KVMCall(-1, "KVM_MEMORY_ENCRYPT_OP(dev)")
    }
    let name = KVMCalls.extensionName(step.text("cap"))
    return KVMCall(-1, "KVM_CHECK_EXTENSION(dev)", ["cap": .name(name)])
  }

  /// Keeps track of descriptors as the process sees them.
  private mutating func note(_ step: KVMStep, _ result: Result) {
    guard result.answer == "ok" else { return }
    if let key = Self.slotKey(step) {
      regions[key] = step.number("size") == 0 ? nil : Self.region(step)
    }
    if step.op == "close" {
      if let number = descriptors.firstIndex(of: step.on) { descriptors[number] = nil }
    } else if step.op == "mmap" {
      mapped.append(step.on)
    } else if let new = step.text("new") {
      if let number = descriptors.firstIndex(of: nil) {
        descriptors[number] = new
      } else {
        descriptors.append(new)
      }
    }
  }

  /// Only the last mapping of a memfd holds it.
  private mutating func unmap(_ step: KVMStep) throws(ModuleCallError) -> Result? {
    guard case .mapping(let file)? = calls.handles.objects[step.on],
      let number = mapped.firstIndex(of: file)
    else { return Result(answer: "ok") }
    mapped.remove(at: number)
    return mapped.contains(file) ? Result(answer: "ok") : unmapLast(file)
  }

  private mutating func unmapLast(_ file: String) -> Result {
    guard let vm = calls.handles.vm(of: file), let element = calls.handles.element(file) else {
      return Result(answer: "ok")
    }
    return perform(KVMCall(vm, "munmap", ["gmem": .number(element)]))
  }

  /// The process ends: mappings go, then descriptors, the highest number first, since the kernel
  /// puts off the end of a file and takes up the last one first (kvm-tdx §2.11).
  mutating func end() -> Result {
    var result = Result(answer: "ok")
    func add(_ next: Result) {
      result.leaves += next.leaves
      if next.answer != "ok" { result = Result(answer: next.answer, leaves: result.leaves) }
    }
    for file in Set(mapped).sorted() { add(unmapLast(file)) }
    for handle in descriptors.reversed().compactMap({ $0 }) {
      let element = calls.handles.element(handle).map { KVMCall.Value.number($0) }
      switch calls.handles.objects[handle] {
      case .vm(let vm): add(perform(KVMCall(vm, "close(vm)")))
      case .vcpu(let vm, _):
        add(perform(KVMCall(vm, "close(vcpu)", ["vcpu": element ?? .number(0)])))
      case .gmem(let vm, _):
        add(perform(KVMCall(vm, "close(gmem)", ["gmem": element ?? .number(0)])))
      default: continue
      }
    }
    return result
  }
}
