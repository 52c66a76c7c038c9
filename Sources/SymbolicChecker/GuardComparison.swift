import SpecLanguage
import SpecProgram

/// A step that two specs treat differently in the same state.
public struct GuardDifference: Sendable {
  /// The call with its arguments, and the thread that makes it.
  public let call: String
  public let thread: Int?
  /// What each spec does: "allows it", "answers -EIO", "waits".
  public let first: String
  public let second: String
  /// The cells that the two conditions look at, with their values, in both specs' order.
  public let state: [(cell: String, value: String)]
  /// Whether both interpreters were asked and agree.
  public let isReplayed: Bool
}

/// A step of an action that both specs have.
public struct GuardRow: Sendable {
  public enum Answer: Sendable {
    case equivalent
    case different(GuardDifference)
    case unknown(String)
  }

  public let action: String
  public let step: String
  public let location: SourceLocation?
  public let answer: Answer
}

/// What only one of two specs has.
public struct GuardLeftovers: Sendable {
  public let actions: [String]
  public let variables: [String]
  public let steps: [String]
}

/// Compares the conditions of the steps that two specs have in common.
public final class GuardComparison {
  private let prover: Prover
  private let one: Encoder
  private let two: Encoder
  private let a: StateBits
  private let b: StateBits

  /// - Parameters:
  ///   - prover: of the first spec; its limits count.
  ///   - other: the second spec at the same sizes.
  /// - Throws: when libz3 cannot be used.
  public init(_ prover: Prover, _ other: GroundProgram) throws(SolverError) {
    self.prover = prover
    one = prover.encoder
    two = Encoder(prover.context, other)
    a = try one.state("a")
    b = try two.state("b")
  }

  // MARK: Names

  public var onlyInFirst: GuardLeftovers { leftovers(one.ground, two.ground) }
  public var onlyInSecond: GuardLeftovers { leftovers(two.ground, one.ground) }

  private func leftovers(_ ground: GroundProgram, _ other: GroundProgram) -> GuardLeftovers {
    let actions = Set(other.program.spec.actions.map(\.name))
    let variables = Set(other.program.spec.variables.map(\.name))
    let own = ground.program.spec
    let steps = Set(Steps(other).keys)
    return GuardLeftovers(
      actions: own.actions.map(\.name).filter { !actions.contains($0) },
      variables: own.variables.map(\.name).filter { !variables.contains($0) },
      steps: Steps(ground).keys.filter {
        actions.contains($0.step.action) && !steps.contains($0)
      }.map { "\($0.step.action): \($0.text)" })
  }

  // MARK: Comparison

  /// Asks about every common step, in the first spec's order.
  public func compare(_ row: (GuardRow) throws -> Void) throws {
    let (left, right) = (Steps(one.ground), Steps(two.ground))
    let others = Set(right.keys)
    let common = left.keys.filter(others.contains)
    func report(_ key: StepKey, _ answer: GuardRow.Answer) throws {
      try row(
        GuardRow(
          action: key.step.action, step: key.text, location: left.location(of: key),
          answer: answer))
    }
    let solver: Solver
    do throws(SolverError) {
      solver = try linked()
    } catch {
      for key in common { try report(key, .unknown(error.message)) }
      return
    }
    for key in common {
      let answer: GuardRow.Answer
      do throws(SolverError) {
        answer = try difference(left, right, key, solver)
      } catch {
        answer = .unknown(error.message)
      }
      try report(key, answer)
    }
  }

  private func linked() throws(SolverError) -> Solver {
    let solver = try prover.solver()
    try solver.assert(try StateLink(one, two).relation(a, b))
    return solver
  }

  private func difference(
    _ left: Steps, _ right: Steps, _ key: StepKey, _ solver: borrowing Solver
  ) throws(SolverError) -> GuardRow.Answer {
    let cases = left.cases(key).union(right.cases(key)).sorted { "\($0)" < "\($1)" }
    var differs: [Expression] = []
    for one in cases {
      let x = try self.one.formula(left.formula(key, one), a)
      let y = try two.formula(right.formula(key, one), b)
      differs.append(try prover.context.not(try prover.context.iff(x, y)))
    }
    solver.push()
    defer { solver.pop() }
    try solver.assert(try prover.context.or(differs))
    try solver.limit(try prover.remainingLimits())
    prover.note("guards-\(key.step.action)", solver)
    switch try solver.check() {
    case .unsatisfiable: return .equivalent
    case .unknown(let reason): return .unknown(reason)
    case .satisfiable: break
    }
    let hits = try solver.values(of: differs)
    guard let hit = hits.firstIndex(of: true) else { return .unknown("the model shows nothing") }
    let states = (try one.decode(a, solver), try two.decode(b, solver))
    return .different(describe(left, right, key, cases[hit], states))
  }

  private func describe(
    _ left: Steps, _ right: Steps, _ key: StepKey, _ one: StepCase,
    _ states: ([Int], [Int])
  ) -> GuardDifference {
    let first = left.behaviour(key, one, states.0)
    let second = right.behaviour(key, one, states.1)
    var shown: [(cell: String, value: String)] = []
    for (steps, state) in [(left, states.0), (right, states.1)] {
      for cell in steps.support(key, one) {
        let program = steps.ground.program
        guard case .variable = program.cells[cell].role else { continue }
        let name = program.cells[cell].name
        if !shown.contains(where: { $0.cell == name }) {
          shown.append((name, program.value(of: cell, in: state)))
        }
      }
    }
    let replays =
      left.interpreted(key, one, states.0) == first
      && right.interpreted(key, one, states.1) == second
    return GuardDifference(
      call: left.call(key, one) ?? right.call(key, one) ?? key.step.action, thread: one.thread,
      first: first, second: second, state: shown, isReplayed: replays)
  }
}
