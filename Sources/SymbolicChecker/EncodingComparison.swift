import SpecLanguage
import SpecProgram

/// A state, and what the encoding makes of it that the interpreter does not, or the other way.
package struct EncodingDifference: Error, Sendable, CustomStringConvertible {
  /// Who says what, in the spec's words.
  package let description: String
  package let state: [Int]
  /// The step that only one of the two takes.
  package var step: TraceStep?
}

/// Compares the solver's encoding with the interpreter, one state at a time: steps, their names,
/// and the values of claims.
package final class EncodingComparison {
  package let program: Program
  let context: SolverContext
  let encoder: Encoder
  private let properties: [ResolvedProperty]
  private let interpreter: Interpreter
  private let now: StateBits
  private let next: StateBits
  /// Knows the relation between `now` and `next`.
  private let steps: Solver
  private let selectors: [Expression]
  private let rules: [TransitionLabel: [Int]]
  /// Knows what each claim is in `now`.
  private let claims: Solver
  private let plain: [Expression]
  private let defined: [Expression]
  /// The bits of `now` and `next`, and their opposites, by cell and bit.
  private let literals: (now: [[Literal]], next: [[Literal]])
  private let asInitial: Expression
  /// Transitions that both sides took.
  package private(set) var transitions = 0

  private struct Literal {
    let yes: Expression
    let no: Expression
  }

  /// - Parameters:
  ///   - properties: whose values are compared; those that are no condition on one state are not.
  ///   - milliseconds: for each query.
  ///   - fault: a mistake that the encoding shall make.
  /// - Throws: when the spec is outside the encoding.
  package init(
    _ ground: GroundProgram, _ properties: [ResolvedProperty], milliseconds: UInt32 = 10_000,
    fault: EncoderFault? = nil
  ) throws(SolverError) {
    program = ground.program
    context = try SolverContext()
    encoder = Encoder(context, ground, fault: fault)
    interpreter = Interpreter(program)
    self.properties = properties.filter(\.isConditionOnOneState)
    now = try encoder.state("s")
    next = try encoder.state("t")
    literals = (try Self.literals(now, context), try Self.literals(next, context))
    let limits = SolverLimits(milliseconds: milliseconds)
    steps = try Solver(context, logic: "QF_FD", limits)
    let (relation, selectors) = try encoder.transition(now, next, tag: "step")
    try steps.assert(relation)
    self.selectors = selectors
    rules = Dictionary(grouping: encoder.steps.indices) { [encoder] in encoder.steps[$0].label }
    claims = try Solver(context, logic: "QF_FD", limits)
    asInitial = try context.variable("initial")
    try claims.assert(try context.iff(asInitial, try encoder.initial(now)))
    var plain: [Expression] = []
    var defined: [Expression] = []
    for (index, property) in self.properties.enumerated() {
      plain.append(try context.variable("claim\(index)"))
      let claim = try encoder.formula(ground.formula(of: property), now)
      try claims.assert(try context.iff(plain[index], claim))
      defined.append(try context.variable("defined\(index)"))
      try claims.assert(
        try context.iff(defined[index], try encoder.property(property, now)))
    }
    self.plain = plain
    self.defined = defined
  }

  private static func literals(
    _ state: StateBits, _ context: SolverContext
  ) throws(SolverError) -> [[Literal]] {
    var cells: [[Literal]] = []
    for bits in state.cells {
      var cell: [Literal] = []
      for bit in bits { cell.append(Literal(yes: bit, no: try context.not(bit))) }
      cells.append(cell)
    }
    return cells
  }

  private func spell(_ state: [Int], _ literals: [[Literal]]) -> [Expression] {
    zip(state, literals).flatMap { code, cell in
      cell.enumerated().map { code >> $0.offset & 1 == 1 ? $0.element.yes : $0.element.no }
    }
  }

  /// A satisfiability question that must have an answer.
  private func ask(
    _ solver: borrowing Solver, _ assumptions: [Expression]
  ) throws(SolverError) -> Bool {
    switch try solver.check(assuming: assumptions) {
    case .satisfiable: return true
    case .unsatisfiable: return false
    case .unknown(let reason): throw SolverError(message: reason)
    }
  }

  /// The first thing that the two sides see differently in a state; `nil` when they agree.
  ///
  /// - Throws: when the solver does not answer.
  package func difference(in state: [Int]) throws(SolverError) -> EncodingDifference? {
    var found: [Transition]?
    do { found = try interpreter.transitions(from: state) } catch { found = nil }
    if let difference = try valueDifference(state, isDefined: found != nil) { return difference }
    // Where a step is a mistake of the spec there is nothing to compare with.
    guard let found else { return nil }
    return try stepDifference(state, found)
  }

  // MARK: Claims

  private func valueDifference(
    _ state: [Int], isDefined: Bool
  ) throws(SolverError) -> EncodingDifference? {
    guard try ask(claims, spell(state, literals.now)) else {
      return EncodingDifference(description: "Z3 does not know the state", state: state)
    }
    let values = try claims.values(of: [asInitial] + plain + defined)
    if values[0] != (state == program.initial) {
      let text = "Z3 says that the state is \(values[0] ? "" : "not ")initial"
      return EncodingDifference(description: text, state: state)
    }
    for (index, property) in properties.enumerated() {
      let id = property.property.id
      let holds: Bool
      do { holds = try interpreter.holds(property, in: state) } catch { continue }
      if values[1 + index] != holds {
        return EncodingDifference(
          description: "\(id) is \(holds) for the interpreter, \(!holds) for Z3", state: state)
      }
      if values[1 + plain.count + index] != (holds && isDefined) {
        return EncodingDifference(
          description: """
            \(id) is \(holds) and a step out of the state is \(isDefined ? "no" : "a") mistake \
            for the interpreter; Z3 counts the claim as \(!(holds && isDefined))
            """, state: state)
      }
    }
    return nil
  }

  // MARK: Steps

  private func stepDifference(
    _ state: [Int], _ found: [Transition]
  ) throws(SolverError) -> EncodingDifference? {
    let here = spell(state, literals.now)
    var others: [Expression] = []
    for transition in Set(found) {
      let there = spell(transition.state, literals.next)
      guard try takes(transition.label, here + there) else {
        return EncodingDifference(
          description: "only the interpreter takes \(program.text(of: transition.label))",
          state: state, step: TraceStep(label: transition.label, state: transition.state))
      }
      transitions += 1
      others.append(try context.not(try context.and(there)))
    }
    steps.push()
    defer { steps.pop() }
    for other in others { try steps.assert(other) }
    guard try ask(steps, here) else { return nil }
    let taken = try steps.values(of: selectors).firstIndex(of: true) ?? 0
    let label = encoder.steps[taken].label
    return EncodingDifference(
      description: "only Z3 takes \(program.text(of: label))", state: state,
      step: TraceStep(label: label, state: try encoder.decode(next, steps)))
  }

  private func takes(
    _ label: TransitionLabel, _ states: [Expression]
  ) throws(SolverError) -> Bool {
    for rule in rules[label] ?? [] where try ask(steps, states + [selectors[rule]]) {
      return true
    }
    return false
  }

  /// Whether the encoding takes the step.
  package func takes(
    _ label: TransitionLabel, from state: [Int], to other: [Int]
  ) throws(SolverError) -> Bool {
    try takes(label, spell(state, literals.now) + spell(other, literals.next))
  }
}

extension ResolvedProperty {
  /// Neither a scenario nor `no-deadlock`, which is about the steps out of a state.
  var isConditionOnOneState: Bool { !isScenario && property.id != Property.noDeadlockID }
}

extension Program {
  /// `thread 1 KVM_RUN v0: enters the guest`.
  package func text(of label: TransitionLabel) -> String {
    let arguments = Array(label.choice.prefix(argumentCount(label)))
    let thread = label.thread.map { "thread \($0) " } ?? ""
    return "\(thread)\(callText(label, arguments: arguments)): \(stepText(label))"
  }
}
