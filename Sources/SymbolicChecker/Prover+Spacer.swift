import CZ3
import SpecLanguage
import SpecProgram

extension Prover {
  /// Asks Spacer for an invariant, and believes it only after an independent check.
  ///
  /// - Returns: whether the question is settled.
  func spacer(
    _ property: ResolvedProperty, _ report: inout ProofReport
  ) throws(SolverError) -> Bool {
    let claim = Candidate(property, encoder)
    let query = try HornQuery(self, claim)
    switch try query.ask() {
    case .satisfiable:
      // Bad is reachable; the bounded search that follows gives the counterexample.
      report.outcome = .unknown("Spacer says that it is violated; no trace was asked for")
      return false
    case .unknown(let reason):
      report.outcome = .unknown("Spacer: \(reason)")
      return false
    case .unsatisfiable:
      let now = try encoder.state("s")
      let next = try encoder.state("t")
      guard try isInvariant(query, claim, now, next) else {
        report.outcome = .unknown("Spacer's invariant did not pass the independent check")
        return false
      }
      report.invariant = try query.readable(now)
      let clauses = try query.clauses(now)
      report.offer = try offer(clauses, report.invariant, for: property)
      report.outcome = .proved(.spacer, k: 1, lemmas: spacerFacts.map(\.property.id))
      return true
    }
  }

  /// Holds initially, is kept by every step, and implies the property: three separate queries.
  func isInvariant(
    _ query: HornQuery, _ claim: Candidate, _ now: StateBits, _ next: StateBits
  ) throws(SolverError) -> Bool {
    let invariant = try query.invariant(now)
    let first = try solver()
    try first.assert(try encoder.initial(now))
    try first.assert(try context.not(invariant))
    note("spacer-initial-\(claim.name)", first)
    guard try first.check() == .unsatisfiable else { return false }
    let second = try solver()
    try second.assert(invariant)
    try second.assert(try conjunction(spacerFacts, now))
    try second.assert(try conjunction(spacerFacts, next))
    try second.assert(try encoder.transition(now, next, tag: "step").relation)
    try second.assert(try context.not(try query.invariant(next)))
    note("spacer-step-\(claim.name)", second)
    guard try second.check() == .unsatisfiable else { return false }
    let third = try solver()
    try third.assert(invariant)
    try third.assert(try conjunction(spacerFacts, now))
    try third.assert(try context.not(try claim.holds(now)))
    note("spacer-safe-\(claim.name)", third)
    return try third.check() == .unsatisfiable
  }
}

/// The Horn clauses of a property: what is reachable, and that it is not bad.
final class HornQuery {
  private let prover: Prover
  private let fixedpoint: Z3_fixedpoint
  private let reachable: Z3_func_decl
  private let bad: Z3_func_decl
  private let name: String
  private var context: SolverContext { prover.context }

  init(_ prover: Prover, _ claim: Candidate) throws(SolverError) {
    self.prover = prover
    name = claim.name
    let context = prover.context
    let now = try prover.encoder.state("x")
    let next = try prover.encoder.state("y")
    let sorts = [Z3_sort?](repeating: context.bool, count: now.all.count)
    // Each handle is counted before the next call, which may drop what is not.
    guard let fixedpoint = Z3_mk_fixedpoint(context.raw) else {
      throw SolverError(message: "no fixed point could be made")
    }
    Z3_fixedpoint_inc_ref(context.raw, fixedpoint)
    let reachable = try Self.declare(context, "reachable", sorts)
    let bad = try Self.declare(context, "bad", [])
    self.fixedpoint = fixedpoint
    self.reachable = reachable
    self.bad = bad
    try configure()
    Z3_fixedpoint_register_relation(context.raw, fixedpoint, reachable)
    Z3_fixedpoint_register_relation(context.raw, fixedpoint, bad)
    try addRules(claim, now, next)
  }

  deinit {
    Z3_dec_ref(context.raw, Z3_func_decl_to_ast(context.raw, reachable))
    Z3_dec_ref(context.raw, Z3_func_decl_to_ast(context.raw, bad))
    Z3_fixedpoint_dec_ref(context.raw, fixedpoint)
  }

  private static func declare(
    _ context: SolverContext, _ name: String, _ sorts: [Z3_sort?]
  ) throws(SolverError) -> Z3_func_decl {
    let declaration = Z3_mk_func_decl(
      context.raw, context.symbol(name), UInt32(sorts.count), sorts, context.bool)
    guard let declaration else { throw SolverError(message: "no relation could be declared") }
    Z3_inc_ref(context.raw, Z3_func_decl_to_ast(context.raw, declaration))
    return declaration
  }

