/// The words that an answer can be; each means one thing (design: words that mean one thing).
public enum Verdict: String, Sendable, CaseIterable {
  /// Holds for every reachable state of every size named in the claim.
  case proved = "PROVED"
  /// Holds in every reachable state of the named scope: empty frontier, exact store.
  case exhausted = "EXHAUSTED"
  /// A `Possible` was reached; its trace was replayed by the interpreter.
  case witnessed = "WITNESSED"
  /// There is a counterexample, replayed by the interpreter.
  case violated = "VIOLATED"
  /// A premise was never true, or a `Possible` was not reached by an exhausted search.
  case vacuous = "VACUOUS"
  /// A limit ended the search without an answer.
  case bounded = "BOUNDED"
  /// Random walks found nothing; that proves nothing.
  case sampled = "SAMPLED"
  /// A signal, or another property's answer, ended the search without an answer.
  case interrupted = "INTERRUPTED"
  /// A solver ended without an answer.
  case unknown = "UNKNOWN"
  /// It could not run here.
  case skipped = "SKIPPED"

  /// 0 holds, 1 does not, 3 no answer, 4 not run.
  public var exitCode: ExitStatus {
    switch self {
    case .proved, .exhausted, .witnessed: .success
    case .violated, .vacuous: .failure
    case .bounded, .sampled, .interrupted, .unknown: .noAnswer
    case .skipped: .skipped
    }
  }
}

/// Exit codes; when several apply the first of 70, 2, 74, 1, 3, 4, 0 counts.
public enum ExitStatus: Int32, Sendable, CaseIterable {
  case success = 0
  /// A property is violated or vacuous, or an expectation was not met.
  case failure = 1
  /// The command line, a spec or an input cannot be used.
  case usage = 2
  /// A limit or a signal came before the answer.
  case noAnswer = 3
  case skipped = 4
  /// The tool contradicts itself: always worth a report.
  case internalError = 70
  /// Output cannot be written.
  case outputError = 74

  private var rank: Int {
    switch self {
    case .internalError: 6
    case .usage: 5
    case .outputError: 4
    case .failure: 3
    case .noAnswer: 2
    case .skipped: 1
    case .success: 0
    }
  }

  /// The one of the two that counts.
  public func combined(with other: ExitStatus) -> ExitStatus {
    rank >= other.rank ? self : other
  }
}
