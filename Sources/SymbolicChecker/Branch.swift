import SpecLanguage
import SpecProgram

/// One way that a call can go: a check that refuses it, or an answer that it ends with.
public struct Branch: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// The check, an index into the program's, is not met.
    case refusal(check: Int)
    /// The call returns the outcome, an index into the program's.
    case answer(outcome: Int)
  }

  /// Index into the spec's actions.
  public let action: Int
  public let kind: Kind

  func isTaken(by label: TransitionLabel) -> Bool {
    guard label.procedure == action else { return false }
    return switch kind {
    case .refusal(let check): label.refusedBy == check
    case .answer(let outcome): label.outcome == outcome
    }
  }
}

/// Whether a branch can be taken.
public enum BranchAnswer: Sendable {
  /// A shortest run that ends with the branch, replayed by the interpreter.
  case reachable(Trace)
  /// No reachable state allows it.
  case unreachable(BranchProof)
  /// Not within so many steps; beyond, nothing is known.
  case boundedOnly(depth: Int, String)
  case unknown(String)
}

/// How a branch is known never to be taken.
public enum BranchProof: String, Sendable {
  /// Its guard is false in every state, reachable or not.
  case impossible
  /// What is claimed of every reachable state and the other unreachable branches, by induction.
  case induction
  /// An invariant of Spacer's, checked by three independent queries.
  case spacer
}

extension GroundProgram {
  /// Every branch of every action that a thread or the environment may start.
  ///
  /// Answers are those that some unrolled step gives; refusals are all checks.
  public var branches: [Branch] {
    var found: [Branch] = []
    var seen: Set<Branch> = []
    func add(_ branch: Branch) { if seen.insert(branch).inserted { found.append(branch) } }
    for action in program.spec.actions.indices {
      let own = rules.filter { $0.label.procedure == action && $0.fault == nil }
      for outcome in program.outcomes.indices
      where own.contains(where: { $0.label.outcome == outcome }) {
        add(Branch(action: action, kind: .answer(outcome: outcome)))
      }
      for place in program.possibleCoverage where place.procedure == action {
        if let check = place.check { add(Branch(action: action, kind: .refusal(check: check))) }
      }
    }
    return found
  }

  /// The states out of which the branch can be taken.
  func formula(of branch: Branch) -> Formula {
    .disjunction(
      rules.filter { $0.fault == nil && branch.isTaken(by: $0.label) }.map(\.guardFormula))
  }
}

extension Branch {
  /// The answer's name without a sign: `EIO`, `ok`.
  public func outcome(in program: Program) -> Outcome {
    switch kind {
    case .refusal(let check): program.checks[check].outcome
    case .answer(let outcome): program.outcomes[outcome]
    }
  }

  /// The call whose check or answer it is, the calls that it is made in first.
  public func call(in program: Program) -> String {
    switch kind {
    case .refusal(let check): program.checks[check].action
    case .answer: program.spec.actions[action].name
    }
  }
}
