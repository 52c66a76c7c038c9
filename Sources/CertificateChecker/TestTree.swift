/// The tests of a suite as a tree of their common beginnings; every node is a state that some test
/// leads to, with the state of the machine.
struct TestTree {
  /// By node and input: the child.
  private var children: [[Int: Int]] = [[:]]
  /// By node: the machine's state.
  private(set) var stateOf: [Int] = [0]
  private(set) var testCount = 0

  /// - Throws: a problem of a test that expects something else than the machine gives.
  init(_ suite: [String: Any], _ machine: CheckedMachine) throws(CertificateProblem) {
    let inputs = Dictionary(zip(machine.inputs, 0...)) { first, _ in first }
    let outputs = Dictionary(zip(machine.outputs, 0...)) { first, _ in first }
    let fields = JSONFields(suite, "suite")
    guard try fields.text("name") == machine.suite else {
      throw CertificateProblem(.form, "the certificate is for another suite, '\(machine.suite)'")
    }
    for (number, test) in try fields.list("tests").enumerated() {
      guard let test = test as? [String: Any] else {
        throw CertificateProblem(.form, "suite.tests[\(number)] is no object")
      }
      let steps = try JSONFields(test, "suite.tests[\(number)]").list("steps")
      try add(steps, machine, inputs, outputs, "suite.tests[\(number)]")
      testCount += 1
    }
  }

  private mutating func add(
    _ steps: [Any], _ machine: CheckedMachine, _ inputs: [String: Int], _ outputs: [String: Int],
    _ place: String
  ) throws(CertificateProblem) {
    var node = 0
    for (number, step) in steps.enumerated() {
      guard let step = step as? [String: Any], let call = step["call"] else {
        throw CertificateProblem(.form, "\(place).steps[\(number)] has no call")
      }
      let state = stateOf[node]
      guard let input = inputs[CanonicalJSON.text(call)], let known = machine.step(state, input)
      else {
        // A call of which the machine says nothing may end a test; nothing follows from it.
        guard number == steps.count - 1 else {
          throw CertificateProblem(.test, "\(place).steps[\(number)] is not in the machine")
        }
        return
      }
      guard outputs[Self.output(of: step)] == known.output else {
        throw CertificateProblem(
          .test, "\(place).steps[\(number)] expects something else than the machine gives")
      }
      if let child = children[node][input] {
        node = child
      } else {
        children.append([:])
        stateOf.append(known.next)
        children[node][input] = children.count - 1
        node = children.count - 1
      }
    }
  }

  /// What a step accepts, as an output of the machine is written: exactly one answer, and nothing
  /// tolerated, since a tolerated answer does not fail the test.
  private static func output(of step: [String: Any]) -> String {
    guard let expected = step["expect"] as? [Any], expected.count == 1, let only = expected.first,
      (step["tolerate"] as? [Any])?.isEmpty != false,
      (step["written"] as? [String: Any])?.isEmpty != false
    else { return "" }
    let seen = step["observe"] as? [String: Any] ?? [:]
    return CanonicalJSON.text(["expect": only, "observe": seen])
  }

  /// Where a sequence leads from a node; nil when no test makes these calls.
  func node(_ sequence: [Int], from node: Int = 0) -> Int? {
    var node = node
    for input in sequence {
      guard let child = children[node][input] else { return nil }
      node = child
    }
    return node
  }

  func child(_ node: Int, _ input: Int) -> Int? { children[node][input] }
}
