import SpecLanguage
import Testing

@testable import BenchmarkSpecs
@testable import SpecProgram
@testable import SymbolicChecker

extension TDXTeardown {
  /// What `prove bench/tdx-teardown --method spacer --property I1` offered, pasted; only line
  /// breaks are added; the last one is there for its shape.
  @ListBuilder<Property> var pasted: [Property] {
    Lemma("I1-1", "keeps I1 inductive") {
      td != .initialised && td != .runnable || hkid.in(.configured, .flushed)
    }
    Lemma("I1-2", "keeps I1 inductive") {
      forAll(VCPU.self) { v in
        forAll(LP.self) { l in hkid.in(.configured, .flushed) || assoc[v] != l }
      }
    }
    Lemma("I1-3", "keeps I1 inductive") {
      td != .initialised && td != .runnable || hkid.in(.free, .configured)
    }
    Lemma("I1-4", "keeps I1 inductive") {
      forAll(VCPU.self) { v in
        forAll(LP.self) { l in hkid.in(.free, .configured) || assoc[v] != l }
      }
    }
    Lemma("I1-5", "keeps I1 inductive") {
      forAll(VCPU.self) { v in
        forAll(Page.self) { p in
          forAll(VCPU.self) { v2 in v != v2 ==> run[v] || sept[p] != .free || !stale[v2, p] }
        }
      }
    }
  }
}

@Suite(.serialized) struct LemmaOfferTests {
  private let spec = TDXTeardown()

  private func prover() throws -> Prover {
    let description = SpecDescription(spec)
    let program = try Program(description, ResolvedScope(description))
    return try Prover(GroundProgram(program), seconds: 120)
  }

  private func claim(_ id: String, _ prover: Prover) throws -> ResolvedProperty {
    try #require(prover.program.properties.first { $0.property.id == id })
  }

  /// The clauses of the pasted lemmas as Spacer has them: over single cells.
  private func clauses(_ program: Program) throws -> [Formula] {
    func cell(_ name: String, _ codes: [Int]) throws -> Formula {
      let index = try #require(program.cells.firstIndex { $0.name == name })
      return .member(cell: index, ValueSet(count: program.cells[index].count, codes))
    }
    return [
      .or([try cell("td", [0, 1, 4, 5]), try cell("hkid", [2, 3])]),
      .or([try cell("assoc[v1]", [0, 1]), try cell("hkid", [2, 3])]),
      .or([try cell("td", [0, 1, 4, 5]), try cell("hkid", [0, 2])]),
      .or([try cell("hkid", [0, 2]), try cell("assoc[v0]", [0, 2])]),
      .or([
        try cell("run[v1]", [1]), try cell("sept[p1]", [1, 2, 3, 4, 5]),
        try cell("stale[v0,p1]", [0]),
      ]),
      // The same as the second but for the elements.
      .or([try cell("hkid", [2, 3]), try cell("assoc[v0]", [0, 2])]),
    ]
  }

  @Test func whatIsPastedIsWhatIsOffered() throws {
    let program = try prover().program
    let texts = [String](repeating: "a clause", count: 6)
    let offer = LemmaMaker(program).offer(try clauses(program), texts, for: "I1")
    #expect(offer.leftOut.isEmpty)
    #expect(offer.lemmas.count == 5)
    // The compiler read the text; what it made of it is spelt in the same way again.
    let writer = LemmaWriter(program.spec)
    let pasted = spec.pasted.map { writer.lemma($0.id, $0.text, $0.condition) }
    for (own, other) in zip(pasted, offer.lemmas) {
      #expect(own == other.swift)
    }
  }

  @Test func pastedLemmasMeanTheClausesForAllElements() throws {
    let prover = try prover()
    let program = prover.program
    let offer = LemmaMaker(program).offer(
      try clauses(program), [String](repeating: "", count: 6), for: "I1")
    let pasted = try #require(prover.resolve(spec.pasted))
    let offered = try #require(prover.resolve(offer.lemmas.map(\.property)))
    #expect(pasted.count == 5 && offered.count == 5)
    let state = try prover.encoder.state("s")
    for (a, b) in zip(pasted, offered) {
      let solver = try prover.solver()
      try solver.assert(try prover.encoder.wellFormed(state))
      let same = try prover.context.iff(
        try prover.encoder.property(a, state), try prover.encoder.property(b, state))
      try solver.assert(try prover.context.not(same))
      #expect(try solver.check() == .unsatisfiable, "\(a.property.id)")
    }
    // Each clause follows from its lemma, and not the other way round: it names one element.
    let solver = try prover.solver()
    try solver.assert(try prover.encoder.wellFormed(state))
    try solver.assert(try prover.encoder.property(pasted[1], state))
    try solver.assert(
      try prover.context.not(try prover.encoder.formula(try clauses(program)[1], state)))
    #expect(try solver.check() == .unsatisfiable)
  }

  @Test func pastedLemmasProveTheClaim() throws {
    let prover = try prover()
    let claim = try claim("I1", prover)
    // The last one is there for its shape alone.
    let lemmas = try #require(prover.resolve(Array(spec.pasted.prefix(4))))
    let own = (lemmas + [claim]).map { Candidate($0, prover.encoder) }
    let found = try prover.largestInductiveSet(own, "pasted")
    #expect(found.doubt == nil)
    #expect(found.kept.map(\.name) == ["I1-1", "I1-2", "I1-3", "I1-4", "I1"])
    let alone = try prover.largestInductiveSet([Candidate(claim, prover.encoder)], "alone")
    #expect(alone.kept.isEmpty)
  }

  @Test func whatSpacerFindsIsOfferedAsAProof() throws {
    let prover = try prover()
    var plan = ProofPlan()
    plan.methods = [.spacer]
    var report: ProofReport?
    try prover.answerAll([try claim("I1", prover)], plan) { report = $0 }
    let offer = try #require(report?.offer)
    #expect(offer.isProof)
    #expect(offer.leftOut.isEmpty)
  }
}
