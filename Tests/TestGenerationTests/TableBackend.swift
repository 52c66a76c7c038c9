import ConformanceKit

@testable import TestGeneration

/// An implementation that is a machine's table, with faults put in by hand.
struct TableBackend: Backend {
  let machine: ObservableMachine
  /// The table that it answers by; its outputs are the machine's answers.
  var table: Mealy
  private let numbers: [Call: Int]
  private var state = 0
  private(set) var calls = 0

  init(_ machine: ObservableMachine, table: Mealy? = nil) {
    self.machine = machine
    self.table = table ?? machine.certain.machine
    numbers = Dictionary(zip(machine.inputs.map(\.call), 0...)) { first, _ in first }
  }

  mutating func probe() throws(BackendError) -> Profile { Profile(backend: "table") }

  mutating func reset() throws(BackendError) { state = 0 }

  mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    guard let input = numbers[call], let next = table.next(state, input) else {
      throw BackendError(.unknownCall, "\(call)")
    }
    calls += 1
    let answer = machine.answers[table.output(state, input)]
    state = next
    guard case .exactly(let outcome) = answer.expected else { return CallResult(.ok(0)) }
    return CallResult(outcome)
  }

  mutating func observe() throws(BackendError) -> [ObservationID: TestValue] { [:] }
}
