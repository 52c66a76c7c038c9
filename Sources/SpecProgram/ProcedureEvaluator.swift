import SpecLanguage

/// One step that a call took.
public struct TakenStep: Sendable {
  /// What the step does, in the spec's words.
  public let label: String
  /// The element that the innermost loop is at, if the call is in one.
  public let element: Int?
  public let before: [Int]
  public let after: [Int]
  /// The checks that the step passed, in order.
  public let passed: [CheckInfo]
  /// The check that refused the call in this step.
  public let refusedBy: CheckInfo?
}

/// What one call of a thread did.
public struct CarriedOutCall: Sendable {
  /// The state after it.
  public let state: [Int]
  public let outcome: Outcome
  /// The check that refused the call, or the last part of it that was refused.
  public let check: CheckInfo?
}

/// Carries out whole calls of one thread that runs alone: the reference semantics, without
/// unrolling anything.
///
/// Time of a call: its steps, times the size of a state.
public struct ProcedureEvaluator: Sendable {
  public let program: Program
  private let interpreter: Interpreter
  private let numbers: [String: Int]
  /// A call that takes more steps than this is taken to have no end.
  private static var mostSteps: Int { 100_000 }

  public init(_ program: Program) {
    self.program = program
    interpreter = Interpreter(program)
    numbers = Dictionary(
      program.procedures.map { ($0.action.name, $0.index) }, uniquingKeysWith: { first, _ in first }
    )
  }

  /// The number of an action, and its arguments in order; `nil` when there is none of that name.
  public func action(named name: String) -> (number: Int, arguments: [(String, ValueType)])? {
    numbers[name].map { number in
      let arguments = program.procedures[number].action.arguments
      return (number, arguments.map { ($0.name, $0.bound.type) })
    }
  }

  /// Carries out a call of the first thread of the action's role, or a one-step action.
  ///
  /// - Parameters:
  ///   - arguments: one number for each argument, as `ValueType` numbers its values.
  ///   - observe: told of every step in order.
  /// - Returns: `nil` when the spec does not let the call begin in this state.
  /// - Throws: `TDX3xxx` when a step is not well defined; `TDX2013` for arguments that are no
  ///   values of their types; `TDX2014` when the call cannot go on, or can in two ways.
  public func call(
    _ action: Int, _ arguments: [Int], from state: [Int], observe: (TakenStep) -> Void
  ) throws(SpecError) -> CarriedOutCall? {
    let procedure = program.procedures[action]
    let spans = procedure.frameSpans.prefix(procedure.action.arguments.count)
    guard arguments.count == spans.count,
      zip(arguments, spans).allSatisfy({ $0 >= 0 && $0 < $1 })
    else {
      throw SpecError(
        "TDX2013", "\(procedure.action.name) does not take these arguments",
        at: procedure.action.location)
    }
    let thread = procedure.action.role.flatMap { role in
      program.threads.firstIndex { $0.role == role }
    }
    var current = state
    var check: CheckInfo?
    var element: Int?
    for step in 0..<Self.mostSteps {
      var ways: [Transition] = []
      if step == 0 {
        try interpreter.begin(procedure, arguments, thread: thread, current, &ways)
        if ways.isEmpty { return nil }
      } else if let thread {
        try interpreter.goOn(thread, current, &ways)
      }
      guard ways.count == 1, let way = ways.first else {
        throw stuck(procedure, ways.count)
      }
      let taken = way.label.choice.dropFirst(step == 0 ? arguments.count : 0)
      element = taken.last ?? element
      if let refused = way.label.refusedBy { check = program.checks[refused] }
      observe(
        TakenStep(
          label: procedure.info[way.label.node].label, element: element, before: current,
          after: way.state, passed: way.passed.map { program.checks[$0] },
          refusedBy: way.label.refusedBy.map { program.checks[$0] }))
      current = way.state
      if thread == nil || way.label.outcome != nil {
        let outcome = way.label.outcome.map { program.outcomes[$0] } ?? .ok
        return CarriedOutCall(state: current, outcome: outcome, check: check)
      }
    }
    throw stuck(procedure, 1)
  }

  private func stuck(_ procedure: Procedure, _ ways: Int) -> SpecError {
    let what =
      switch ways {
      case 0: "cannot go on alone"
      case 1: "has no end"
      default: "can go on in \(ways) ways"
      }
    return SpecError(
      "TDX2014", "\(procedure.action.name) \(what)", at: procedure.action.location)
  }
}
