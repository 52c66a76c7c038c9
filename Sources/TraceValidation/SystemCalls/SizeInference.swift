/// Gives files whose creation a trace does not decode the size that their other calls tell.
struct SizeInference {
  private(set) var steps: [TracedStep]
  private var sizes: [String: UInt64] = [:]

  /// - Parameter steps: of one history, in order.
  init(_ steps: [TracedStep]) {
    self.steps = steps
    for step in steps {
      guard let call = step.recorded, call.answer == "ok" else { continue }
      switch step.op {
      case "fstat": grow(call.on, call.out?["size"]?.unsigned ?? 0)
      case "fallocate" where call.text("mode") == "KEEP_SIZE":
        grow(call.on, (call.number("offset") ?? 0) &+ (call.number("len") ?? 0))
      case "KVM_SET_USER_MEMORY_REGION2":
        guard let file = call.text("gmem") else { continue }
        grow(file, (call.number("gmem_offset") ?? 0) &+ (call.number("size") ?? 0))
      default: continue
      }
    }
    for number in steps.indices where TracedVMs.lacksSize(steps[number]) { give(number) }
  }

  private mutating func grow(_ file: String, _ end: UInt64) {
    sizes[file] = max(sizes[file] ?? 0x1000, (end &+ 4095) & ~4095)
  }

  private mutating func give(_ number: Int) {
    let step = steps[number]
    guard let file = step.recorded?.text("new"), let size = sizes[file] else { return }
    let candidates = step.candidates.map { call in
      guard call.number("size") != 0, case .members(let members) = call.arguments else {
        return call
      }
      var arguments = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
      arguments["size"] = .hex(size)
      return KVMStep(
        call.op, arguments, ret: call.ret, errno: call.errno, byChild: call.byChild, out: call.out)
    }
    steps[number] = TracedStep(
      line: step.line, pid: step.pid, candidates: candidates, missing: step.missing)
  }
}
