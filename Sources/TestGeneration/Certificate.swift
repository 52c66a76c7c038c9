import ConformanceKit

/// Why a suite is complete, for a reader who believes nothing: the machine, the cover, and what
/// separates each two states. `docs/certificates.md` says what it shows.
public struct Certificate: Encodable, Sendable {
  let format = 1
  let claim = "k-A-complete"
  let spec: String
  let suite: String
  let k: Int
  let states: Int
  let inputs: [Call]
  let outputs: [Output]
  /// State, input, output, next state.
  let transitions: [[Int]]
  /// For each state the sequence to it.
  let cover: [[Int]]
  let words: [[Int]]
  /// Two states, the smaller first, and the word that separates them.
  let apart: [[Int]]
  /// Two states that no word separates: it is taken that the implementation keeps them apart.
  let assumed: [[Int]]

  /// An answer as the suite's steps expect it.
  struct Output: Encodable, Sendable {
    let expect: ExpectedOutcome
    let observe: [String: TestValue]
  }

  /// - Returns: nil when the criterion of the plan has no certificate.
  public init?(_ plan: CallPlan, _ writer: SuiteWriter, _ suite: ConformanceSuite) {
    guard let certified = plan.certified else { return nil }
    let machine = certified.machine
    spec = writer.program.spec.name
    self.suite = suite.name
    k = certified.k
    states = machine.stateCount
    inputs = writer.machine.inputs.map(\.call)
    outputs = writer.machine.answers.map {
      Output(expect: $0.expected, observe: $0.observations.byName)
    }
    var transitions: [[Int]] = []
    var apart: [[Int]] = []
    for state in 0..<machine.stateCount {
      for input in machine.defined(state) {
        let output = machine.output(state, input)
        transitions.append([state, input, output, machine.next(state, input) ?? state])
      }
      for other in state + 1..<max(machine.stateCount, state + 1) {
        guard let word = certified.identifiers.separator(state, other) else { continue }
        apart.append([state, other, word])
      }
    }
    self.transitions = transitions
    self.apart = apart
    cover = certified.cover
    words = certified.identifiers.pool
    assumed = certified.identifiers.alike
  }
}
