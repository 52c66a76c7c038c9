import SpecLanguage
import SpecProgram

/// Answers for every reachable state of a scope, without enumerating them.
public final class Prover {
  let context: SolverContext
  let encoder: Encoder
  let program: Program
  let limits: SolverLimits
  /// The claims that proofs may stand on: every `Always` and `Lemma` of the spec.
  let claims: [ResolvedProperty]
  /// Writes each query to a file, when set: name and SMT-LIB text.
  let onQuery: ((String, String) -> Void)?
  /// What has been proved of every reachable state so far; every later query may assume it.
  var facts: [ResolvedProperty] = []
  /// The facts that Spacer may assume in this round.
  var spacerFacts: [ResolvedProperty] = []
  /// Wall time for each of the next queries.
  var milliseconds: UInt32
  /// When no further query is asked.
  private let deadline: ContinuousClock.Instant
  /// Set by a signal: what has not been answered is not asked any more.
  public var isStopped: () -> Bool = { false }
  private var queries = 0

  /// - Parameters:
  ///   - seconds: wall time for everything that is asked.
  ///   - resources: what a single query may cost in libz3's own units; no limit without.
  ///   - onQuery: gets every query as SMT-LIB.
  /// - Throws: when libz3 cannot be used.
  public init(
    _ ground: GroundProgram, seconds: Double = 60, resources: UInt32? = nil,
    onQuery: ((String, String) -> Void)? = nil
  ) throws(SolverError) {
    context = try SolverContext()
    encoder = Encoder(context, ground)
    program = ground.program
    limits = SolverLimits(
      milliseconds: UInt32(min(seconds * 1000, 4_000_000)), resources: resources)
    milliseconds = limits.milliseconds
    deadline = ContinuousClock.now + .milliseconds(Int(limits.milliseconds))
    self.onQuery = onQuery
    claims = program.properties.filter {
      if case .always = $0.property.kind {
        !$0.isBuiltIn && $0.property.expected == nil
      } else {
        false
      }
    }
  }

  /// The version of libz3 in use.
  public static var solverVersion: String { SolverContext.version }

  /// Stops whatever query is running; callable from any thread.
  public var interrupt: @Sendable () -> Void {
    let interrupt = SolverInterrupt(context)
    return { interrupt() }
  }

  func solver() throws(SolverError) -> Solver {
    try Solver(context, logic: "QF_FD", try remainingLimits())
  }

  /// The wall time that the next query may take.
  ///
  /// - Throws: when none is left, or a signal came.
  func remaining() throws(SolverError) -> UInt32 {
    let left = (deadline - ContinuousClock.now).components
    let spare = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
    guard spare > 0 else { throw SolverError(message: "the time limit came first") }
    guard !isStopped() else { throw SolverError(message: "a signal came first") }
    return min(milliseconds, UInt32(min(spare, 4_000_000)))
  }

  func remainingLimits() throws(SolverError) -> SolverLimits {
    SolverLimits(milliseconds: try remaining(), resources: limits.resources)
  }

  func note(
    _ name: String, _ solver: borrowing Solver, assuming assumptions: [Expression] = []
  ) {
    guard onQuery != nil else { return }
    note(name, assumptions.isEmpty ? solver.text : solver.text(assuming: assumptions))
  }

  func note(_ name: String, _ text: @autoclosure () -> String) {
    guard let onQuery else { return }
    queries += 1
    onQuery("\(queries)-\(name)", text())
  }

