/// What a test showed.
public enum Verdict: Hashable, Sendable {
  /// Every step answered and looked as expected.
  case pass
  /// The system did something that the test forbids.
  case fail(String)
  /// The test could not decide: something could not be seen, or a legal answer left its path.
  case inconclusive(String)
  /// The test did not run, and why; it is never counted as a pass.
  case skipped(String)

  /// The reason, or nil for a pass.
  public var reason: String? {
    switch self {
    case .pass: nil
    case .fail(let reason), .inconclusive(let reason), .skipped(let reason): reason
    }
  }

  /// `PASS`, `FAIL`, `INCONCLUSIVE` or `SKIP`, as KTAP and JUnit readers know them.
  public var word: String {
    switch self {
    case .pass: "PASS"
    case .fail: "FAIL"
    case .inconclusive: "INCONCLUSIVE"
    case .skipped: "SKIP"
    }
  }

  private var rank: Int {
    switch self {
    case .pass: 0
    case .skipped: 1
    case .inconclusive: 2
    case .fail: 3
    }
  }

  /// The worse of two verdicts: fail, then inconclusive, then skipped, then pass.
  ///
  /// A pass never hides a skip. Reasons of two verdicts of the same kind are joined, each once.
  public func merged(with other: Verdict) -> Verdict {
    guard rank == other.rank else { return rank > other.rank ? self : other }
    guard let mine = reason, let theirs = other.reason, mine != theirs else { return self }
    let joined = mine + "; " + theirs
    switch self {
    case .pass: return self
    case .fail: return .fail(joined)
    case .inconclusive: return .inconclusive(joined)
    case .skipped: return .skipped(joined)
    }
  }

  /// The merged verdict of several; nil when there are none, which is not a pass.
  public static func merged(_ verdicts: some Sequence<Verdict>) -> Verdict? {
    verdicts.reduce(nil) { result, next in result?.merged(with: next) ?? next }
  }
}

extension Verdict: CustomStringConvertible {
  /// The word, and the reason where there is one.
  public var description: String { reason.map { "\(word): \($0)" } ?? word }
}
