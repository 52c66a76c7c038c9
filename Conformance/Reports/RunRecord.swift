import ConformanceKit

/// A run of a suite with everything that a report says of it.
public struct RunRecord: Sendable {
  /// The suite's file, as reports for machines name it.
  public let file: String
  /// What was run; a shard has fewer tests than the file.
  public let suite: ConformanceSuite
  /// What came of it.
  public let report: SuiteReport
  /// By test: what there is to say about how it ended.
  public let notes: [String: [String]]
  /// How skipped tests differ from those that were to be skipped.
  public let skipDifferences: [String]

  /// A record; without notes and differences of skipped tests where there are none.
  public init(
    file: String, suite: ConformanceSuite, report: SuiteReport, notes: [String: [String]] = [:],
    skipDifferences: [String] = []
  ) {
    self.file = file
    self.suite = suite
    self.report = report
    self.notes = notes
    self.skipDifferences = skipDifferences
  }

  /// How a test ended.
  enum Ending: Hashable {
    case judged(Verdict)
    /// The machinery broke, so that the test has no verdict.
    case broken(String)
    /// The run ended before.
    case notRun

    /// `PASS`, `FAIL`, `INCONCLUSIVE`, `SKIP`, `ERROR` or `NOT RUN`.
    var word: String {
      switch self {
      case .judged(let verdict): verdict.word
      case .broken: "ERROR"
      case .notRun: "NOT RUN"
      }
    }

    /// Why, unless it passed.
    var reason: String? {
      switch self {
      case .judged(let verdict): verdict.reason
      case .broken(let message): message
      case .notRun: "the backend broke down too often before"
      }
    }
  }

  /// Every test with how it ended, in the order of the suite.
  var rows: [(test: ConformanceTest, ending: Ending)] {
    var endings: [String: Ending] = [:]
    for test in report.tests { endings[test.test] = .judged(test.verdict) }
    for failure in report.errors { endings[failure.test] = .broken("\(failure.error)") }
    return suite.tests.map { ($0, endings[$0.id] ?? .notRun) }
  }

  /// How many tests ended so, in the order in which they are told.
  public var counts: [(word: String, count: Int)] {
    var counts: [String: Int] = [:]
    for row in rows { counts[row.ending.word, default: 0] += 1 }
    return ["PASS", "FAIL", "INCONCLUSIVE", "SKIP", "ERROR", "NOT RUN"].map {
      ($0, counts[$0] ?? 0)
    }
  }

  /// `120 PASS, 1 FAIL`.
  public var summary: String {
    let some = counts.filter { $0.count > 0 }
    return some.isEmpty ? "no tests" : some.map { "\($0.count) \($0.word)" }.joined(separator: ", ")
  }

  /// The run for people: every test that did not pass, or of which there is something to say, then
  /// the counts.
  public var text: String {
    var lines: [String] = []
    for (test, ending) in rows where ending != .notRun {
      guard ending.word != "PASS" || notes[test.id] != nil else { continue }
      lines.append("\(ending.word)  \(test.id): \(test.purpose)")
      if let reason = ending.reason { lines.append("    \(reason)") }
      lines += (notes[test.id] ?? []).map { "    \($0)" }
    }
    lines += skipDifferences
    lines.append("\(suite.name) on \(report.profile.backend): \(summary)")
    return lines.joined(separator: "\n") + "\n"
  }
}
