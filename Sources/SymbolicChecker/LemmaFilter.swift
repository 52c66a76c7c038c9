import SpecLanguage
import SpecProgram

/// Finds candidates that, with the goals, hold initially and are kept by every step.
///
/// It is Houdini on demand. A goal that a step breaks calls for another candidate that excludes the
/// state before; that one has to be kept as well. A candidate that a step breaks in a state that
/// all candidates allow is dropped, and nothing may stand on it. What is left at the end is proved
/// by one pass over all rules in which every question was answered with unsatisfiable.
final class LemmaFilter {
  let questions: StepQuestions
  /// Candidates that were not broken so far.
  private(set) var alive: [Bool]
  /// Candidates that the goals stand on, in the order in which they were called for.
  private(set) var needed: [Int] = []
  /// For each goal that was dropped, the step that did it.
  private(set) var gaps: [Int: InductionGap] = [:]
  /// How many questions were asked.
  private(set) var asked = 0
  /// Candidates that are known to be inductive together.
  private let given: Set<Int>
  private let solver: Solver
  /// For each candidate that was called for, an assumption that it holds.
  private var switches: [Int: Expression] = [:]
  private var names = 0
  /// How many of the states that were met each candidate does not allow.
  private var refused: [Int]
  private let checkTime: () throws(SolverError) -> Void

  private var ground: GroundProgram { questions.ground }
  private var context: SolverContext { questions.context }

  /// - Parameters:
  ///   - needed: the goals and, if they are known, candidates that they need.
  ///   - given: candidates that are inductive together, so that nothing is asked about them.
  ///   - checkTime: throws when there is none left.
  init(
    _ questions: StepQuestions, needed: [Int], given: Set<Int>, _ solver: consuming Solver,
    _ checkTime: @escaping () throws(SolverError) -> Void
  ) throws(SolverError) {
    self.questions = questions
    self.checkTime = checkTime
    self.given = given
    refused = questions.candidates.map { _ in 0 }
    let initial = questions.ground.program.initial
    let cells = questions.ground.program.cells
    alive = questions.candidates.map { $0.holds(in: initial, cells) }
    self.solver = solver
    try self.solver.assert(try questions.encoder.wellFormed(questions.state))
    for number in needed where alive[number] { try call(for: number) }
  }

  /// The candidates that are inductive together, goals included.
  var inductive: [Int] { needed.filter { alive[$0] } }

  private func call(for candidate: Int) throws(SolverError) {
    needed.append(candidate)
    switches[candidate] = try context.variable("a\(candidate)")
    try assume(candidate)
  }

  /// The candidate holds, if its assumption does.
  private func assume(_ candidate: Int) throws(SolverError) {
    guard let assumption = switches[candidate] else { return }
    let statement = try questions.statement(questions.candidates[candidate])
    try solver.assert(try context.implies(assumption, statement))
  }

  /// - Throws: when time is up or libz3 does not know; nothing is claimed then.
  func run() throws(SolverError) {
    // How many of `needed` were looked at since the last whole pass began.
    var settled = 0
    // What stood on a dropped candidate has to be looked at again.
    var isDropped = false
    while true {
      let isWhole = settled == 0
      if isWhole { isDropped = false }
      let called = needed.count
      let fresh = Set(needed[settled...]).subtracting(given)
      for rule in ground.rules {
        try checkTime()
        if try settle(rule, fresh, mistakes: isWhole) { isDropped = true }
      }
      settled = called
      guard needed.count == called else { continue }
      if !isDropped { return }
      settled = 0
    }
  }

  /// Makes sure that the rule keeps the candidates in `fresh` that are left.
  ///
  /// - Returns: whether a candidate had to be dropped.
  private func settle(
    _ rule: GroundRule, _ fresh: Set<Int>, mistakes: Bool
  ) throws(SolverError) -> Bool {
    if rule.fault != nil { return mistakes ? try avoid(rule) : false }
    let violations = try questions.violations(by: rule) { fresh.contains($0) && alive[$0] }
    guard !violations.isEmpty else { return false }
    let before = needed.count
    solver.push()
    try solver.assert(try questions.guardCondition(rule))
    var selectors: [Expression] = []
    for violation in violations {
      names += 1
      let selector = try context.variable("w\(names)")
      selectors.append(selector)
      try solver.assert(try context.implies(selector, violation.condition))
    }
    try solver.assert(try context.or(selectors))
    var isDropped = false
    while let state = try counterexample() {
      let next = rule.successor(of: state, ground.program.cells)
      let cells = questions.concerned(by: rule, in: next) { fresh.contains($0) && alive[$0] }
      if let helper = helper(against: state, about: cells) {
        try call(for: helper)
        continue
      }
      let broken = questions.broken(by: rule, in: next).filter { alive[$0] && !given.contains($0) }
      guard !broken.isEmpty else {
        throw SolverError(message: "internal error: a model breaks nothing")
      }
      isDropped = true
      let fallen = gaps.count
      for candidate in broken {
        alive[candidate] = false
        gaps[candidate] = InductionGap(
          before: state, label: rule.label, after: next, fallenBefore: fallen)
      }
      for (violation, selector) in zip(violations, selectors) where !alive[violation.candidate] {
        try solver.assert(try context.not(selector))
      }
    }
    solver.pop()
    for candidate in needed[before...] { try assume(candidate) }
    return isDropped
  }

  /// Makes sure that a mistake of the spec is not possible; if it is, no goal is left.
  ///
  /// - Returns: whether the goals were dropped.
  private func avoid(_ rule: GroundRule) throws(SolverError) -> Bool {
    let before = needed.count
    solver.push()
    try solver.assert(try questions.guardCondition(rule))
    let concerned = questions.concerned(by: rule, in: nil) { _ in false }
    var isPossible = false
    while let state = try counterexample() {
      guard let helper = helper(against: state, about: concerned) else {
        isPossible = true
        break
      }
      try call(for: helper)
    }
    solver.pop()
    for candidate in needed[before...] { try assume(candidate) }
    guard isPossible, alive.contains(true) else { return false }
    alive = alive.map { _ in false }
    return true
  }

  /// A state that everything called for allows, and that satisfies what was asserted.
  private func counterexample() throws(SolverError) -> [Int]? {
    try checkTime()
    asked += 1
    let assumptions = needed.compactMap { alive[$0] ? switches[$0] : nil }
    switch try solver.check(assuming: assumptions) {
    case .unsatisfiable: return nil
    case .satisfiable: return try questions.encoder.decode(questions.state, solver)
    case .unknown(let reason): throw SolverError(message: reason)
    }
  }

  /// A candidate that does not allow the state, for a reason that has as little as possible to do
  /// with cells other than these; of several, the one that most often was of use.
  private func helper(against state: [Int], about cells: Set<Int>) -> Int? {
    helper(against: state, about: cells) { self.given.contains($0) }
      ?? helper(against: state, about: cells) { !self.given.contains($0) }
  }

  private func helper(
    against state: [Int], about cells: Set<Int>, _ isWanted: (Int) -> Bool
  ) -> Int? {
    var best: (candidate: Int, strange: Int)?
    for (number, candidate) in questions.candidates.enumerated()
    where alive[number] && switches[number] == nil && isWanted(number) {
      guard let clause = candidate.clause(against: state) else { continue }
      refused[number] += 1
      let strange = Set(clause.cells).subtracting(cells).count
      guard let known = best else {
        best = (number, strange)
        continue
      }
      let isBetter =
        strange == known.strange
        ? refused[number] > refused[known.candidate] : strange < known.strange
      if isBetter { best = (number, strange) }
    }
    return best?.candidate
  }
}
