import SpecLanguage
import SpecProgram

extension Prover {
  /// Answers several properties, cheapest first: what is proved helps to prove the rest.
  ///
  /// - Parameter report: gets each answer as soon as it is final.
  public func answerAll(
    _ properties: [ResolvedProperty], _ plan: ProofPlan, report: (ProofReport) throws -> Void
  ) throws {
    var pending = properties
    var last: [String: ProofReport] = [:]
    let isInductionDone = try induce(plan, &pending, &last, report)
    for round in Self.rounds(plan) {
      var progress = true
      // Spacer alone answers the same a second time.
      var tried: Set<String> = []
      while progress {
        progress = false
        for property in pending where !tried.contains(property.property.id) {
          let id = property.property.id
          if round.plan.methods == [.induction] && isInductionDone { continue }
          if !round.plan.methods.contains(.bmc) && isOnlySearched(property, plan) { continue }
          if round.milliseconds != nil { tried.insert(id) }
          milliseconds = min(round.milliseconds ?? .max, limits.milliseconds)
          spacerFacts = round.milliseconds == nil ? facts : []
          let answer = attemptAll(property, round.plan, gap: last[id]?.gap)
          last[id] = answer
          guard answer.isFinal else { continue }
          pending.removeAll { $0.property.id == id }
          if case .proved = answer.outcome { facts.append(property) }
          try report(answer)
          progress = true
          // Whatever is cheap may have become possible.
          if round.plan.methods != [.induction] { break }
        }
        if progress && round.plan.methods != [.induction] && plan.methods.contains(.induction) {
          try retry(&pending, plan, &last, report)
        }
      }
      if round.plan.methods == [.induction] { try useLemmas(&pending, &last, report) }
    }
    for property in pending {
      if let answer = last[property.property.id] { try report(answer) }
    }
  }

  /// Induction with what the order of steps implies, which is at least as good as without.
  ///
  /// - Returns: whether it came to an end.
  private func induce(
    _ plan: ProofPlan, _ pending: inout [ResolvedProperty], _ last: inout [String: ProofReport],
    _ report: (ProofReport) throws -> Void
  ) throws -> Bool {
    guard plan.methods.contains(.induction), let gaps = try useStepFacts(&pending, report) else {
      return false
    }
    for property in pending {
      var answer = ProofReport(
        property: property, outcome: .unknown("it is not inductive, even with the other claims"))
      answer.gap = gaps[property.property.id]
      last[property.property.id] = answer
    }
    return true
  }

  /// What is expected to be violated is not worth a proof attempt when a run can be looked for.
  private func isOnlySearched(_ property: ResolvedProperty, _ plan: ProofPlan) -> Bool {
    property.property.expected == .violated && plan.methods.contains(.bmc)
  }

  private func retry(
    _ pending: inout [ResolvedProperty], _ plan: ProofPlan, _ last: inout [String: ProofReport],
    _ report: (ProofReport) throws -> Void
  ) throws {
    var cheap = plan
    cheap.methods = [.induction]
    for property in pending {
      let answer = attemptAll(property, cheap, gap: nil)
      guard answer.isFinal else { continue }
      pending.removeAll { $0.property.id == property.property.id }
      facts.append(property)
      try report(answer)
    }
  }

  /// The methods in the order of their cost, with the time that a query may take.
  ///
  /// Spacer gets a little time for each property alone, then more on top of what is proved: facts
  /// that a proof does not need make it slower, and those that it needs make it possible.
  private static func rounds(
    _ plan: ProofPlan
  ) -> [(plan: ProofPlan, milliseconds: UInt32?)] {
    var rounds: [(plan: ProofPlan, milliseconds: UInt32?)] = []
    func add(_ method: ProofMethod, _ milliseconds: UInt32?) {
      guard plan.methods.contains(method) else { return }
      var own = plan
      own.methods = [method]
      rounds.append((own, milliseconds))
    }
    add(.induction, nil)
    add(.kInduction, nil)
    add(.spacer, 12_000)
    add(.spacer, nil)
    add(.bmc, nil)
    return rounds
  }

  private func attemptAll(
    _ property: ResolvedProperty, _ plan: ProofPlan, gap: InductionGap?
  ) -> ProofReport {
    guard !isStopped() else { return interrupted(property) }
    do {
      var report = try answer(property, plan)
      if report.gap == nil, !report.isFinal { report.gap = gap }
      return report
    } catch {
      var report = failed(property, error)
      report.gap = gap
      return report
    }
  }
}

extension ProofReport {
  /// Whether no other method can add anything.
  var isFinal: Bool {
    switch outcome {
    case .proved, .refuted: true
    case .boundedOnly, .unknown: false
    }
  }
}
