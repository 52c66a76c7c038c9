import SpecLanguage

/// Runs the calls of a scenario, each to its end, with the interpreter.
public struct ScenarioRun {
  private let interpreter: Interpreter
  /// A call that takes more steps than this does not end.
  private static let mostSteps = 100_000

  public init(_ program: Program) { interpreter = Interpreter(program) }

  private var program: Program { interpreter.program }

  /// What came of a scenario.
  public struct Answer: Sendable {
    /// A run with the answers written, if there is one.
    public let trace: Trace?
    /// How many of the calls could get their answers.
    public let reached: Int
    /// The answers that the next call can get instead.
    public let instead: [Outcome]
  }

  /// - Throws: `TDX3xxx` when a step is not well defined.
  public func run(_ calls: [ScenarioCall]) throws(SpecError) -> Answer {
    var runs: [[Int]: [TraceStep]] = [program.initial: []]
    for (position, call) in calls.enumerated() {
      var next: [[Int]: [TraceStep]] = [:]
      var instead: [Outcome] = []
      for (state, steps) in runs.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        for end in try complete(call, from: state) {
          let last = end.last?.label.outcome ?? 0
          guard program.outcomes[last] == call.answer else {
            if !instead.contains(program.outcomes[last]) { instead.append(program.outcomes[last]) }
            continue
          }
          let final = end.last?.state ?? state
          if next[final] == nil { next[final] = steps + end }
        }
      }
      if next.isEmpty { return Answer(trace: nil, reached: position, instead: instead) }
      runs = next
    }
    let inOrder = runs.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    let shortest = inOrder.min { $0.count < $1.count } ?? []
    return Answer(
      trace: Trace(initial: program.initial, steps: shortest), reached: calls.count, instead: [])
  }

  /// Every way in which one thread can carry out a call from beginning to end.
  private func complete(
    _ call: ScenarioCall, from state: [Int]
  ) throws(SpecError) -> [[TraceStep]] {
    var ends: [[TraceStep]] = []
    var seen: Set<[Int]> = []
    var open: [(state: [Int], steps: [TraceStep], thread: Int?)] = [(state, [], nil)]
    while let (now, steps, thread) = open.popLast() {
      guard steps.count < Self.mostSteps else { continue }
      for transition in try interpreter.transitions(from: now) {
        let label = transition.label
        guard continues(label, call, thread: thread, begun: !steps.isEmpty) else { continue }
        let longer = steps + [TraceStep(label: label, state: transition.state)]
        if label.outcome != nil {
          ends.append(longer)
        } else if seen.insert(transition.state).inserted {
          open.append((transition.state, longer, label.thread))
        }
      }
    }
    return ends
  }

  private func continues(
    _ label: TransitionLabel, _ call: ScenarioCall, thread: Int?, begun: Bool
  ) -> Bool {
    if begun { return label.thread == thread && label.thread != nil }
    let count = program.argumentCount(label)
    return label.source == 0 && program.actionName(label.procedure) == call.action
      && Array(label.choice.prefix(count)) == call.arguments
  }
}

extension Program {
  /// Checks that a scenario's calls exist and have the right arguments.
  ///
  /// - Throws: `TDX1110` with the place of the call.
  func validate(_ calls: [ScenarioCall]) throws(SpecError) {
    for call in calls {
      guard let action = spec.actions.first(where: { $0.name == call.action }) else {
        throw SpecError(
          "TDX1110", "a scenario calls '\(call.action)', which is no action", at: call.location,
          suggestion: "actions: \(spec.actions.map(\.name).joined(separator: ", "))")
      }
      guard action.arguments.count == call.arguments.count else {
        throw SpecError(
          "TDX1110",
          "\(call.action) takes \(action.arguments.count) arguments, not \(call.arguments.count)",
          at: call.location)
      }
    }
  }
}
