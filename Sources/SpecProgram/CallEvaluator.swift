import SpecLanguage

/// What one call did.
public struct EvaluatedCall: Sendable {
  /// The state after it.
  public let state: [Int]
  public let outcome: Outcome
  /// The check that refused the call, if one did.
  public let check: CheckInfo?
  /// What it wrote back, by name.
  public let outputs: [(name: String, type: ValueType, value: Int)]
}

/// Carries out single calls with concrete arguments, at any size of the spec: the reference
/// semantics, without unrolling anything.
///
/// Time of a call: what its checks and effects read and write, not the size of the spec.
public struct CallEvaluator: Sendable {
  public let program: Program
  private let interpreter: Interpreter
  private let numbers: [String: Int]

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

  /// Carries out a one-step action.
  ///
  /// - Parameter arguments: one number for each argument, as `ValueType` numbers its values.
  /// - Returns: `nil` when the spec does not let the call happen in this state.
  /// - Throws: `TDX3xxx` when the step is not well defined, `TDX2013` for arguments that are no
  ///   values of their types.
  public func call(
    _ action: Int, _ arguments: [Int], from state: [Int]
  ) throws(SpecError) -> EvaluatedCall? {
    let procedure = program.procedures[action]
    let spans = procedure.frameSpans.prefix(procedure.action.arguments.count)
    guard !procedure.isThreaded, arguments.count == spans.count,
      zip(arguments, spans).allSatisfy({ $0 >= 0 && $0 < $1 })
    else {
      throw SpecError(
        "TDX2013", "\(procedure.action.name) does not take these arguments in one step",
        at: procedure.action.location)
    }
    var ways: [Transition] = []
    try interpreter.begin(procedure, arguments, thread: nil, state, &ways)
    guard let way = ways.first else { return nil }
    let outcome = way.label.outcome.map { program.outcomes[$0] } ?? .ok
    var environment = Environment(
      program, state, thread: 0, registers: procedure.registerCount)
    for (index, value) in arguments.enumerated() { environment.registers[index] = value }
    var outputs: [(name: String, type: ValueType, value: Int)] = []
    for output in procedure.outputs where output.answers.contains(outcome) {
      outputs.append((output.name, output.type, try environment.value(of: output.term)))
    }
    return EvaluatedCall(
      state: way.state, outcome: outcome, check: way.label.refusedBy.map { program.checks[$0] },
      outputs: outputs)
  }
}
