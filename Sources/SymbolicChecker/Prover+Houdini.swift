import SpecLanguage
import SpecProgram

/// Something that may hold in every reachable state.
struct Candidate {
  /// For people and for file names.
  let name: String
  let holds: (StateBits) throws(SolverError) -> Expression

  init(_ name: String, _ holds: @escaping (StateBits) throws(SolverError) -> Expression) {
    self.name = name
    self.holds = holds
  }

  init(_ property: ResolvedProperty, _ encoder: Encoder) {
    self.init(property.property.id) { state throws(SolverError) in
      try encoder.property(property, state)
    }
  }
}

/// What is left of candidates after those that fail were dropped.
struct InductiveSet {
  /// They hold initially, and every step keeps them together.
  let kept: [Candidate]
  /// Why the solver could not answer for some of those dropped; `nil` when every drop is due to a
  /// step or to the initial state.
  let doubt: String?
}

extension Prover {
  /// The largest set of candidates that hold initially and that every step keeps (Houdini), as
  /// `inductiveClaims`, but it tells a candidate that fails from one without an answer.
  func largestInductiveSet(
    _ candidates: [Candidate], _ name: String
  ) throws(SolverError) -> InductiveSet {
    var doubt: String?
    var kept = try holdingInitially(candidates, &doubt)
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    let step = try encoder.transition(now, next, tag: "step").relation
    let wellFormed = try encoder.wellFormed(now)
    var changed = true
    while changed {
      let solver = try self.solver()
      try solver.assert(wellFormed)
      try solver.assert(try conjunction(facts, now))
      try solver.assert(try conjunction(facts, next))
      for candidate in kept { try solver.assert(try candidate.holds(now)) }
      try solver.assert(step)
      var still: [Candidate] = []
      for candidate in kept {
        solver.push()
        try solver.assert(try context.not(try candidate.holds(next)))
        try solver.limit(try remainingLimits())
        note("\(name)-step-\(candidate.name)", solver)
        let answer = try solver.check()
        solver.pop()
        if answer == .unsatisfiable { still.append(candidate) }
        if case .unknown(let reason) = answer { doubt = reason }
      }
      changed = still.count < kept.count
      kept = still
    }
    return InductiveSet(kept: kept, doubt: doubt)
  }

  private func holdingInitially(
    _ candidates: [Candidate], _ doubt: inout String?
  ) throws(SolverError) -> [Candidate] {
    let state = try encoder.state("i")
    let initial = try encoder.initial(state)
    var kept: [Candidate] = []
    for candidate in candidates {
      let solver = try self.solver()
      try solver.assert(initial)
      try solver.assert(try context.not(try candidate.holds(state)))
      note("initial-\(candidate.name)", solver)
      switch try solver.check() {
      case .unsatisfiable: kept.append(candidate)
      case .satisfiable: break
      case .unknown(let reason): doubt = reason
      }
    }
    return kept
  }
}
