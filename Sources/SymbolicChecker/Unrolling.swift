import SpecLanguage
import SpecProgram

/// The runs of one length from the initial state, for questions about their last states.
final class Unrolling {
  private let context: SolverContext
  private let encoder: Encoder
  private let solver: Solver
  private var states: [StateBits] = []
  private var selectors: [[Expression]] = []

  /// Runs of no step.
  init(_ comparison: EncodingComparison, milliseconds: UInt32) throws(SolverError) {
    context = comparison.context
    encoder = comparison.encoder
    solver = try Solver(context, logic: "QF_FD", SolverLimits(milliseconds: milliseconds))
    states = [try encoder.state("u0")]
    try solver.assert(try encoder.initial(states[0]))
  }

  /// Runs of one more step.
  func extend() throws(SolverError) {
    let next = try encoder.state("u\(states.count)")
    let (relation, chosen) = try encoder.transition(
      states[states.count - 1], next, tag: "u\(states.count)")
    try solver.assert(relation)
    states.append(next)
    selectors.append(chosen)
  }

  /// Where a property is decided: an `Always` fails, a `Possible` is reached.
  private func goal(_ property: ResolvedProperty) throws(SolverError) -> Expression {
    let condition = try encoder.formula(
      encoder.ground.formula(of: property), states[states.count - 1])
    if case .always = property.property.kind { return try context.not(condition) }
    return condition
  }

  /// Whether some run decides the property with its last state; `nil` without an answer.
  func reaches(_ property: ResolvedProperty) throws(SolverError) -> Bool? {
    let goal = try goal(property)
    solver.push()
    try solver.assert(goal)
    let answer = try solver.check()
    solver.pop()
    switch answer {
    case .satisfiable: return true
    case .unsatisfiable: return false
    case .unknown: return nil
    }
  }

  /// A run that decides the property with its last state, as Z3 sees it.
  func run(_ property: ResolvedProperty) throws(SolverError) -> Trace {
    solver.push()
    defer { solver.pop() }
    try solver.assert(try goal(property))
    guard try solver.check() == .satisfiable else {
      throw SolverError(message: "a run that was there before is not found again")
    }
    var steps: [TraceStep] = []
    for (index, chosen) in selectors.enumerated() {
      let taken = try solver.values(of: chosen).firstIndex(of: true) ?? 0
      steps.append(
        TraceStep(
          label: encoder.steps[taken].label, state: try encoder.decode(states[index + 1], solver)))
    }
    return Trace(initial: try encoder.decode(states[0], solver), steps: steps)
  }
}
