import SpecLanguage
import SpecProgram

/// Lemmas that were found, and what is inductive together with them.
struct LemmaProof {
  let claims: [ResolvedProperty]
  let lemmas: [LemmaTemplate]
  let table: LiteralTable
  /// For each claim that is not inductive even so, a step that breaks it.
  let gaps: [String: InductionGap]
}

extension Prover {
  /// How many elements of each sort the scope has where lemmas are looked for.
  static let lemmaScope = 2
  /// How many reached states refute proposals at a time, and how often at most.
  static let walkedStates = 65_536
  static let walks = 8

  /// Proves what is left with lemmas that are found for it.
  func useLemmas(
    _ pending: inout [ResolvedProperty], _ last: inout [String: ProofReport],
    _ report: (ProofReport) throws -> Void
  ) throws {
    let wanted = pending.filter { $0.property.expected == nil }
    guard !wanted.isEmpty, !isStopped() else { return }
    let clock = ContinuousClock()
    let start = clock.now
    guard let proof = try lemmaProof(of: wanted + facts) else { return }
    let time = (clock.now - start).components
    let text = LemmaText(proof.table)
    for property in wanted {
      let id = property.property.id
      guard proof.claims.contains(where: { $0.property.id == id }) else {
        if let gap = proof.gaps[id] { last[id]?.gap = gap }
        continue
      }
      let others = proof.claims.map(\.property.id).filter { $0 != id }
      var answer = ProofReport(
        property: property, outcome: .proved(.induction, k: 1, lemmas: others))
      answer.invariant = proof.lemmas.map(text.sentence)
      answer.seconds = Double(time.seconds) + Double(time.attoseconds) * 1e-18
      pending.removeAll { $0.property.id == id }
      facts.append(property)
      try report(answer)
    }
  }

  /// Lemmas for as many of the claims as possible; `nil` when there are none, or not in time.
  func lemmaProof(of claims: [ResolvedProperty]) throws -> LemmaProof? {
    milliseconds = limits.milliseconds
    // What comes after may still find an answer, so it is left some time.
    let end = ContinuousClock.now + .milliseconds(Int(limits.milliseconds) / 3)
    let checkTime = { () throws(SolverError) in
      _ = try self.remaining()
      guard ContinuousClock.now < end else {
        throw SolverError(message: "no lemmas were found in time")
      }
    }
    do {
      guard let found = try findLemmas(claims, checkTime) else { return nil }
      return try confirm(claims, found.lemmas, found.vocabulary, checkTime)
    } catch is SolverError {
      return nil
    }
  }

  /// Proposals that are inductive with the claims at a small scope.
  private func findLemmas(
    _ claims: [ResolvedProperty], _ checkTime: @escaping () throws(SolverError) -> Void
  ) throws -> (lemmas: [LemmaTemplate], vocabulary: LemmaVocabulary)? {
    let program = try self.program.reduced(to: Self.lemmaScope)
    guard program.locationCount == self.program.locationCount else { return nil }
    let vocabulary = LemmaVocabulary()
    let ground = try GroundProgram(program)
    let table = LiteralTable(program, vocabulary)
    var miner = LemmaMiner(table, try ReachedStates(ground, count: Self.walkedStates))
    try miner.mine(checkTime)
    for walk in 1...Self.walks {
      try checkTime()
      let before = miner.templates.count
      miner.refute(
        try ReachedStates(ground, count: Self.walkedStates, seed: UInt64(walk + 1)))
      if miner.templates.count == before { break }
    }
    let goals = claims.compactMap { claim in
      program.properties.first { $0.property.id == claim.property.id }
    }
    let candidates =
      goals.map { LemmaCandidate($0, ground) }
      + miner.templates.map { LemmaCandidate($0, at: table) }
    let plain = PlainFilter(ground, candidates)
    try plain.run(checkTime)
    // Of what propagation dropped only claims and witnesses are looked at again.
    let kept = candidates.indices.filter {
      plain.alive[$0] || candidates[$0].claim != nil
        || !(candidates[$0].template?.unless.isEmpty ?? true)
    }
    let filter = try LemmaFilter(
      StepQuestions(Encoder(context, ground), kept.map { candidates[$0] }),
      needed: Array(goals.indices),
      given: Set(kept.indices.filter { plain.alive[kept[$0]] }),
      Solver(context, logic: nil, SolverLimits(milliseconds: try remaining())), checkTime)
    try filter.run()
    let inductive = Set(filter.inductive.map { kept[$0] })
    let used = try plain.closure(of: inductive.filter { plain.alive[$0] }, checkTime)
    let lemmas = used.union(inductive).sorted().compactMap { candidates[$0].template }
    return inductive.contains { candidates[$0].claim != nil } ? (lemmas, vocabulary) : nil
  }

  /// Proves the claims with the lemmas at the scope that was asked about; here alone something is
  /// claimed.
  private func confirm(
    _ claims: [ResolvedProperty], _ lemmas: [LemmaTemplate], _ vocabulary: LemmaVocabulary,
    _ checkTime: @escaping () throws(SolverError) -> Void
  ) throws -> LemmaProof? {
    let table = LiteralTable(program, vocabulary)
    let candidates =
      claims.map { LemmaCandidate($0, encoder.ground) }
      + lemmas.map { LemmaCandidate($0, at: table) }
    let plain = PlainFilter(encoder.ground, candidates)
    try plain.run(checkTime)
    let given = Set(candidates.indices.filter { plain.alive[$0] })
    let filter = try LemmaFilter(
      StepQuestions(encoder, candidates), needed: Array(candidates.indices), given: given,
      Solver(context, logic: nil, SolverLimits(milliseconds: try remaining())), checkTime)
    try filter.run()
    let left = filter.inductive.map { candidates[$0] }
    return LemmaProof(
      claims: left.compactMap(\.claim), lemmas: left.compactMap(\.template), table: table,
      gaps: claimGaps(filter, candidates))
  }
}
