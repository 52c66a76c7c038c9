import SpecLanguage
import SpecProgram

/// Explains the calls of one history, in order, in every way that the trace leaves open.
struct HistoryReplay {
  /// Ways of reading the trace that explain it so far, each in another state.
  private(set) var worlds: [TraceWorld]
  /// More ways than are kept: a refusal is none then.
  private(set) var gaveUp = false
  private(set) var edges: [TraceEdge: Int] = [:]
  private(set) var explained = 0
  private(set) var explainedUndecoded = 0
  private let asked: [KVMStep]

  static let mostWorlds = 64

  /// - Parameter more: calls that may be asked about besides those of the history.
  /// - Throws: `TDX2xxx` when the calls need more than the spec has.
  init(
    _ history: VMHistory, more: [KVMStep] = [], _ kernel: TraceKernel, _ programs: ReplayPrograms
  ) throws(SpecError) {
    let likely = LikelyCalls(history).steps
    asked = history.steps.flatMap(\.candidates) + likely + more
    let world = try TraceWorld(
      history.steps.flatMap(\.candidates) + more + likely, cpus: Self.cpus(history), kernel,
      programs)
    worlds = [world]
  }

  /// KVM_CAP_MAX_VCPUS of a TD is the number of CPUs.
  private static func cpus(_ history: VMHistory) -> Int {
    let most = 16
    guard history.isTD else { return 1024 }
    for step in history.steps where step.op == "KVM_CHECK_EXTENSION" {
      guard let call = step.recorded, call.on != "dev", call.ret > 0 else { continue }
      if call.text("cap") == "KVM_CAP_MAX_VCPUS" { return min(call.ret, most) }
    }
    return most
  }

  /// Takes the next call.
  ///
  /// - Returns: false when no reading explains it; nothing is changed then.
  /// - Throws: a message when the spec has no such call.
  mutating func take(_ step: TracedStep) throws(ModuleCallError) -> Bool {
    var next: [TraceWorld] = []
    var edge: TraceEdge?
    for world in worlds {
      for call in step.candidates {
        let before = world
        var world = world
        guard let answer = try world.make(call), answer.explains(call) else { continue }
        let taken = TraceEdge(
          call: call.op, answer: TraceWorld.answer(of: call), check: answer.check)
        edge = edge ?? taken
        let isKnown = next.contains { $0.isSame(as: world) }
        if !isKnown {
          if next.count < Self.mostWorlds { next.append(world) } else { gaveUp = true }
        }
        // However the call was meant, it was refused and left nothing.
        if call.ret == -1, world.isSame(as: before) { break }
      }
    }
    guard let edge else { return false }
    worlds = next
    edges[edge, default: 0] += 1
    explained += 1
    if !step.missing.isEmpty { explainedUndecoded += 1 }
    return true
  }

  /// What the call comes to in each world and for each value of what is not known.
  func answers(_ candidates: [KVMStep]) throws(ModuleCallError) -> [TraceWorld.Answer] {
    var answers: [TraceWorld.Answer] = []
    for world in worlds {
      for call in candidates {
        var world = world
        guard let answer = try world.make(call) else { continue }
        let isKnown = answers.contains { $0.answer == answer.answer && $0.check == answer.check }
        if !isKnown { answers.append(answer) }
      }
    }
    return answers
  }

  // MARK: What would be legal

  private static let mostCalls = 3
  private static let mostTried = 3000

  /// The fewest calls after which the call answers as recorded.
  ///
  /// Looked for among the calls of the history and those that lives of VMs have; at most three.
  func completion(_ step: TracedStep) -> [KVMStep]? {
    guard let first = worlds.first else { return nil }
    var alphabet: [KVMStep] = []
    for call in asked where call.op != "KVM_CREATE_VM" && call.op != "KVM_CHECK_EXTENSION" {
      if !alphabet.contains(where: { $0.op == call.op && $0.arguments == call.arguments }) {
        alphabet.append(call)
      }
      if alphabet.count == 60 { break }
    }
    var frontier: [(world: TraceWorld, path: [KVMStep])] = [(first, [])]
    var seen = [first]
    var tried = 0
    for _ in 0..<Self.mostCalls {
      var next: [(world: TraceWorld, path: [KVMStep])] = []
      for (world, path) in frontier {
        for call in alphabet {
          tried += 1
          guard tried <= Self.mostTried else { return nil }
          var after = world
          guard let answer = try? after.make(call), answer.answer == "ok",
            !seen.contains(where: { $0.isSame(as: after) })
          else { continue }
          seen.append(after)
          if explains(step, in: after) { return path + [call] }
          next.append((after, path + [call]))
        }
      }
      frontier = next
    }
    return nil
  }

  private func explains(_ step: TracedStep, in world: TraceWorld) -> Bool {
    step.candidates.contains { call in
      var after = world
      guard let answer = try? after.make(call) else { return false }
      return answer.explains(call)
    }
  }
}
