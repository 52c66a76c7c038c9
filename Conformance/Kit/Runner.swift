/// Runs tests on a backend and judges what came back.
///
/// It needs no specification: a test says what is expected. A test that asks for something the
/// backend cannot see ends inconclusive, one that requires something it lacks is skipped.
public struct Runner: Sendable {
  /// What the backend can do, from ``Backend/probe()``.
  public let profile: Profile
  /// How many ways of putting calls together a race is tried in, at most.
  public let mostAttempts: Int

  /// Whether a test that got no answer in time is run once more, which tells a call that never
  /// comes back from a machine that was held up.
  public let triesAgain: Bool

  /// A runner for a backend with this profile.
  public init(profile: Profile, mostAttempts: Int = 1000, triesAgain: Bool = false) {
    self.profile = profile
    self.mostAttempts = mostAttempts
    self.triesAgain = triesAgain
  }

  /// Runs one test from a fresh backend.
  ///
  /// - Throws: ``BackendError`` when the machinery broke; the test then has no verdict.
  public func run<B: Backend & ~Copyable>(
    _ test: ConformanceTest, on backend: inout B
  ) throws(BackendError) -> TestReport {
    var required = test.requires
    if test.race != nil { required.insert(.race) }
    let missing = required.subtracting(profile.capabilities).sorted()
    guard missing.isEmpty else {
      let names = missing.map(\.name).joined(separator: ", ")
      let reason = "\(profile.backend) does not offer \(names)"
      return TestReport(test: test.id, verdict: .skipped(reason), stepsRun: 0)
    }
    if let race = test.race { return try run(race, of: test, on: &backend) }
    guard !test.steps.isEmpty else {
      return TestReport(test: test.id, verdict: .inconclusive("it has no steps"), stepsRun: 0)
    }
    try backend.reset()
    var report = TestReport(test: test.id, verdict: .pass, stepsRun: 0)
    for (index, step) in test.steps.enumerated() {
      let findings = try run(step, number: index + 1, on: &backend)
      report.stepsRun += 1
      report.findings += findings.all
      if findings.ends { break }
    }
    if report.findings.isEmpty, let last = test.steps.last?.call {
      report.findings = try complaints(test, on: &backend).map { complaint in
        Finding(
          step: test.steps.count, call: last, kind: .divergence,
          subject: Finding.complaint, expected: "nothing", actual: complaint)
      }
    }
    report.verdict = report.findings.reduce(.pass) { $0.merged(with: $1.verdict) }
    return report
  }

  /// What the system reports at the test's end, unless the specification lets it, or it cannot be
  /// seen.
  func complaints<B: Backend & ~Copyable>(
    _ test: ConformanceTest, on backend: inout B
  ) throws(BackendError) -> [String] {
    guard profile.capabilities.contains(.complaints), !test.condones else { return [] }
    return try backend.conclude()
  }

  /// Runs every test of a suite; an infrastructure error is recorded and the next test starts.
  ///
  /// - Parameter limit: how many infrastructure errors in a row end the run.
  public func run<B: Backend & ~Copyable>(
    _ suite: ConformanceSuite, on backend: inout B, givingUpAfter limit: Int = 3
  ) -> SuiteReport {
    var report = SuiteReport(suite: suite.name, profile: profile)
    var failuresInRow = 0
    for test in suite.tests {
      do throws(BackendError) {
        report.tests.append(try runAgain(test, on: &backend))
        failuresInRow = 0
      } catch {
        report.errors.append(SuiteReport.Failure(test: test.id, error: error))
        failuresInRow += 1
        if failuresInRow >= limit { break }
      }
    }
    return report
  }

  /// Runs a test, and once more if it got no answer; what the first time showed is kept.
  private func runAgain<B: Backend & ~Copyable>(
    _ test: ConformanceTest, on backend: inout B
  ) throws(BackendError) -> TestReport {
    let first = try run(test, on: &backend)
    guard triesAgain, first.findings.contains(where: { $0.kind == .noAnswer }) else {
      return first
    }
    var second = try run(test, on: &backend)
    second.before = first.findings
    return second
  }
}

extension Runner {
  func run<B: Backend & ~Copyable>(
    _ step: ConformanceTest.Step, number: Int, on backend: inout B
  ) throws(BackendError) -> StepFindings {
    var findings = StepFindings(number: number, call: step.call)
    let before = step.unchanged ? try backend.observe() : [:]
    let result = try backend.perform(step.call)
    guard findings.judge(result.outcome, step) else { return findings }
    for (name, value) in step.written.sorted(by: { $0.key < $1.key }) {
      findings.compare("written \(name)", result.written[name], with: value)
    }
    guard step.unchanged || !step.observe.isEmpty else { return findings }
    let after = try backend.observe()
    for (id, value) in step.observe.sorted(by: { $0.key < $1.key }) {
      findings.compare(id.name, after[id], with: value)
    }
    if step.unchanged { findings.compare(before: before, after: after) }
    return findings
  }
}

/// What one step showed, and whether the test ends with it.
struct StepFindings {
  let number: Int
  let call: Call
  private(set) var all: [Finding] = []
  private(set) var ends = false

  init(number: Int, call: Call) {
    self.number = number
    self.call = call
  }

  /// A divergence ends the test: what follows would be judged from a wrong state.
  private mutating func add(
    _ kind: Finding.Kind, _ subject: String, expected: String, actual: String
  ) {
    let finding = Finding(
      step: number, call: call, kind: kind, subject: subject, expected: expected, actual: actual)
    all.append(finding)
    if kind == .divergence { ends = true }
  }

  /// Whether the outcome is one after which the test goes on.
  mutating func judge(_ outcome: Outcome, _ step: ConformanceTest.Step) -> Bool {
    if step.expect.contains(where: { $0.accepts(outcome) }) { return true }
    let isLegal = step.tolerate.contains { $0.accepts(outcome) }
    let kind: Finding.Kind =
      if isLegal { .leftPath } else if outcome == .timeout { .noAnswer } else { .divergence }
    let expected = step.expect.map(\.description).joined(separator: " or ")
    add(kind, "outcome", expected: expected, actual: "\(outcome)")
    ends = true
    return false
  }

  mutating func compare(_ subject: String, _ actual: Value?, with expected: Value) {
    guard actual != expected else { return }
    if let actual {
      add(.divergence, subject, expected: "\(expected)", actual: "\(actual)")
    } else {
      add(.notVisible, subject, expected: "\(expected)", actual: "not visible")
    }
  }

  mutating func compare(before: [ObservationID: Value], after: [ObservationID: Value]) {
    if before.isEmpty {
      add(.notVisible, "state", expected: "unchanged", actual: "not visible")
    }
    for id in Set(before.keys).union(after.keys).sorted() where before[id] != after[id] {
      let was = before[id].map { "\($0)" } ?? "absent"
      let now = after[id].map { "\($0)" } ?? "absent"
      add(.divergence, id.name, expected: "unchanged (\(was))", actual: now)
    }
  }
}
