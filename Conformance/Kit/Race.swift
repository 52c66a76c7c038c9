extension ConformanceTest {
  /// Calls that several threads make at once, after the test's steps.
  ///
  /// The backend tries one way after another to put them together, each from a fresh start. Each
  /// time, what all of them answered must be one of the allowed combinations.
  public struct Race: Hashable, Sendable {
    /// What each thread calls, in order; at least two threads.
    public var threads: [[Call]]
    /// Calls of one thread afterwards, which show what state was reached.
    public var then: [Call]
    /// Every combination of answers that the specification allows.
    public var allowed: [Answers]

    /// Calls at once, with everything that may come of them.
    public init(threads: [[Call]], then: [Call] = [], allowed: [Answers]) {
      self.threads = threads
      self.then = then
      self.allowed = allowed
    }

    /// One combination of answers.
    public struct Answers: Hashable, Sendable {
      /// For each thread and each of its calls.
      public var threads: [[ExpectedOutcome]]
      /// For each of the calls afterwards.
      public var then: [ExpectedOutcome]

      /// A combination.
      public init(threads: [[ExpectedOutcome]], then: [ExpectedOutcome] = []) {
        self.threads = threads
        self.then = then
      }

      /// Whether these answers are the ones of this combination.
      public func accepts(_ results: [[Outcome]], then outcomes: [Outcome]) -> Bool {
        Self.accept(then, outcomes) && threads.count == results.count
          && zip(threads, results).allSatisfy { Self.accept($0, $1) }
      }

      private static func accept(_ expected: [ExpectedOutcome], _ actual: [Outcome]) -> Bool {
        expected.count == actual.count && zip(expected, actual).allSatisfy { $0.accepts($1) }
      }
    }
  }
}

extension ConformanceTest.Race.Answers: CustomStringConvertible {
  /// `0, -EBUSY | success, then -EIO`.
  public var description: String {
    let each = threads.map { $0.map(\.description).joined(separator: ", ") }
    let text = each.joined(separator: " | ")
    guard !then.isEmpty else { return text }
    return text + ", then " + then.map(\.description).joined(separator: ", ")
  }
}

extension ConformanceTest.Race: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case threads
    case then
    case allowed
  }

  /// Reads `{"threads": [[call], [call]], "then": [call], "allowed": [[["success"], ...]]}`: each
  /// allowed combination has the answers of each thread, then those of the calls afterwards.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    let threads = try fields.nonEmpty(.threads, [Call].self)
    guard threads.count >= 2, threads.allSatisfy({ !$0.isEmpty }) else {
      throw fields.error(.threads, "must be at least two, each with a call")
    }
    let then: [Call] = try fields.field(.then, default: [])
    let rows = try fields.nonEmpty(.allowed, [[ExpectedOutcome]].self)
    let lengths = threads.map(\.count) + [then.count]
    guard rows.allSatisfy({ $0.map(\.count) == lengths }) else {
      throw fields.error(
        .allowed, "must have an answer for each call of each thread and for each afterwards")
    }
    self.init(
      threads: threads, then: then,
      allowed: rows.map { .init(threads: Array($0.dropLast()), then: $0.last ?? []) })
  }

  /// Writes the race; no calls afterwards are left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(threads, forKey: .threads)
    try fields.encodeUnlessEmpty(then, .then)
    try fields.encode(allowed.map { $0.threads + [$0.then] }, forKey: .allowed)
  }
}
