extension Runner {
  /// Runs a test whose end is a race: every way that the backend knows to put the calls together,
  /// up to the limit, each from a fresh start.
  ///
  /// The first way that was not as expected ends the test.
  func run<B: Backend & ~Copyable>(
    _ race: ConformanceTest.Race, of test: ConformanceTest, on backend: inout B
  ) throws(BackendError) -> TestReport {
    var report = TestReport(test: test.id, verdict: .pass, stepsRun: 0)
    for attempt in 0..<mostAttempts {
      try backend.reset()
      var judge = RaceJudge(race, number: test.steps.count + 1, attempt: attempt)
      for (index, step) in test.steps.enumerated() {
        let findings = try run(step, number: index + 1, on: &backend)
        report.stepsRun += 1
        judge.findings += findings.all
        if findings.ends { break }
      }
      guard judge.findings.isEmpty else {
        report.findings = judge.findings
        break
      }
      guard let results = try backend.race(race.threads, attempt: attempt) else { break }
      report.stepsRun += race.threads.reduce(0) { $0 + $1.count }
      var outcomes: [Outcome] = []
      for call in race.then {
        outcomes.append(try backend.perform(call).outcome)
        report.stepsRun += 1
      }
      judge.judge(results.map { $0.map(\.outcome) }, then: outcomes)
      try conclude(test, &judge, on: &backend)
      report.findings = judge.findings
      guard report.findings.isEmpty else { break }
    }
    report.verdict = report.findings.reduce(.pass) { $0.merged(with: $1.verdict) }
    return report
  }

  private func conclude<B: Backend & ~Copyable>(
    _ test: ConformanceTest, _ judge: inout RaceJudge, on backend: inout B
  ) throws(BackendError) {
    let complaints = try complaints(test, on: &backend)
    for complaint in complaints { judge.complain(complaint) }
  }
}

/// What one way of putting calls together showed.
private struct RaceJudge {
  var findings: [Finding] = []
  private let race: ConformanceTest.Race
  private let number: Int
  private let attempt: Int

  init(_ race: ConformanceTest.Race, number: Int, attempt: Int) {
    self.race = race
    self.number = number
    self.attempt = attempt
  }

  private mutating func add(
    _ kind: Finding.Kind, _ subject: String, expected: String, actual: String
  ) {
    let call = race.threads.first?.first ?? Call("race")
    findings.append(
      Finding(
        step: number, call: call, kind: kind, subject: "\(subject) (attempt \(attempt))",
        expected: expected, actual: actual))
  }

  mutating func judge(_ results: [[Outcome]], then outcomes: [Outcome]) {
    guard !race.allowed.contains(where: { $0.accepts(results, then: outcomes) }) else { return }
    let shown = race.allowed.prefix(4).map { "(\($0))" }.joined(separator: " or ")
    let more = race.allowed.count > 4 ? " or \(race.allowed.count - 4) others" : ""
    let actual = ConformanceTest.Race.Answers(
      threads: results.map { $0.map { .exactly($0) } }, then: outcomes.map { .exactly($0) })
    let calls = race.threads.map { $0.map(\.description).joined(separator: ", ") }
    add(
      .divergence, "what came of \(calls.joined(separator: " | "))", expected: shown + more,
      actual: "(\(actual))")
  }

  mutating func complain(_ complaint: String) {
    add(.divergence, Finding.complaint, expected: "nothing", actual: complaint)
  }
}
