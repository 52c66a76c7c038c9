/// Runs tests on a backend and judges what came back.
///
/// It needs no specification: a test says what is expected. A test that asks for something the
/// backend cannot see ends inconclusive, one that requires something it lacks is skipped.
public struct Runner: Sendable {
  /// What the backend can do, from ``Backend/probe()``.
  public let profile: Profile

  /// A runner for a backend with this profile.
  public init(profile: Profile) {
    self.profile = profile
  }

  /// Runs one test from a fresh backend.
  ///
  /// - Throws: ``BackendError`` when the machinery broke; the test then has no verdict.
  public func run<B: Backend & ~Copyable>(
    _ test: ConformanceTest, on backend: inout B
  ) throws(BackendError) -> TestReport {
    let missing = test.requires.subtracting(profile.capabilities).sorted()
    guard missing.isEmpty else {
      let names = missing.map(\.name).joined(separator: ", ")
      let reason = "\(profile.backend) does not offer \(names)"
      return TestReport(test: test.id, verdict: .skipped(reason), stepsRun: 0)
    }
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
    report.verdict = report.findings.reduce(.pass) { $0.merged(with: $1.verdict) }
    return report
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
        report.tests.append(try run(test, on: &backend))
        failuresInRow = 0
      } catch {
        report.errors.append(SuiteReport.Failure(test: test.id, error: error))
        failuresInRow += 1
        if failuresInRow >= limit { break }
      }
    }
    return report
  }
}

extension Runner {
  /// What one step showed, and whether the test ends with it.
  private struct StepFindings {
    var all: [Finding] = []
    var ends = false
  }

  private func run<B: Backend & ~Copyable>(
    _ step: ConformanceTest.Step, number: Int, on backend: inout B
  ) throws(BackendError) -> StepFindings {
    let before = step.unchanged ? try backend.observe() : [:]
    let result = try backend.perform(step.call)
    var findings = StepFindings()
    func add(_ kind: Finding.Kind, _ subject: String, expected: String, actual: String) {
      let finding = Finding(
        step: number, call: step.call, kind: kind, subject: subject, expected: expected,
        actual: actual)
      findings.all.append(finding)
    }
    if let finding = judge(result.outcome, step) {
      add(finding.kind, "outcome", expected: finding.expected, actual: "\(result.outcome)")
      findings.ends = true
      return findings
    }
    for (name, value) in step.written.sorted(by: { $0.key < $1.key }) {
      let actual = result.written[name]
      guard actual != value else { continue }
      add(
        actual == nil ? .notVisible : .divergence, "written \(name)", expected: "\(value)",
        actual: actual.map { "\($0)" } ?? "not read back")
    }
    guard step.unchanged || !step.observe.isEmpty else { return findings.closed() }
    let after = try backend.observe()
    for (id, value) in step.observe.sorted(by: { $0.key < $1.key }) {
      guard after[id] != value else { continue }
      add(
        after[id] == nil ? .notVisible : .divergence, id.name, expected: "\(value)",
        actual: after[id].map { "\($0)" } ?? "cannot be seen")
    }
    if step.unchanged {
      if before.isEmpty {
        add(.notVisible, "state", expected: "unchanged", actual: "nothing can be seen")
      }
      for id in Set(before.keys).union(after.keys).sorted() where before[id] != after[id] {
        let was = before[id].map { "\($0)" } ?? "absent"
        let now = after[id].map { "\($0)" } ?? "absent"
        add(.divergence, id.name, expected: "unchanged (\(was))", actual: now)
      }
    }
    return findings.closed()
  }

  private func judge(
    _ outcome: Outcome, _ step: ConformanceTest.Step
  ) -> (kind: Finding.Kind, expected: String)? {
    if step.expect.contains(where: { $0.accepts(outcome) }) { return nil }
    let expected = step.expect.map(\.description).joined(separator: " or ")
    if step.tolerate.contains(where: { $0.accepts(outcome) }) {
      return (.leftPath, expected)
    }
    return (outcome == .timeout ? .noAnswer : .divergence, expected)
  }
}

extension Runner.StepFindings {
  /// A divergence ends the test: what follows would be judged from a wrong state.
  fileprivate func closed() -> Self {
    var copy = self
    copy.ends = all.contains { $0.kind == .divergence }
    return copy
  }
}
