import SpecLanguage
import SpecProgram

/// Replays one sequence with `gmem/mainline`: every VM of it is a state of the spec.
struct GmemReplay {
  /// The spec that answers.
  static let spec = "gmem/mainline"

  let calls: GmemCalls
  private let evaluator: ProcedureEvaluator
  private let contents: Int
  /// What is left of a file in variables of its own once it is gone, and where.
  private let remains: (life: Int, descriptor: Int, flags: [Int])
  private let cache = AnswerCache()
  private let indices: Int
  private var states: [Int: [Int]] = [:]
  private var open: Set<String> = []
  private var memory = HostMemory()
  /// The number of each mapping that is there.
  private var mappings: [String: Int] = [:]

  /// - Throws: `TDX2xxx` when the sequence needs more than the spec has.
  init(
    _ sequence: KVMSequence, _ programs: ReplayPrograms, _ environment: GmemEnvironment
  ) throws(SpecError) {
    calls = GmemCalls(sequence.steps, environment)
    let handles = calls.handles
    let geometry = calls.geometry
    indices = max(1, geometry.files.values.map(\.count).max() ?? 1)
    let mappings = Self.mostMappings(sequence.steps)
    var sizes = [
      "vcpus": handles.mostVCPUs, "slots": handles.mostSlots + 1, "files": handles.mostFiles,
      "pages": max(1, geometry.pages.count), "indices": indices, "vmas": mappings + 1,
      "hosts": calls.mostHosts, "bytes": 255, "shifts": 2 * KVMReplay.bias + 1,
      "bias": KVMReplay.bias, "threads": 1, "TYPE": 2, "ARGUMENTS": 1, "CARRIERS": 1,
      "WRITES": 1, "ENVIRONMENT": 1,
    ]
    sizes.merge(environment.parameters) { _, own in own }
    evaluator = try programs.evaluator(sizes)
    let program = evaluator.program
    let places = Dictionary(
      program.namedPlaces.map { ($0.name, $0.base) }, uniquingKeysWith: { first, _ in first })
    let flags = ["GUEST_MEMFD_FLAG_MMAP", "GUEST_MEMFD_FLAG_INIT_SHARED"].compactMap { places[$0] }
    guard let content = places["content"], let life = places["gmem_file"],
      let descriptor = places["gmem_fd"], flags.count == 2
    else {
      throw SpecError("TDX2015", "\(programs.name) has not what recordings tell of")
    }
    contents = content
    remains = (life, descriptor, flags)
  }

  /// How many mappings there are at once, at the most.
  private static func mostMappings(_ steps: [KVMStep]) -> Int {
    var (now, most) = (0, 0)
    for step in steps where step.answer == "ok" {
      if step.op == "mmap" { now += 1 }
      if step.op == "munmap" { now = max(0, now - 1) }
      most = max(most, now)
    }
    return most
  }

  /// What one call came to.
  struct Result {
    var answer: String
    var check = ""
    /// Every check that was looked at, in order.
    var looked: [LookedAt] = []
    /// The byte that an access read.
    var value: Int?
    /// Something refused a part of the call, whatever its answer is.
    var isRefused = false
    /// The page that a loop over pages came to last.
    var page: Int?
  }

  /// Whether the next calls are answered alike, whatever they are.
  func isSame(as other: GmemReplay) -> Bool {
    states == other.states && open == other.open && mappings == other.mappings
  }

  /// The first step of a fault on a page.
  private static let loopStep = "snapshots mmu_invalidate_seq and reads the attribute"

  /// Carries out a step.
  ///
  /// - Returns: `nil` for a step that calls nothing that the spec has.
  /// - Throws: a message when the step is not of the format.
  mutating func carryOut(_ step: KVMStep) throws(ModuleCallError) -> Result? {
    if step.op == "KVM_CREATE_VM", let vm = step.text("new").flatMap(calls.handles.vm) {
      states[vm] = evaluator.program.initial
    }
    if step.op == "KVM_CREATE_GUEST_MEMFD" { forget(step.text("new") ?? "") }
    let open = self.open
    let free = (0...mappings.count).first { !mappings.values.contains($0) } ?? 0
    let process = GmemCalls.Process(
      isOpen: { open.contains($0) }, memory: memory, mappings: mappings, newMapping: free)
    guard let call = try calls.call(step, process) else { return nil }
    if let names = calls.names(step, process) { _ = perform(names) }
    var result = perform(call)
    if call.action == "KVM_PRE_FAULT_MEMORY", let page = result.page {
      result.isRefused = stops(call, at: page)
    }
    if call.action == "touch", result.answer == "ok" { result.value = byte(of: call) }
    if result.answer == "ok" {
      memory.note(step)
      note(step, free)
      settle(call.vm)
    }
    return result
  }

