import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

/// Wrong verdicts, as an explorer with a bug would give them, are contradicted.
@Suite(.serialized) struct CrossCheckTests {
  /// The benchmark with a bug that breaks I2 in nine steps and not before, and that way.
  private func question() throws -> (Question, ResolvedProperty, Trace) {
    let question = try Question("bench/tdx-teardown", ["P": 3, "BUG": 2])
    let property = try question.property("I2")
    guard case .refuted(let trace) = try question.prover.bmc(property, depth: 9) else {
      throw SolverError("I2 is not refuted")
    }
    try #require(trace.steps.count == 9)
    return (question, property, trace)
  }

  @Test func theRightVerdictAgrees() throws {
    let (question, property, trace) = try question()
    let claim = CrossClaim(property, trace: trace, depth: 0)
    let result = try CrossCheck(question.ground).run([claim], sample: [])
    #expect(result.disagreement == nil)
    #expect(result.depths.map(\.depth) == [9])
    #expect(result.states == 10)
    #expect(result.notCompared.isEmpty)
  }

  @Test func aMissedViolationIsFound() throws {
    let (question, property, _) = try question()
    let claim = CrossClaim(property, trace: nil, depth: 12)
    let result = try CrossCheck(question.ground).run([claim], sample: [])
    let disagreement = try #require(result.disagreement)
    #expect(disagreement.text.contains("Z3 decides I2 in 9 steps, the explorer does not within 12"))
    #expect(disagreement.trace.steps.count == 9)
    #expect(try !Interpreter(question.ground.program).holds(property, in: disagreement.trace.last))
  }

  @Test func aTraceThatIsNotShortestIsFound() throws {
    let (question, property, trace) = try question()
    // There and back again costs steps: any further step out of the last state will do.
    let interpreter = Interpreter(question.ground.program)
    let more = try #require(
      try interpreter.transitions(from: trace.last).first {
        try !interpreter.holds(property, in: $0.state)
      })
    let longer = Trace(
      initial: trace.initial,
      steps: trace.steps + [TraceStep(label: more.label, state: more.state)])
    let claim = CrossClaim(property, trace: longer, depth: 0)
    let result = try CrossCheck(question.ground).run([claim], sample: [])
    #expect(result.disagreement?.text.contains("in 9 steps, the explorer needs 10") == true)
  }

  @Test func aTraceThatProvesNothingIsFound() throws {
    let (question, property, trace) = try question()
    let short = Trace(initial: trace.initial, steps: Array(trace.steps.dropLast()))
    let claim = CrossClaim(property, trace: short, depth: 0)
    let result = try CrossCheck(question.ground).run([claim], sample: [])
    #expect(result.disagreement?.text.contains("does not decide I2 in 8 steps") == true)
  }

  @Test func aStepThatIsNoneIsFound() throws {
    let (question, property, trace) = try question()
    var steps = trace.steps
    steps[4] = TraceStep(label: steps[4].label, state: steps[5].state)
    let claim = CrossClaim(property, trace: Trace(initial: trace.initial, steps: steps), depth: 0)
    let result = try CrossCheck(question.ground).run([claim], sample: [])
    #expect(result.disagreement?.text.contains("does not take step 5") == true)
  }

  @Test func everyMistakeThatMattersHereIsFoundInAState() throws {
    let question = try Question("bench/tdx-teardown", ["N": 1, "P": 1, "L": 1])
    let cross = try CrossCheck(question.ground, fault: .frame)
    let result = try cross.run([], sample: [question.ground.program.initial])
    #expect(result.disagreement?.text.contains("only Z3 takes") == true)
    #expect(result.disagreement?.trace.steps.count == 1)
  }
}