  func conjunction(
    _ properties: [ResolvedProperty], _ state: StateBits
  ) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for property in properties { parts.append(try encoder.property(property, state)) }
    return try context.and(parts)
  }

  // MARK: Induction

  /// The largest set of claims that hold initially and that every step keeps, found by dropping
  /// what fails until nothing does (Houdini).
  public func inductiveClaims(
    with extra: [ResolvedProperty] = []
  ) throws(SolverError) -> [ResolvedProperty] {
    var kept =
      claims
      + extra.filter { new in
        !claims.contains { $0.property.id == new.property.id }
      }
    kept = try holdingInitially(kept.filter { !isFact($0) })
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    var changed = true
    while changed {
      changed = false
      let solver = try self.solver()
      try solver.assert(try encoder.wellFormed(now))
      try solver.assert(try conjunction(kept + facts, now))
      try solver.assert(try conjunction(facts, next))
      try solver.assert(try encoder.transition(now, next, tag: "step").relation)
      var still: [ResolvedProperty] = []
      for property in kept {
        _ = try remaining()
        solver.push()
        try solver.assert(try context.not(try encoder.property(property, next)))
        note("induction-\(property.property.id)", solver)
        let answer = try solver.check()
        solver.pop()
        if answer == .unsatisfiable { still.append(property) }
      }
      changed = still.count < kept.count
      kept = still
    }
    return kept
  }

  private func isFact(_ property: ResolvedProperty) -> Bool {
    facts.contains { $0.property.id == property.property.id }
  }

  private func holdingInitially(
    _ properties: [ResolvedProperty]
  ) throws(SolverError) -> [ResolvedProperty] {
    let state = try encoder.state("i")
    var kept: [ResolvedProperty] = []
    for property in properties {
      let solver = try self.solver()
      try solver.assert(try encoder.initial(state))
      try solver.assert(try context.not(try encoder.property(property, state)))
      note("initial-\(property.property.id)", solver)
      if try solver.check() == .unsatisfiable { kept.append(property) }
    }
    return kept
  }

  /// The step that keeps `helpers` and the property but breaks the property, if there is one.
  func gap(
    _ property: ResolvedProperty, _ helpers: [ResolvedProperty]
  ) throws(SolverError) -> InductionGap? {
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    let solver = try self.solver()
    try solver.assert(try encoder.wellFormed(now))
    try solver.assert(try conjunction(helpers + facts + [property], now))
    let (relation, selectors) = try encoder.transition(now, next, tag: "step")
    try solver.assert(relation)
    try solver.assert(try context.not(try encoder.property(property, next)))
    note("gap-\(property.property.id)", solver)
    guard try solver.check() == .satisfiable else { return nil }
    let taken = try solver.values(of: selectors).firstIndex(of: true) ?? 0
    return InductionGap(
      before: try encoder.decode(now, solver), label: encoder.steps[taken].label,
      after: try encoder.decode(next, solver))
  }

  /// k-induction on top of what is known to be inductive; `nil` when no k up to `most` does it.
  func kInduction(
    _ property: ResolvedProperty, _ helpers: [ResolvedProperty], most: Int
  ) throws(SolverError) -> Int? {
    for k in 2...max(2, most) {
      guard try noCounterexample(property, within: k - 1) else { return nil }
      let solver = try self.solver()
      var states: [StateBits] = []
      for index in 0...k {
        states.append(try encoder.state("k\(index)"))
        try solver.assert(try encoder.wellFormed(states[index]))
        if index < k {
          try solver.assert(try conjunction(helpers + facts + [property], states[index]))
        }
        if index > 0 {
          let step = try encoder.transition(states[index - 1], states[index], tag: "k\(index)")
          try solver.assert(step.relation)
        }
      }
      try solver.assert(try context.not(try encoder.property(property, states[k])))
      note("k-induction-\(k)-\(property.property.id)", solver)
      switch try solver.check() {
      case .unsatisfiable: return k
      case .satisfiable: continue
      case .unknown: return nil
      }
    }
    return nil
  }

  private func noCounterexample(
    _ property: ResolvedProperty, within depth: Int
  ) throws(SolverError) -> Bool {
    if case .boundedOnly = try bmc(property, depth: depth) { return true }
    return false
  }

  // MARK: Bounded search

  /// Looks for a counterexample of at most `depth` steps, shortest first.
  public func bmc(
    _ property: ResolvedProperty, depth: Int
  ) throws(SolverError) -> ProofOutcome {
    let solver = try self.solver()
    var states = [try encoder.state("b0")]
    var selectors: [[Expression]] = []
    try solver.assert(try encoder.initial(states[0]))
    for step in 0...depth {
      _ = try remaining()
      if step > 0 {
        states.append(try encoder.state("b\(step)"))
        let (relation, chosen) = try encoder.transition(
          states[step - 1], states[step], tag: "b\(step)")
        try solver.assert(relation)
        selectors.append(chosen)
      }
      solver.push()
      try solver.assert(try context.not(try encoder.property(property, states[step])))
      note("bmc-\(step)-\(property.property.id)", solver)
      switch try solver.check() {
      case .satisfiable: return try replay(states, selectors, solver)
      case .unsatisfiable: solver.pop()
      case .unknown(let reason): return .unknown("at depth \(step): \(reason)")
      }
    }
    return .boundedOnly(depth: depth)
  }

  private func replay(
    _ states: [StateBits], _ selectors: [[Expression]], _ solver: borrowing Solver
  ) throws(SolverError) -> ProofOutcome {
    do {
      return .refuted(try replayed(states, selectors, solver))
    } catch {
      return .unknown(error.message)
    }
  }

  /// Reads a run out of a model and lets the interpreter take it.
  func replayed(
    _ states: [StateBits], _ selectors: [[Expression]], _ solver: borrowing Solver
  ) throws(SolverError) -> Trace {
    let interpreter = Interpreter(program)
    var current = try encoder.decode(states[0], solver)
    guard current == program.initial else {
      throw SolverError(
        message: "internal error: the model does not begin in the initial state")
    }
    var steps: [TraceStep] = []
    for (index, chosen) in selectors.enumerated() {
      let next = try encoder.decode(states[index + 1], solver)
      let taken = try solver.values(of: chosen).firstIndex(of: true) ?? 0
      let label = encoder.steps[taken].label
      let found = (try? interpreter.transitions(from: current))?.first {
        $0.label == label && $0.state == next
      }
      guard let found else {
        throw SolverError(
          message: "internal error: the interpreter cannot take step \(index + 1)")
      }
      steps.append(TraceStep(label: found.label, state: found.state))
      current = next
    }
    return Trace(initial: program.initial, steps: steps)
  }
}
