import SpecLanguage
import SpecProgram

/// What one claim's induction step, and its base, stand on; nothing in it can be left out.
public struct ClaimCore: Sendable {
  public let claim: Property
  /// The other claims that are assumed before the step.
  public let lemmas: [Property]
  /// The conditions of actions that keep steps from breaking it.
  public let guards: [GuardSwitch]
  /// The variables whose initial values make it hold at first.
  public let initial: [NamedVariable]
  /// Whether the claim itself is assumed before the step.
  public let assumesItself: Bool
}

/// Why there is no core.
public enum CoreFailure: Error, Hashable, Sendable {
  /// The claim is not inductive together with the spec's other claims.
  case notInductive
  case noAnswer(String)
}

/// The minimal core of an inductive proof: the claim's own, and that of every claim it stands on.
public final class CoreFinder {
  private let prover: Prover
  private let switches: [GuardSwitch]
  private var inductive: [ResolvedProperty] = []
  private var program: Program { prover.program }
  private var encoder: Encoder { prover.encoder }
  private var context: SolverContext { prover.context }

  /// - Parameters:
  ///   - prover: of the spec with switches at its guards.
  ///   - switches: as `withGuardSwitches()` gave them.
  public init(_ prover: Prover, _ switches: [GuardSwitch]) {
    self.prover = prover
    self.switches = switches
  }

  /// The cores of the claim and of all claims that its proof stands on, the claim first.
  ///
  /// - Throws: `CoreFailure`.
  public func cores(of id: String) throws(CoreFailure) -> [ClaimCore] {
    do throws(SolverError) {
      return try found(id)
    } catch {
      if error.message == Self.notInductive { throw .notInductive }
      throw .noAnswer(error.message)
    }
  }

  private static let notInductive = "not inductive"

  private func found(_ id: String) throws(SolverError) -> [ClaimCore] {
    let all = try prover.largestInductiveSet(
      prover.claims.map { Candidate($0, encoder) } + [switchesOff], "core")
    let kept = Set(all.kept.map(\.name))
    inductive = prover.claims.filter { kept.contains($0.property.id) }
    guard let first = inductive.first(where: { $0.property.id == id }) else {
      throw SolverError(message: all.doubt ?? Self.notInductive)
    }
    var result: [ClaimCore] = []
    var open = [first]
    var seen: Set<String> = [id]
    while !open.isEmpty {
      let core = try self.core(of: open.removeFirst())
      result.append(core)
      for lemma in core.lemmas where seen.insert(lemma.id).inserted {
        open += inductive.filter { $0.property.id == lemma.id }
      }
    }
    return result
  }

  /// Nothing writes a switch and all are off at first.
  private var switchesOff: Candidate {
    Candidate("switches") { [self] state throws(SolverError) in
      var parts: [Expression] = []
      for index in switches.indices { parts.append(try off(index, state)) }
      return try context.and(parts)
    }
  }

  private func off(_ index: Int, _ state: StateBits) throws(SolverError) -> Expression {
    let id = switches[index].variable
    guard let cell = program.cells.firstIndex(where: { $0.role == .variable(id) }) else {
      throw SolverError(message: "a switch has no cell")
    }
    return try encoder.cell(cell, is: 0, state)
  }

  // MARK: One claim

  private func core(of claim: ResolvedProperty) throws(SolverError) -> ClaimCore {
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    let solver = try prover.solver()
    try solver.assert(try encoder.wellFormed(now))
    try solver.assert(try encoder.transition(now, next, tag: "step").relation)
    try solver.assert(try context.not(try encoder.property(claim, next)))
    let helpers = inductive.filter { $0.property.id != claim.property.id } + [claim]
    var assumptions: [Expression] = []
    // Guards come last, so that lemmas are tried to be left out first.
    for (index, helper) in helpers.enumerated() {
      let selector = try context.variable("core_claim\(index)")
      try solver.assert(
        try context.implies(selector, try encoder.property(helper, now)))
      assumptions.append(selector)
    }
    for index in switches.indices { assumptions.append(try off(index, now)) }
    let needed = try minimal(assumptions, solver, "core-\(claim.property.id)")
    let own = helpers.count - 1
    return ClaimCore(
      claim: claim.property,
      lemmas: needed.filter { $0 < own }.map { helpers[$0].property },
      guards: needed.filter { $0 > own }.map { switches[$0 - helpers.count] },
      initial: try initialCore(of: claim), assumesItself: needed.contains(own))
  }

  private func initialCore(of claim: ResolvedProperty) throws(SolverError) -> [NamedVariable] {
    let state = try encoder.state("i")
    let solver = try prover.solver()
    try solver.assert(try encoder.wellFormed(state))
    try solver.assert(try context.not(try encoder.property(claim, state)))
    let variables = program.spec.variables.filter { variable in
      !switches.contains { $0.variable == variable.declaration.id }
    }
    var assumptions: [Expression] = []
    for (index, variable) in variables.enumerated() {
      let selector = try context.variable("core_initial\(index)")
      for (cell, info) in program.cells.enumerated()
      where info.role == .variable(variable.declaration.id) {
        let start = try encoder.cell(cell, is: program.initial[cell], state)
        try solver.assert(try context.implies(selector, start))
      }
      assumptions.append(selector)
    }
    // Threads are idle and the switches off whatever the spec says.
    for (cell, info) in program.cells.enumerated() {
      if case .variable(let id) = info.role,
        variables.contains(where: { $0.declaration.id == id })
      {
        continue
      }
      try solver.assert(try encoder.cell(cell, is: program.initial[cell], state))
    }
    let needed = try minimal(assumptions, solver, "core-initial-\(claim.property.id)")
    return needed.map { variables[$0] }
  }

  /// A set of assumptions that contradicts what is asserted, and that does not without any of
  /// them: the solver's core, from which everything is tried to be left out.
  private func minimal(
    _ assumptions: [Expression], _ solver: borrowing Solver, _ name: String
  ) throws(SolverError) -> [Int] {
    let all = Array(assumptions.indices)
    guard var core = try contradiction(all, assumptions, solver, name) else {
      throw SolverError(message: Self.notInductive)
    }
    for candidate in core where core.contains(candidate) {
      let rest = core.filter { $0 != candidate }
      if let smaller = try contradiction(rest, assumptions, solver, name) { core = smaller }
    }
    return core
  }

  /// The part of the chosen assumptions that the solver needed, or `nil` when they can all hold.
  private func contradiction(
    _ chosen: [Int], _ assumptions: [Expression], _ solver: borrowing Solver, _ name: String
  ) throws(SolverError) -> [Int]? {
    try solver.limit(try prover.remainingLimits())
    let own = chosen.map { assumptions[$0] }
    prover.note(name, solver, assuming: own)
    switch try solver.check(assuming: own) {
    case .satisfiable: return nil
    case .unsatisfiable: return try solver.core(of: own).map { chosen[$0] }
    case .unknown(let reason): throw SolverError(message: reason)
    }
  }
}
