import SpecLanguage
import SpecProgram

/// Makes the observable machine of a spec at a scope, breadth first from the initial state.
///
/// Where a call can end in several states with one answer, the machine goes on with all of them:
/// its states are sets of states of the spec, those that the caller cannot tell from each other.
final class MachineBuilder<E: Engine> {
  private let caller: LoneCaller<E>
  private let alphabet: CallAlphabet
  private let options: MachineOptions
  private let observed: [(cell: Int, name: String)]
  /// The states of the spec that were met, and what is known of them.
  private var numbers: [PackedState: Int] = [:]
  private var states: [PackedState] = []
  private var waysOfState: [Int: [CallWays]] = [:]
  private var answers: [SeenAnswer: Int] = [:]
  private var sights: [PackedState: [String: String]] = [:]
  private var beliefs: [[Int]: Int] = [:]
  private var order: [[Int]] = []
  private var refusals: [Int32] = []

  /// - Throws: `unknown` for an observed name that is no variable.
  init(
    _ engine: E, _ alphabet: CallAlphabet, _ options: MachineOptions
  ) throws(MachineError) {
    caller = LoneCaller(engine, alphabet.inputs, deferred: alphabet.deferred)
    self.alphabet = alphabet
    self.options = options
    var cells: [(cell: Int, name: String)] = []
    for name in options.observed {
      let own = engine.program.cells(ofVariable: name)
      guard !own.isEmpty else { throw .unknown("the spec has no variable '\(name)'") }
      cells += own
    }
    observed = cells
  }

  /// The machine before states are merged.
  func build() throws(MachineError) -> ObservableMachine {
    var cells: [ObservableMachine.Cell] = []
    do throws(SpecError) { _ = belief(of: try caller.initialStates()) } catch {
      throw .spec(error)
    }
    var next = 0
    while next < order.count {
      guard order.count <= options.mostStates else {
        throw .tooManyStates(limit: options.mostStates)
      }
      do throws(SpecError) { cells += try row(of: order[next]) } catch { throw .spec(error) }
      next += 1
    }
    let ordered = answers.sorted { $0.value < $1.value }.map(\.key)
    return ObservableMachine(
      inputs: alphabet.inputs, answers: ordered, stateCount: order.count, cells: cells,
      refusals: refusals)
  }

  private func belief(of states: Set<PackedState>) -> Int {
    let members = states.map { number($0) }.sorted()
    if let known = beliefs[members] { return known }
    beliefs[members] = order.count
    order.append(members)
    return order.count - 1
  }

  private func number(_ state: PackedState) -> Int {
    if let known = numbers[state] { return known }
    numbers[state] = states.count
    states.append(state)
    return states.count - 1
  }

  private func ways(_ member: Int) throws(SpecError) -> [CallWays] {
    if let known = waysOfState[member] { return known }
    let ways = try caller.ways(from: states[member])
    waysOfState[member] = ways
    return ways
  }

  private func row(of belief: [Int]) throws(SpecError) -> [ObservableMachine.Cell] {
    var rows: [[CallWays]] = []
    for member in belief { rows.append(try ways(member)) }
    return alphabet.inputs.indices.map { input in
      let ways = rows.map { $0[input] }
      // In sets of ends there is no order; the smallest is as good as any.
      let check = ways.first?.ends.lazy.compactMap(\.check).min()
      refusals.append(Int32(check ?? -1))
      if ways.contains(where: \.waits) { return .open(.waits) }
      let idle = ways.count { $0.ends.isEmpty }
      if idle == ways.count { return .open(.cannotBegin) }
      if idle > 0 { return .open(.mayNotBegin) }
      return cell(ways)
    }
  }

  private func cell(_ ways: [CallWays]) -> ObservableMachine.Cell {
    var groups: [SeenAnswer: Set<PackedState>] = [:]
    for end in ways.lazy.flatMap(\.ends) {
      let seen = SeenAnswer(outcome: end.outcome, observed: sight(of: end.state))
      groups[seen, default: []].insert(end.state)
    }
    let branches = groups.sorted { $0.key.text < $1.key.text }.map { answer, states in
      ObservableMachine.Branch(answer: number(answer), to: belief(of: states))
    }
    if branches.count == 1, let only = branches.first {
      return .goes(answer: only.answer, to: only.to)
    }
    return .differs(branches)
  }

  private func number(_ answer: SeenAnswer) -> Int {
    if let known = answers[answer] { return known }
    let number = answers.count
    answers[answer] = number
    return number
  }

  private func sight(of state: PackedState) -> [String: String] {
    guard !observed.isEmpty else { return [:] }
    if let known = sights[state] { return known }
    let cells = caller.cells(state)
    let program = caller.engine.program
    let seen = observed.map { ($0.name, program.value(of: $0.cell, in: cells)) }
    let result = Dictionary(seen) { first, _ in first }
    sights[state] = result
    return result
  }
}

extension ObservableMachine {
  /// What a spec shows to one caller at a scope; states that nothing tells apart are merged.
  ///
  /// - Parameter engine: one without reductions.
  public init<E: Engine>(
    _ engine: E, _ alphabet: CallAlphabet, _ options: MachineOptions
  ) throws(MachineError) {
    self = try MachineBuilder(engine, alphabet, options).build().withoutIdleInputs().minimised()
  }
}
