import ConformanceKit

/// What two backends answer differently to the calls of a suite; no test is judged.
struct BackendComparison {
  /// One kind of difference: a call, and what each backend made of it.
  struct Kind: Hashable {
    let call: String
    let first: String
    let second: String
  }

  /// How often a kind came, and where first.
  struct Finding {
    var count = 0
    let test: String
    let step: Int
    let example: Call
  }

  private(set) var findings: [Kind: Finding] = [:]
  private(set) var order: [Kind] = []
  private(set) var calls = 0
  private(set) var tests = 0
  private(set) var different = 0

  /// Makes a test's calls on both, up to the first that one refuses and the other does not, or that
  /// both do differently: after that they are in different states.
  mutating func compare<A: Backend, B: Backend>(
    _ test: ConformanceTest, _ first: inout A, _ second: inout B
  ) throws(BackendError) {
    tests += 1
    var isDifferent = false
    defer { if isDifferent { different += 1 } }
    try first.reset()
    try second.reset()
    for (index, step) in test.steps.enumerated() {
      let one = try first.perform(step.call)
      let other = try second.perform(step.call)
      calls += 1
      guard Self.text(one) != Self.text(other) else { continue }
      note(
        Kind(call: step.call.name, first: Self.text(one), second: Self.text(other)),
        Finding(test: test.id, step: index + 1, example: step.call))
      isDifferent = true
      if one.outcome.succeeded || other.outcome.succeeded { return }
    }
  }

  private mutating func note(_ kind: Kind, _ finding: Finding) {
    if findings[kind] == nil { order.append(kind) }
    findings[kind, default: finding].count += 1
  }

  /// The outcome and what was written back; a list of SEAMCALLs is not compared, as not every
  /// system tells it.
  private static func text(_ result: CallResult) -> String {
    let written = result.written.filter { $0.key != SeamcallList.name }
    let fields = written.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return ([result.outcome.description] + fields).joined(separator: ", ")
  }

  /// How the differences found are not those of a list, a line each as in the list: the call, and
  /// what each backend made of it, with tabs.
  func deviations(from expected: [String]) -> [String] {
    let found = order.map { "\($0.call)\t\($0.first)\t\($0.second)" }
    let unexpected = found.filter { !expected.contains($0) }.map { "not expected: \($0)" }
    return unexpected + expected.filter { !found.contains($0) }.map { "not found: \($0)" }
  }

  /// For a person.
  func text(_ first: String, _ second: String) -> String {
    var text = ""
    for kind in order {
      guard let finding = findings[kind] else { continue }
      text += "\(kind.call): \(first) \(kind.first); \(second) \(kind.second)"
      text += "  (\(finding.count)x)\n    \(finding.test), step \(finding.step): "
      text += "\(finding.example)\n"
    }
    text += "\(tests) tests, \(calls) calls on both; \(different) tests differ, "
    return text + "in \(order.count) ways\n"
  }
}
