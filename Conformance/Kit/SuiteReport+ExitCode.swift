/// How a run of conformance tests ends, as the exit code of the process.
public enum ConformanceExit: Int32, Hashable, Sendable, CaseIterable {
  /// Every test that ran passed, and exactly the committed tests were skipped.
  case conforms = 0
  /// A test failed, or other tests were skipped than the committed ones.
  case fails = 1
  /// No test failed, but some could not decide, or nothing ran at all.
  case inconclusive = 3
  /// Every test was skipped, as committed: nothing was shown.
  case skipped = 4
  /// The machinery broke, so that some test has no verdict.
  case infrastructure = 70
}

extension SuiteReport {
  /// The exit of this run, given the ids of the tests that are known to be skipped here.
  ///
  /// Precedence: infrastructure, then fails (also a skip set other than the committed one), then
  /// inconclusive, then skipped. A committed id that is not in the suite is a difference too.
  public func exit(committedSkips: Set<String>) -> ConformanceExit {
    if !errors.isEmpty { return .infrastructure }
    if tests.contains(where: { $0.verdict.isFailure }) { return .fails }
    if skipped != committedSkips { return .fails }
    if tests.contains(where: { $0.verdict.isInconclusive }) || tests.isEmpty {
      return .inconclusive
    }
    return passed == 0 ? .skipped : .conforms
  }

  /// What differs from the committed skip set: one line a test, sorted.
  public func skipDifferences(from committed: Set<String>) -> [String] {
    let unexpected = skipped.subtracting(committed).map { "\($0): skipped, but not committed" }
    let vanished = committed.subtracting(skipped).map { "\($0): committed as skipped, but is not" }
    return (unexpected + vanished).sorted()
  }
}
