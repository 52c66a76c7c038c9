import ConformanceKit
import SpecLanguage
import SpecProgram

/// Turns sequences of inputs into tests.
public struct SuiteWriter {
  public let machine: ObservableMachine
  /// The part that sequences lead through, and for each of its states the one of the machine.
  public let certain: (machine: Mealy, states: [Int])
  let alphabet: CallAlphabet
  let program: Program
  let scope: String?
  /// Whether the spec lets the system report something broken somewhere along the inputs.
  private var mayComplain: ([Int]) -> Bool = { _ in false }

  /// - Parameter scope: the name of the scope that was chosen, if any.
  public init(
    _ machine: ObservableMachine, _ alphabet: CallAlphabet, _ program: Program, scope: String?
  ) {
    self.machine = machine
    certain = machine.certain
    self.alphabet = alphabet
    self.program = program
    self.scope = scope
  }

  /// Lets the system report something broken where one of the variables holds.
  ///
  /// - Parameter engine: the one that the machine was made with.
  /// - Throws: `unknown` for a name that is no variable.
  public mutating func condone<E: Engine>(
    _ variables: [String], _ engine: E
  ) throws(MachineError) {
    guard !variables.isEmpty else { return }
    let condoned = try CondonedStates(variables, engine.program)
    let known = KnownStates(LoneCaller(engine, machine.inputs, deferred: alphabet.deferred))
    mayComplain = { condoned.contains(somewhere: $0, known) }
  }

  /// Calls that may be answered in several ways: each is the last call of a test that accepts all.
  public var loose: [(state: Int, input: Int)] {
    certain.states.indices.flatMap { state in
      machine.inputs.indices.compactMap { input in
        guard case .differs = machine.cell(certain.states[state], input) else { return nil }
        return (state, input)
      }
    }
  }

  /// How many states only a call with several answers leads to: no test of a suite goes there.
  public var unvisited: Int { machine.stateCount - certain.states.count }

  /// What the guarantee takes for granted besides the plan's hypotheses.
  public var hypotheses: [String] {
    var result: [String] = []
    if !alphabet.events.isEmpty {
      result.append(
        "nothing of the environment happens: \(alphabet.events.joined(separator: ", "))")
    }
    if !alphabet.leftOut.isEmpty {
      result.append("no other call is made: \(alphabet.leftOut.joined(separator: ", "))")
    }
    if !alphabet.deferred.isEmpty {
      let names = alphabet.deferred.map(\.call.name).uniqued
      result.append(
        "what is deferred happens before the next call: \(names.joined(separator: ", "))")
    }
    if alphabet.wordless > 0 {
      result.append("\(alphabet.wordless) calls with arguments that have no words are not made")
    }
    if unvisited > 0 {
      result.append(
        "\(unvisited) states behind calls that may be answered differently are not "
          + "visited")
    }
    return result
  }

  /// Why there is no test at all.
  public var silence: String {
    guard !alphabet.events.isEmpty else { return "no call can begin, so there is nothing to test" }
    return "no call can begin before an event of the environment, such as '"
      + alphabet.events.joined(separator: "', '") + "'; --deferred NAME makes one happen by itself"
  }

  /// The suite: the plan's sequences, then the calls with several answers, each once.
  public func suite(_ plan: CallPlan, _ criterion: Criterion) -> ConformanceSuite {
    var tests: [ConformanceTest] = []
    let plain = plan.sequences.count - plan.walks
    for (number, sequence) in plan.sequences.enumerated() {
      let isWalk = number >= plain
      var test = test(
        isWalk ? "random" : criterion.name, isWalk ? number - plain : number, sequence)
      if number < plan.purposes.count {
        test.purpose = "\(test.purpose): \(plan.purposes[number])"
      }
      tests.append(test)
    }
    if criterion == .checks { tests += otherValues(plan.sequences.prefix(plain)) }
    let access = certain.machine.accessSequences
    for (number, (state, input)) in loose.enumerated() {
      tests.append(test("either", number, (access[state] ?? []) + [input]))
    }
    let assumptions = (plan.hypotheses + hypotheses).map { "(\($0))" }.joined(separator: " ")
    return ConformanceSuite(
      name: suiteName(criterion), guarantee: "\(plan.guarantee), if \(assumptions)", tests: tests)
  }

  /// For each call at the end of a sequence, once: the same with other values of its classes.
  private func otherValues(_ sequences: ArraySlice<[Int]>) -> [ConformanceTest] {
    var seen: Set<Int> = []
    var tests: [ConformanceTest] = []
    for sequence in sequences {
      guard let last = sequence.last, seen.insert(last).inserted else { continue }
      for other in machine.inputs[last].others {
        var test = test("value", tests.count, sequence)
        test.steps[test.steps.count - 1].call = other
        test.purpose = "\(other), which the spec takes for \(machine.inputs[last].call)"
        tests.append(test)
      }
    }
    return tests
  }

  func suiteName(_ criterion: Criterion) -> String {
    let size = scope.map { ":\($0)" } ?? ""
    guard case .certified(let k, _) = criterion else {
      return "\(program.spec.name)\(size) \(criterion.name)"
    }
    return "\(program.spec.name)\(size) \(criterion.name) k=\(k)"
  }

  func test(_ kind: String, _ number: Int, _ sequence: [Int]) -> ConformanceTest {
    var state = 0
    var steps: [ConformanceTest.Step] = []
    for input in sequence {
      steps.append(step(certain.states[state], input))
      state = certain.machine.next(state, input) ?? state
    }
    let digits = "\(number + 1)"
    let padded = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    let last = steps.last.map { "\($0.call)" } ?? ""
    let covered = Set(
      sequence.map { "action \(program.actionName(machine.inputs[$0].procedure))" })
    let more = steps.count == 1 ? "" : " after \(steps.count - 1) calls"
    return ConformanceTest(
      id: "\(kind)-\(padded)", purpose: "\(last)\(more)", origin: origin,
      covers: covered.sorted(), steps: steps, condones: mayComplain(sequence))
  }

  private var origin: ConformanceTest.Origin {
    let sizes = program.scope.parameters.map { ($0.name, $0.value) }
    return ConformanceTest.Origin(
      spec: program.spec.name, scope: Dictionary(sizes) { first, _ in first },
      fingerprint: machine.fingerprint, deferred: alphabet.deferred.map(\.call.name).uniqued)
  }

  private func step(_ state: Int, _ input: Int) -> ConformanceTest.Step {
    let call = machine.inputs[input].call
    switch machine.cell(state, input) {
    case .goes(let answer, _):
      let seen = machine.answers[answer]
      return ConformanceTest.Step(call, expect: [seen.expected], observe: seen.observations)
    case .differs(let branches):
      // What is seen differs with the answer, so that only the answers are expected.
      let expected = branches.map { machine.answers[$0.answer].expected }
      return ConformanceTest.Step(call, expect: expected.uniqued)
    case .open:
      // No sequence has such a step: it would expect nothing.
      return ConformanceTest.Step(call, expect: [])
    }
  }
}

extension Array where Element: Hashable {
  /// Each element once, in the order of first occurrence.
  var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
