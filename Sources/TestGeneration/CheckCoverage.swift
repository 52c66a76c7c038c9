import SpecLanguage
import SpecProgram

/// The shortest sequences that show each check of each call at work.
///
/// For each call: every check that refuses it, and every other answer. For each check and each
/// argument that alone can make the difference: the call that the check refuses and its twin, the
/// same call in the same state but for that argument, which it does not refuse. For each two checks
/// that two different arguments break: the call where both are broken, which tells their order.
struct CheckCoverage {
  /// One sequence and what it is for.
  struct Sample: Hashable {
    let sequence: [Int]
    let purpose: String
  }

  private(set) var samples: [Sample] = []
  /// How many answers, twins and pairs of checks there are.
  private(set) var answers = 0
  private(set) var twins = 0
  private(set) var orders = 0

  private let machine: ObservableMachine
  private let certain: (machine: Mealy, states: [Int])
  private let checks: [CheckInfo]
  private let access: [[Int]?]
  private var seen: Set<[Int]> = []

  /// How a call goes: which check refused it, or which answer it got otherwise.
  private struct Way: Hashable {
    let check: Int
    let answer: Int
  }

  init(_ machine: ObservableMachine, _ checks: [CheckInfo]) {
    self.machine = machine
    self.checks = checks
    certain = machine.certain
    access = certain.machine.accessSequences
    let calls = Dictionary(grouping: machine.inputs.indices) { machine.inputs[$0].procedure }
    for state in certain.states.indices {
      for (_, inputs) in calls.sorted(by: { $0.key < $1.key }) { look(state, inputs) }
    }
  }

  private func way(_ state: Int, _ input: Int) -> Way? {
    guard certain.machine.next(state, input) != nil else { return nil }
    return Way(
      check: machine.refusal(certain.states[state], input),
      answer: certain.machine.output(state, input))
  }

  /// The inputs are those of one call.
  private mutating func look(_ state: Int, _ inputs: [Int]) {
    var ways: [[Int]: (input: Int, way: Way)] = [:]
    for input in inputs {
      guard let way = way(state, input) else { continue }
      let call = machine.inputs[input]
      ways[call.arguments] = (input, way)
      if add([0, call.procedure, way.check, way.answer], state, input, describe(way)) {
        answers += 1
      }
    }
    for input in inputs {
      guard let way = way(state, input), way.check >= 0 else { continue }
      let arguments = machine.inputs[input].arguments
      let near = inputs.compactMap { other -> Neighbour? in
        guard let argument = difference(arguments, machine.inputs[other].arguments),
          let known = ways[machine.inputs[other].arguments]
        else { return nil }
        return Neighbour(input: other, argument: argument, way: known.way)
      }
      for other in near where other.way.check != way.check { addTwin(state, input, way, other) }
      addOrders(state, input, way, near, ways)
    }
  }

  /// A call that differs in one argument.
  private struct Neighbour {
    let input: Int
    let argument: Int
    let way: Way
  }

  private mutating func addTwin(_ state: Int, _ input: Int, _ way: Way, _ other: Neighbour) {
    let procedure = machine.inputs[input].procedure
    let purpose = "\(describe(way)); another argument gives \(text(other.way))"
    guard add([1, procedure, way.check, other.argument], state, input, purpose) else { return }
    twins += 1
    _ = add(
      [2, procedure, way.check, other.argument], state, other.input,
      "twin: \(describe(other.way))")
  }

  /// The call is refused by one check. With one argument mended another check refuses it, with
  /// another argument mended it is the same check, and with both neither.
  private mutating func addOrders(
    _ state: Int, _ input: Int, _ way: Way, _ near: [Neighbour],
    _ ways: [[Int]: (input: Int, way: Way)]
  ) {
    let arguments = machine.inputs[input].arguments
    for second in near where second.way.check >= 0 && second.way.check != way.check {
      let key = [3, way.check, second.way.check]
      guard !seen.contains(key) else { continue }
      let isBothBroken = near.contains { first in
        guard first.way.check == way.check, first.argument != second.argument else { return false }
        var mended = arguments
        for other in [first, second] {
          mended[other.argument] = machine.inputs[other.input].arguments[other.argument]
        }
        guard let neither = ways[mended]?.way.check else { return false }
        return neither != way.check && neither != second.way.check
      }
      guard isBothBroken else { continue }
      let later = "“\(checks[second.way.check].text)”"
      if add(key, state, input, "\(describe(way)), before \(later), which fails too") {
        orders += 1
      }
    }
  }

  /// The only argument that differs.
  private func difference(_ left: [Int], _ right: [Int]) -> Int? {
    let places = left.indices.filter { left[$0] != right[$0] }
    return places.count == 1 ? places[0] : nil
  }

  private mutating func add(
    _ key: [Int], _ state: Int, _ input: Int, _ purpose: String
  ) -> Bool {
    guard let path = access[state], seen.insert(key).inserted else { return false }
    samples.append(Sample(sequence: path + [input], purpose: purpose))
    return true
  }

  private func describe(_ way: Way) -> String {
    guard way.check >= 0 else { return text(way) }
    return "\(text(way)) because “\(checks[way.check].text)” fails"
  }

  private func text(_ way: Way) -> String { machine.answers[way.answer].outcome.text }
}
