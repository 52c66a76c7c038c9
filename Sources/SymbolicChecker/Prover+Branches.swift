import SpecLanguage
import SpecProgram

extension Prover {
  /// Which of the branches can be taken: by induction with the spec's claims, then by a search for
  /// shortest runs, then by Spacer.
  ///
  /// - Parameters:
  ///   - depth: the most steps of a run.
  ///   - answer: gets each branch once, as soon as it is decided; the rest at the end.
  public func decide(
    _ branches: [Branch], depth: Int, _ answer: (Branch, BranchAnswer) throws -> Void
  ) throws {
    let search = BranchSearch(prover: self, open: branches, depth: depth)
    for round in BranchSearch.Round.allCases {
      search.take(round)
      for (branch, found) in search.takeDecided() { try answer(branch, found) }
    }
    for branch in search.open { try answer(branch, search.noAnswer) }
  }
}

/// The branches that are not decided yet, and what was tried.
private final class BranchSearch {
  enum Round: CaseIterable { case impossible, induction, runs, spacer }

  private let prover: Prover
  private(set) var open: [Branch]
  private let depth: Int
  /// The runs of so many steps were all looked at.
  private var searched: Int?
  /// How many questions about runs were asked.
  private var asked = 0
  private(set) var reason = "no method answers"
  /// No step out of a reachable state is a mistake of the spec.
  private var isDefined = false
  private var decided: [(Branch, BranchAnswer)] = []

  init(prover: Prover, open: [Branch], depth: Int) {
    self.prover = prover
    self.open = open
    self.depth = depth
  }

  private var encoder: Encoder { prover.encoder }
  private var context: SolverContext { prover.context }
  private var ground: GroundProgram { prover.encoder.ground }

  var noAnswer: BranchAnswer {
    searched.map { .boundedOnly(depth: $0, reason) } ?? .unknown(reason)
  }

  /// What was decided since the last time.
  func takeDecided() -> [(Branch, BranchAnswer)] {
    defer { decided = [] }
    return decided
  }

  private func settle(_ branch: Branch, _ answer: BranchAnswer) {
    open.removeAll { $0 == branch }
    decided.append((branch, answer))
  }

  // MARK: Rounds

  func take(_ round: Round) {
    do throws(SolverError) {
      switch round {
      case .impossible: lookForImpossible()
      case .induction: try induction()
      case .runs: try findRuns()
      case .spacer: try spacer()
      }
    } catch {
      reason = error.message
    }
  }

  private func lookForImpossible() {
    for branch in open where ground.formula(of: branch) == .no {
      settle(branch, .unreachable(.impossible))
    }
  }

  private func induction() throws(SolverError) {
    let defined = self.defined
    var candidates = [defined]
    for claim in prover.claims { candidates.append(Candidate(claim, encoder)) }
    let own = open.enumerated().map { (never($0.element, $0.offset), $0.element) }
    let found = try prover.largestInductiveSet(candidates + own.map(\.0), "branches")
    let names = Set(found.kept.map(\.name))
    if let doubt = found.doubt { reason = doubt }
    // A spec whose steps are undefined has no proofs.
    isDefined = names.contains(defined.name)
    guard isDefined else {
      reason = "some step may be a mistake of the spec"
      return
    }
    for (candidate, branch) in own where names.contains(candidate.name) {
      settle(branch, .unreachable(.induction))
    }
  }

  private func spacer() throws(SolverError) {
    guard isDefined else { return }
    for (number, branch) in open.enumerated() {
      prover.milliseconds = max(try prover.remaining() / UInt32(open.count), 1)
      defer { prover.milliseconds = prover.limits.milliseconds }
      let never = self.never(branch, number)
      let query = try HornQuery(prover, never)
      switch try query.ask() {
      case .unsatisfiable:
        let now = try encoder.state("s")
        let next = try encoder.state("t")
        if try prover.isInvariant(query, never, now, next) {
          settle(branch, .unreachable(.spacer))
        }
      case .satisfiable: continue
      case .unknown: reason = "Spacer has no answer in its time"
      }
    }
  }

  // MARK: Conditions

  /// No step out of the state is a mistake of the spec.
  private var defined: Candidate {
    let faults = ground.rules.filter { $0.fault != nil }.map(\.guardFormula)
    let formula = Formula.disjunction(faults).negated
    let encoder = encoder
    return Candidate("defined") { state throws(SolverError) in
      try encoder.formula(formula, state)
    }
  }

  private func never(_ branch: Branch, _ number: Int) -> Candidate {
    let formula = ground.formula(of: branch).negated
    let encoder = encoder
    return Candidate("never-\(number)") { state throws(SolverError) in
      try encoder.formula(formula, state)
    }
  }

  // MARK: Runs

  /// Lengthens one run step by step and asks at each length which open branch can end it.
  private func findRuns() throws(SolverError) {
    // Half of the time is for proofs that no run is long enough.
    let deadline = ContinuousClock.now + .milliseconds(Int(try prover.remaining() / 2))
    let solver = try prover.solver()
    var states = [try encoder.state("b0")]
    var selectors: [[Expression]] = []
    try solver.assert(try encoder.initial(states[0]))
    for length in 0..<depth {
      if length > 0 {
        states.append(try encoder.state("b\(length)"))
        let step = try encoder.transition(states[length - 1], states[length], tag: "b\(length)")
        try solver.assert(step.relation)
        selectors.append(step.selectors)
      }
      while !open.isEmpty {
        guard ContinuousClock.now < deadline else {
          reason = "the time for runs is over"
          return
        }
        guard try next(solver, states, selectors, length) else { break }
      }
      searched = length + 1
      if open.isEmpty { return }
    }
    reason = "no run of \(depth) steps"
  }

  /// Asks for a run that ends with any open branch.
  ///
  /// - Returns: whether there was one.
  private func next(
    _ solver: borrowing Solver, _ states: [StateBits], _ selectors: [[Expression]],
    _ length: Int
  ) throws(SolverError) -> Bool {
    let branches = open
    var goals: [Expression] = []
    for branch in branches {
      goals.append(try encoder.formula(ground.formula(of: branch), states[length]))
    }
    // An assumption rather than a scope: what the solver learns is kept.
    asked += 1
    let goal = try context.variable("goal\(asked)")
    try solver.assert(try context.implies(goal, try context.or(goals)))
    try solver.limit(try prover.remainingLimits())
    prover.note("branches-run-\(length + 1)", solver, assuming: [goal])
    switch try solver.check(assuming: [goal]) {
    case .unsatisfiable: return false
    case .unknown(let reason): throw SolverError(message: "at \(length + 1) steps: \(reason)")
    case .satisfiable: break
    }
    let hits = try solver.values(of: goals)
    let prefix = try prover.replayed(states, selectors, solver)
    for (branch, hit) in zip(branches, hits) where hit {
      settle(branch, end(prefix, with: branch))
    }
    return true
  }

  /// Lets the interpreter take the last step.
  private func end(_ prefix: Trace, with branch: Branch) -> BranchAnswer {
    let interpreter = Interpreter(prover.program)
    let last = (try? interpreter.transitions(from: prefix.last))?.first {
      branch.isTaken(by: $0.label)
    }
    guard let last else {
      return .unknown("internal error: the interpreter cannot take the last step")
    }
    let step = TraceStep(label: last.label, state: last.state)
    return .reachable(Trace(initial: prefix.initial, steps: prefix.steps + [step]))
  }
}
