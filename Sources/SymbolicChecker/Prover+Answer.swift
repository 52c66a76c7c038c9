import SpecLanguage
import SpecProgram

/// What a proof attempt may use.
public struct ProofPlan: Sendable {
  public var methods: [ProofMethod] = ProofMethod.allCases
  /// The deepest bounded search, and the largest k.
  public var depth = 20

  public init() {}
}

extension Prover {
  /// Answers one property with the planned methods, in their order.
  public func answer(
    _ property: ResolvedProperty, _ plan: ProofPlan
  ) throws(SolverError) -> ProofReport {
    var report = ProofReport(property: property, outcome: .unknown("no method was tried"))
    let clock = ContinuousClock()
    let start = clock.now
    for method in plan.methods {
      if try attempt(method, plan, &report) { break }
    }
    let time = (clock.now - start).components
    report.seconds = Double(time.seconds) + Double(time.attoseconds) * 1e-18
    return report
  }

  /// - Returns: whether the question is settled.
  private func attempt(
    _ method: ProofMethod, _ plan: ProofPlan, _ report: inout ProofReport
  ) throws(SolverError) -> Bool {
    let property = report.property
    let claimed = property.property.expected == nil ? [] : [property]
    switch method {
    case .induction:
      let inductive = try inductiveClaims(with: claimed)
      guard inductive.contains(where: { $0.property.id == property.property.id }) else {
        report.gap = try gap(property, inductive)
        report.outcome = .unknown("it is not inductive, even with the other claims")
        return false
      }
      let lemmas = try needed(for: property, among: inductive)
      report.outcome = .proved(.induction, k: 1, lemmas: lemmas)
      return true
    case .kInduction:
      let helpers = try inductiveClaims()
      guard let k = try kInduction(property, helpers, most: min(plan.depth, 5)) else {
        return false
      }
      report.outcome = .proved(
        .kInduction, k: k, lemmas: (helpers + facts).map(\.property.id))
      return true
    case .spacer:
      return try spacer(property, &report)
    case .bmc:
      let outcome = try bmc(property, depth: plan.depth)
      // A bound without a counterexample is the last word only if nothing better was found.
      report.outcome = outcome
      if case .refuted = outcome { return true }
      return false
    }
  }

  /// Which of the other claims the property's induction stands on: those whose absence breaks it,
  /// and in turn those that they stand on.
  private func needed(
    for property: ResolvedProperty, among inductive: [ResolvedProperty]
  ) throws(SolverError) -> [String] {
    var needed: [ResolvedProperty] = [property]
    var open = [property]
    while let current = open.popLast() {
      for helper in try core(of: current, inductive)
      where !needed.contains(where: { $0.property.id == helper.property.id }) {
        needed.append(helper)
        // A fact was proved before and stands by itself.
        if !facts.contains(where: { $0.property.id == helper.property.id }) {
          open.append(helper)
        }
      }
    }
    return needed.dropFirst().map(\.property.id)
  }

  /// A minimal set of claims that keep one property over a step.
  private func core(
    of property: ResolvedProperty, _ helpers: [ResolvedProperty]
  ) throws(SolverError) -> [ResolvedProperty] {
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    let solver = try self.solver()
    try solver.assert(try encoder.wellFormed(now))
    try solver.assert(try encoder.property(property, now))
    try solver.assert(try encoder.transition(now, next, tag: "step").relation)
    try solver.assert(try context.not(try encoder.property(property, next)))
    var core = (helpers + facts).filter { $0.property.id != property.property.id }
    for candidate in core {
      _ = try remaining()
      let rest = core.filter { $0.property.id != candidate.property.id }
      solver.push()
      try solver.assert(try conjunction(rest, now))
      note("core-\(property.property.id)", solver)
      let answer = try solver.check()
      solver.pop()
      if answer == .unsatisfiable { core = rest }
    }
    return core
  }
}
