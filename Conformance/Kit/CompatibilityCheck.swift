/// What every backend must do, whatever it tests: for authors of backends.
///
/// It makes the calls of given tests and judges the backend, not the system behind it: whether
/// answers follow from the calls since the reset alone, and whether looking is without effect.
public struct CompatibilityCheck: Sendable {
  /// One requirement.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// It says the same about itself each time.
    case probesAlike = "probe answers the same twice"
    /// It forgets what came before a reset.
    case resetsWholly = "after a reset the same calls get the same answers"
    /// It looks without touching.
    case looksOnly = "observe answers the same twice, and calls get the same answers without it"
    /// A call that nobody knows is an error of kind unknownCall, or refused, and does no harm.
    case survivesUnknownCalls = "an unknown call is answered, and the calls after it too"
    /// An argument that nobody knows likewise.
    case survivesUnknownArguments = "an unknown argument is answered, and the calls after it too"
  }

  /// What came of one requirement.
  public struct Finding: Hashable, Sendable {
    /// The requirement.
    public let rule: Rule
    /// Whether it was met; inconclusive where the tests make no call.
    public let verdict: Verdict
  }

  /// The calls that are made: those of each test, from a reset.
  public let runs: [[Call]]

  /// Takes the calls of the first tests of a suite.
  ///
  /// - Parameter limit: how many tests are used.
  public init(_ suite: ConformanceSuite, limit: Int = 20) {
    runs = suite.tests.prefix(limit).map { $0.steps.map(\.call) }
  }

  /// Checks every requirement; an error of the backend fails the one that it happens in.
  public func run<B: Backend & ~Copyable>(on backend: inout B) -> [Finding] {
    var findings: [Finding] = []
    for rule in Rule.allCases {
      let verdict: Verdict
      do throws(BackendError) {
        verdict = try check(rule, on: &backend)
      } catch {
        verdict = .fail("\(error)")
      }
      findings.append(Finding(rule: rule, verdict: verdict))
    }
    return findings
  }

  private func check<B: Backend & ~Copyable>(
    _ rule: Rule, on backend: inout B
  ) throws(BackendError) -> Verdict {
    switch rule {
    case .probesAlike:
      let first = try backend.probe()
      return try backend.probe() == first ? .pass : .fail("the second answer is another")
    case .resetsWholly:
      return try compare(on: &backend, looking: false)
    case .looksOnly:
      return try compare(on: &backend, looking: true)
    case .survivesUnknownCalls:
      return try disturbed(by: Call("no such call of any system"), on: &backend)
    case .survivesUnknownArguments:
      guard let call = runs.first?.first else { return .inconclusive("there is no call to make") }
      var odd = call
      odd.arguments["no such argument"] = .text("of any call")
      return try disturbed(by: odd, on: &backend)
    }
  }

  /// Makes each run's calls twice, the second time perhaps looking after each.
  private func compare<B: Backend & ~Copyable>(
    on backend: inout B, looking: Bool
  ) throws(BackendError) -> Verdict {
    guard !runs.isEmpty else { return .inconclusive("there is no call to make") }
    for (number, calls) in runs.enumerated() {
      let first = try answers(to: calls, on: &backend)
      let second: [CallResult]
      do throws(BackendError) {
        second = try answers(to: calls, on: &backend, looking: looking)
      } catch {
        if error.kind == .malformedAnswer && error.message == Self.looks {
          return .fail("run \(number + 1): two looks without a call between them differ")
        }
        throw error
      }
      guard let place = first.indices.first(where: { first[$0] != second[$0] }) else { continue }
      return .fail(
        "run \(number + 1), call \(place + 1), \(calls[place]): \(first[place].outcome), "
          + "then \(second[place].outcome)")
    }
    return .pass
  }

  private static let looks = "two looks differ"

  private func answers<B: Backend & ~Copyable>(
    to calls: [Call], on backend: inout B, looking: Bool = false
  ) throws(BackendError) -> [CallResult] {
    try backend.reset()
    var results: [CallResult] = []
    for call in calls {
      results.append(try backend.perform(call))
      guard looking else { continue }
      let seen = try backend.observe()
      guard try backend.observe() == seen else {
        throw BackendError(.malformedAnswer, Self.looks)
      }
    }
    return results
  }

  /// Makes the odd call, which may be an error of the kind for that or refused, and all runs.
  private func disturbed<B: Backend & ~Copyable>(
    by odd: Call, on backend: inout B
  ) throws(BackendError) -> Verdict {
    try backend.reset()
    do throws(BackendError) {
      let result = try backend.perform(odd)
      if result.outcome.succeeded { return .fail("\(odd) succeeded") }
      if result.outcome == .timeout { return .fail("\(odd) got no answer") }
    } catch {
      guard error.kind == .unknownCall else { return .fail("\(odd): \(error)") }
    }
    for calls in runs { _ = try answers(to: calls, on: &backend) }
    return .pass
  }
}
