import Catalogue
import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

@Suite(.serialized) struct LemmaTests {
  static let bench = "bench/tdx-teardown"
  static let all = ["I1", "I2", "I3", "I4", "I5"]

  @Test func benchmarkIsProvedByInductionWithLemmas() throws {
    let question = try Question(Self.bench, ["N": 4, "P": 4, "L": 2])
    let reports = try question.ask(Self.all, [.induction])
    #expect(reports.count == 5)
    for report in reports {
      guard case .proved(.induction, 1, _) = report.outcome else {
        Issue.record("\(report.property.property.id): \(report.outcome)")
        continue
      }
    }
    let first = try #require(reports.first { $0.property.property.id == "I1" })
    #expect(first.invariant.contains("never: hkid is flushed and assoc[v] is l"))
  }

  @Test(arguments: [(1, "I1"), (2, "I2")])
  func aSeededBugIsNotProvedWithLemmas(_ bug: Int, _ id: String) throws {
    let question = try Question(Self.bench, ["BUG": bug])
    let proof = try question.prover.lemmaProof(of: Self.all.map(question.property))
    #expect(!(proof?.claims.contains { $0.property.id == id } ?? false))
    for report in try question.ask(Self.all, [.induction]) where report.property.property.id == id {
      if case .proved = report.outcome { Issue.record("\(id) is proved in spite of its bug") }
    }
  }

  @Test func lemmasHoldInEveryReachableStateAndAreInductive() throws {
    let question = try Question(Self.bench)
    let claims = try Self.all.map(question.property)
    let proof = try #require(try question.prover.lemmaProof(of: claims))
    #expect(proof.claims.count == 5)
    #expect(!proof.lemmas.isEmpty)
    let program = question.ground.program
    let candidates =
      proof.claims.map { LemmaCandidate($0, question.ground) }
      + proof.lemmas.map { LemmaCandidate($0, at: proof.table) }
    let states = ProverTests().reachable(program)
    #expect(states.count == 11833)
    for candidate in candidates {
      #expect(states.allSatisfy { candidate.holds(in: $0, program.cells) })
    }
    try expectInductive(candidates, question)
  }

  /// By the encoding with two states, in which the search has no part.
  private func expectInductive(_ candidates: [LemmaCandidate], _ question: Question) throws {
    let encoder = question.prover.encoder
    let now = Conjoined(try StepQuestions(encoder, candidates, tag: "s"))
    let next = Conjoined(try StepQuestions(encoder, candidates, tag: "t"))
    let solver = try question.prover.solver()
    try solver.assert(try encoder.wellFormed(now.state))
    try solver.assert(try now.conjunction())
    try solver.assert(try encoder.transition(now.state, next.state, tag: "step").relation)
    try solver.assert(try question.prover.context.not(try next.conjunction()))
    #expect(try solver.check() == .unsatisfiable)
  }

  /// Few states were looked at, so that there is something to drop.
  @Test(arguments: [(bench, ["N": 2]), ("tutorial/ticket-lock", [:])])
  func whatPropagationLeavesIsInductive(_ name: String, _ sizes: [String: Int]) throws {
    let question = try Question(name, sizes)
    let ground = question.ground
    let table = LiteralTable(ground.program, LemmaVocabulary())
    var miner = LemmaMiner(table, try ReachedStates(ground, count: 256))
    try miner.mine { () throws(SolverError) in }
    let candidates = miner.templates.map { LemmaCandidate($0, at: table) }
    let filter = PlainFilter(ground, candidates)
    try filter.run { () throws(SolverError) in }
    let left = candidates.indices.filter { filter.alive[$0] }.map { candidates[$0] }
    #expect(!left.isEmpty && left.count < candidates.count)
    try expectInductive(left, question)
    let states = ProverTests().reachable(ground.program)
    for candidate in left {
      #expect(states.allSatisfy { candidate.holds(in: $0, ground.program.cells) })
    }
  }

  @Test func withoutTimeThereAreNoLemmas() throws {
    let question = try Question(Self.bench, ["N": 4, "P": 4], seconds: 0.001)
    #expect(
      try question.prover.lemmaProof(of: Self.all.map(question.property)).map(\.lemmas) == nil)
  }
}

/// The conjunction of candidates over one state.
private struct Conjoined {
  let questions: StepQuestions
  var state: StateBits { questions.state }

  init(_ questions: StepQuestions) { self.questions = questions }

  func conjunction() throws -> Expression {
    try questions.context.and(try questions.candidates.map { try questions.statement($0) })
  }
}