  private func configure() throws(SolverError) {
    let limits = SolverLimits(
      milliseconds: try prover.remaining(), resources: prover.limits.resources)
    // The relation must come back as it was given, so nothing may be inlined or sliced away.
    let given = ["xform.inline_linear", "xform.inline_eager", "xform.slice"]
    try SolverParameters(
      [("engine", .word("spacer"))] + limits.parameters + given.map { ($0, .truth(false)) }
    ).set(context, against: Z3_fixedpoint_get_param_descrs(context.raw, fixedpoint)) {
      Z3_fixedpoint_set_params(context.raw, fixedpoint, $0)
    }
  }

  private func addRules(
    _ claim: Candidate, _ now: StateBits, _ next: StateBits
  ) throws(SolverError) {
    let encoder = prover.encoder
    let reached = try apply(reachable, now.all)
    let there = try apply(reachable, next.all)
    // What is proved of every reachable state may be assumed of it.
    let here = try context.and([reached, try prover.conjunction(prover.spacerFacts, now)])
    try add("initial", now.all, try context.implies(try encoder.initial(now), reached))
    for (index, rule) in encoder.steps.enumerated() {
      let step = try encoder.step(rule, now, next)
      let body = try context.and([here, step])
      try add("rule\(index)", now.all + next.all, try context.implies(body, there))
    }
    let broken = try context.and([here, try context.not(try claim.holds(now))])
    try add("bad", now.all, try context.implies(broken, try apply(bad, [])))
  }

  private func add(
    _ name: String, _ variables: [Expression], _ body: Expression
  ) throws(SolverError) {
    let bound: [Z3_app?] = variables.map { Z3_to_app(context.raw, $0.raw) }
    let rule = try withExtendedLifetime((variables, body)) { () throws(SolverError) in
      bound.isEmpty
        ? body
        : try context.own(
          Z3_mk_forall_const(
            context.raw, 0, UInt32(bound.count), bound, 0, nil, body.raw))
    }
    Z3_fixedpoint_add_rule(context.raw, fixedpoint, rule.raw, context.symbol(name))
    withExtendedLifetime(rule) {}
    try context.check()
  }

  private func apply(
    _ declaration: Z3_func_decl, _ arguments: [Expression]
  ) throws(SolverError) -> Expression {
    try withExtendedLifetime(arguments) { () throws(SolverError) in
      let handles: [Z3_ast?] = arguments.map(\.raw)
      return try context.own(
        Z3_mk_app(context.raw, declaration, UInt32(handles.count), handles))
    }
  }

  /// The clauses and the question as SMT-LIB.
  private func text(_ goal: Expression) -> String {
    var goals: [Z3_ast?] = [goal.raw]
    return withExtendedLifetime(goal) {
      String(cString: Z3_fixedpoint_to_string(context.raw, fixedpoint, 1, &goals))
    }
  }

  func ask() throws(SolverError) -> SolverAnswer {
    let goal = try apply(bad, [])
    prover.note("spacer-\(name)", text(goal))
    let answer = withExtendedLifetime(goal) {
      Z3_fixedpoint_query(context.raw, fixedpoint, goal.raw)
    }
    switch answer {
    case Z3_L_TRUE: return .satisfiable
    case Z3_L_FALSE: return .unsatisfiable
    default:
      return .unknown(
        String(cString: Z3_fixedpoint_get_reason_unknown(context.raw, fixedpoint)))
    }
  }

  /// The invariant that Spacer found, over a state's bits.
  func invariant(_ state: StateBits) throws(SolverError) -> Expression {
    let cover = try context.own(
      Z3_fixedpoint_get_cover_delta(context.raw, fixedpoint, -1, reachable))
    return try withExtendedLifetime((cover, state)) { () throws(SolverError) in
      let handles: [Z3_ast?] = state.all.map(\.raw)
      return try context.own(
        Z3_substitute_vars(context.raw, cover.raw, UInt32(handles.count), handles))
    }
  }

  /// The invariant's clauses over cells; none when it has a shape that is not known here.
  func clauses(_ state: StateBits) throws(SolverError) -> [Formula] {
    let reader = InvariantReader(prover.program, state)
    guard let formula = reader.formula(of: try invariant(state)) else { return [] }
    return if case .and(let parts) = formula { parts } else { [formula] }
  }

  /// The invariant's clauses in the spec's names.
  func readable(_ state: StateBits) throws(SolverError) -> [String] {
    let invariant = try invariant(state)
    let reader = InvariantReader(prover.program, state)
    return reader.clauses(of: invariant)
  }
}
