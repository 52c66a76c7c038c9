/// One thing that a step showed other than expected.
public struct Finding: Hashable, Sendable {
  /// What a finding says about the system under test.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// It did something that the test forbids.
    case divergence
    /// This backend cannot see what the test asks for.
    case notVisible
    /// It gave a legal answer that leaves the test's path.
    case leftPath
    /// It gave no answer in time, which slow and stuck have in common.
    case noAnswer
  }

  /// The step's number, from 1.
  public let step: Int
  /// The call of the step.
  public let call: Call
  /// What the finding says.
  public let kind: Kind
  /// What was judged: `outcome`, `written nr_pages`, an observation's name.
  public let subject: String
  /// What the test expected.
  public let expected: String
  /// What came.
  public let actual: String

  /// A finding.
  public init(
    step: Int, call: Call, kind: Kind, subject: String, expected: String, actual: String
  ) {
    self.step = step
    self.call = call
    self.kind = kind
    self.subject = subject
    self.expected = expected
    self.actual = actual
  }

  /// The subject of what ``Backend/conclude()`` tells.
  static let complaint = "what the system reports"

  /// Whether all answers were right, and the system itself reports something broken.
  public var isComplaint: Bool { subject.hasPrefix(Self.complaint) }

  /// What the finding means for the test.
  public var verdict: Verdict {
    switch kind {
    case .divergence: .fail(description)
    case .notVisible, .leftPath, .noAnswer: .inconclusive(description)
    }
  }
}

extension Finding: CustomStringConvertible {
  /// `step 2, KVM_TDX_INIT_VM(): outcome is 0, expected -EINVAL`.
  public var description: String {
    "step \(step), \(call): \(subject) is \(actual), expected \(expected)"
  }
}

/// What running one test gave.
public struct TestReport: Hashable, Sendable {
  /// The test's id.
  public var test: String
  /// What the test showed.
  public var verdict: Verdict
  /// How many steps ran, with the one that ended the test.
  public var stepsRun: Int
  /// Everything that was not as expected, in order.
  public var findings: [Finding]
  /// What an earlier attempt showed that got no answer in time; empty for a first attempt.
  public var before: [Finding] = []

  /// A report.
  public init(test: String, verdict: Verdict, stepsRun: Int, findings: [Finding] = []) {
    self.test = test
    self.verdict = verdict
    self.stepsRun = stepsRun
    self.findings = findings
  }
}

/// What running a suite gave.
public struct SuiteReport: Hashable, Sendable {
  /// A test that has no verdict because the machinery broke.
  public struct Failure: Hashable, Sendable {
    /// The test's id.
    public let test: String
    /// What broke.
    public let error: BackendError
  }

  /// The suite's name.
  public var suite: String
  /// What the backend was.
  public var profile: Profile
  /// The tests that have a verdict, in order.
  public var tests: [TestReport] = []
  /// The tests that have none.
  public var errors: [Failure] = []

  /// An empty report.
  public init(suite: String, profile: Profile) {
    self.suite = suite
    self.profile = profile
  }

  /// The ids of the skipped tests: what a committed skip list is compared with.
  public var skipped: Set<String> {
    Set(tests.filter { $0.verdict.isSkip }.map(\.test))
  }

  /// How many tests passed; a skipped test is not among them.
  public var passed: Int { tests.count { $0.verdict == .pass } }

  /// The merged verdict, or nil when no test has one.
  public var verdict: Verdict? { Verdict.merged(tests.lazy.map(\.verdict)) }
}

extension Verdict {
  /// Whether the test did not run.
  public var isSkip: Bool {
    if case .skipped = self { true } else { false }
  }

  /// Whether the system did something that the test forbids.
  public var isFailure: Bool {
    if case .fail = self { true } else { false }
  }

  /// Whether the test could not decide.
  public var isInconclusive: Bool {
    if case .inconclusive = self { true } else { false }
  }
}