  /// The last case of the spec's `gmem_file`: the inode is gone too.
  private static let evicted = 4

  /// A file that is gone leaves its element to the next one of its name.
  private mutating func forget(_ file: String) {
    guard let vm = calls.handles.vm(of: file), let element = calls.handles.element(file),
      let state = states[vm], state[remains.life + element] == Self.evicted
    else { return }
    for base in [remains.life, remains.descriptor] {
      states[vm]?[base + element] = evaluator.program.initial[base + element]
    }
  }

  /// Whether the page alone is refused: a loop over more of them ended there.
  private func stops(_ call: KVMCall, at page: Int) -> Bool {
    var call = call
    call.values["range"] = .number(1 << page)
    var copy = self
    return copy.perform(call).answer != "ok"
  }

  /// Keeps track of descriptors and mappings as the process sees them.
  private mutating func note(_ step: KVMStep, _ mapping: Int) {
    guard !step.byChild else { return }
    switch step.op {
    case "close": open.remove(step.on)
    case "munmap": mappings[step.on] = nil
    case "mmap": step.text("new").map { mappings[$0] = mapping }
    default: step.text("new").map { _ = open.insert($0) }
    }
  }

  /// Carries out a call of the spec from its VM's state.
  private mutating func perform(_ call: KVMCall) -> Result {
    let key = AnswerCache.Key(
      state: states[call.vm] ?? evaluator.program.initial, action: call.action, values: call.values)
    let (result, state) = cache.answer(key) { carriedOut(call) }
    if call.vm >= 0, let state { states[call.vm] = state }
    return result
  }

  private func carriedOut(_ call: KVMCall) -> (Result, [Int]?) {
    do throws(SpecError) {
      var page: Int?
      var looked: [LookedAt] = []
      let made = try begin(call) { step in
        if step.label == Self.loopStep { page = step.element }
        looked += LookedAt.all(step)
      }
      guard let answer = made else {
        return (Result(answer: "nothing", check: "\(call.action), which cannot happen here"), nil)
      }
      let result = Result(
        answer: answer.outcome.name,
        check: answer.check.map { "\($0.action): “\($0.text)”, \($0.location)" }
          ?? "no check of \(call.action)",
        looked: looked, isRefused: answer.check != nil, page: page)
      return (result, answer.state)
    } catch {
      return (Result(answer: "\(error.code) \(error.message)", check: call.action), nil)
    }
  }

  private func begin(
    _ call: KVMCall, observe: (TakenStep) -> Void = { _ in }
  ) throws(SpecError) -> CarriedOutCall? {
    guard let action = evaluator.action(named: call.action) else {
      throw SpecError("TDX2016", "the spec has no call '\(call.action)'")
    }
    return try evaluator.call(
      action.number, try KVMReplay.encode(call.values, action.arguments),
      from: states[call.vm] ?? evaluator.program.initial, observe: observe)
  }

  /// What the kernel put off until a call returned: files whose last reference went are released,
  /// their inodes evicted, and a VM that nothing holds is destroyed.
  private mutating func settle(_ vm: Int) {
    guard let before = states[vm] else { return }
    states[vm] = cache.settled(before) {
      settled(vm)
    }
  }

  private func settled(_ vm: Int) -> [Int] {
    var copy = self
    let elements = 0..<calls.handles.mostFiles
    let files = elements.map { ["f": KVMCall.Value.number($0)] }
    let late =
      files.map { KVMCall(vm, "kvm_gmem_release", $0) }
      + files.map { KVMCall(vm, "the inode is evicted", $0) } + [KVMCall(vm, "kvm_destroy_vm")]
    for call in late {
      guard case .some(.some(let answer)) = try? copy.begin(call) else { continue }
      copy.states[vm] = answer.state
    }
    var state = copy.states[vm] ?? []
    // Nobody can tell any more what kind of file it was.
    for element in elements where state[remains.life + element] == Self.evicted {
      for base in remains.flags {
        state[base + element] = evaluator.program.initial[base + element]
      }
    }
    return state
  }

  /// What the first byte of the page that an access went to holds.
  private func byte(of call: KVMCall) -> Int? {
    guard let state = states[call.vm], case .number(let map)? = call.values["map"],
      case .number(let index)? = call.values["index"],
      let handle = mappings.first(where: { $0.value == map })?.key,
      let file = memory.mappings[handle]?.file, let element = calls.handles.element(file)
    else { return nil }
    return state[contents + element * indices + index]
  }
}
