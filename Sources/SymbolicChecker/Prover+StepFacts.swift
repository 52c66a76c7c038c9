import SpecLanguage
import SpecProgram

extension Prover {
  /// Proves by induction what it can with the spec's claims and what the order of steps implies:
  /// which locks a thread holds where it stands, and where the holder of a lock can be.
  ///
  /// - Returns: for each claim that is left, a step that breaks it; `nil` when there are no such
  ///   facts, or no answer in time.
  func useStepFacts(
    _ pending: inout [ResolvedProperty], _ report: (ProofReport) throws -> Void
  ) throws -> [String: InductionGap]? {
    let locks = encoder.ground.stepFacts
    guard !locks.isEmpty, !isStopped() else { return nil }
    let clock = ContinuousClock()
    let start = clock.now
    milliseconds = limits.milliseconds
    let found: (ids: Set<String>, gaps: [String: InductionGap])
    do {
      found = try inductiveWithFacts(claims, locks)
    } catch is SolverError {
      return nil
    }
    let time = (clock.now - start).components
    for property in pending where found.ids.contains(property.property.id) {
      let id = property.property.id
      let others = claims.map(\.property.id).filter { $0 != id && found.ids.contains($0) }
      var answer = ProofReport(
        property: property,
        outcome: .proved(.induction, k: 1, lemmas: others + [Self.stepFactsName]))
      answer.seconds = Double(time.seconds) + Double(time.attoseconds) * 1e-18
      pending.removeAll { $0.property.id == id }
      facts.append(property)
      try report(answer)
    }
    return found.gaps
  }

  /// What reports call the lemmas that the order of steps implies.
  static let stepFactsName = "what is held where"

  private func inductiveWithFacts(
    _ claims: [ResolvedProperty], _ locks: [StepFact]
  ) throws -> (ids: Set<String>, gaps: [String: InductionGap]) {
    let candidates =
      claims.map { LemmaCandidate($0, encoder.ground) } + locks.map { LemmaCandidate($0) }
    let checkTime = { () throws(SolverError) in _ = try self.remaining() }
    let plain = PlainFilter(encoder.ground, candidates)
    try plain.run(checkTime)
    let filter = try LemmaFilter(
      StepQuestions(encoder, candidates), needed: Array(claims.indices),
      given: Set(candidates.indices.filter { plain.alive[$0] }),
      Solver(context, logic: nil, SolverLimits(milliseconds: try remaining())), checkTime)
    try filter.run()
    let ids = filter.inductive.compactMap { candidates[$0].claim?.property.id }
    return (Set(ids), claimGaps(filter, candidates))
  }

  /// The steps that broke claims, by their ids, in the order in which the claims fell.
  func claimGaps(
    _ filter: LemmaFilter, _ candidates: [LemmaCandidate]
  ) -> [String: InductionGap] {
    let fallen = filter.gaps.filter { candidates[$0.key].claim != nil }
    var gaps: [String: InductionGap] = [:]
    for (candidate, gap) in fallen {
      guard let claim = candidates[candidate].claim else { continue }
      var own = gap
      own.fallenBefore = fallen.values.count {
        ($0.fallenBefore ?? 0) < (gap.fallenBefore ?? 0)
      }
      gaps[claim.property.id] = own
    }
    return gaps
  }
}
