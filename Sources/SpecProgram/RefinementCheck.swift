import SpecLanguage

/// Why a run is none of the abstract spec's: its last step, or its first state.
public struct RefinementGap: Sendable {
  /// A step that the abstract spec could have taken instead.
  public struct Way: Hashable, Sendable {
    public let call: String
    public let changes: [CellChange]
  }

  /// The abstract spec.
  public let abstract: String
  /// Its state before the run's last step; its initial state when the run has no step.
  public let before: [NamedValue]
  /// What the state after that step maps to, or the initial one when the run has no step.
  public let after: [NamedValue]
  /// What would have been possible; empty when the run has no step.
  public let possible: [Way]
}

/// Checks with the interpreter alone that a run refutes a refinement, and says why.
public struct RefinementCheck {
  /// What came of the check.
  public enum Answer: Sendable {
    case refutes(RefinementGap)
    /// What is wrong with the run.
    case wrong(String)
  }

  private let program: Program
  private let map: RefinementMap
  private let interpreter: Interpreter

  public init(_ program: Program, _ map: RefinementMap) {
    self.program = program
    self.map = map
    interpreter = Interpreter(program)
  }

  /// - Throws: `TDX3xxx` when a step or a mapped state is not well defined.
  public func answer(_ trace: Trace) throws(SpecError) -> Answer {
    guard trace.initial == program.initial else { return .wrong("it begins elsewhere") }
    var steps = AbstractSteps(map)
    var cells = trace.initial
    var before = try map.state(of: cells)
    guard before == map.initial else {
      return trace.steps.isEmpty
        ? .refutes(gap(map.initial, before, [:])) : .wrong("its first state maps elsewhere")
    }
    for (index, step) in trace.steps.enumerated() {
      let ways = try interpreter.transitions(from: cells)
      guard ways.contains(where: { $0.label == step.label && $0.state == step.state }) else {
        return .wrong("step \(index + 1) cannot be taken")
      }
      let after = try map.state(of: step.state)
      let stays = after == before
      if !stays, try !steps.allows(before, after) {
        return index == trace.steps.count - 1
          ? .refutes(gap(before, after, try steps.steps(from: before)))
          : .wrong("step \(index + 1) is not allowed either")
      }
      cells = step.state
      before = after
    }
    return .wrong("every step is allowed")
  }

  private func gap(
    _ before: AbstractState, _ after: AbstractState,
    _ steps: [AbstractState: [AbstractSteps.Step]]
  ) -> RefinementGap {
    let abstract = map.abstract
    let from = map.cells(of: before)
    var ways: [RefinementGap.Way] = []
    for (_, group) in steps.sorted(by: { $0.key < $1.key }) {
      for step in group {
        let way = RefinementGap.Way(
          call: abstract.callText(step.label, arguments: step.label.choice),
          changes: abstract.changes(from: from, to: step.cells))
        if !ways.contains(way) { ways.append(way) }
      }
    }
    return RefinementGap(
      abstract: abstract.spec.name, before: map.text(of: before), after: map.text(of: after),
      possible: ways)
  }
}
