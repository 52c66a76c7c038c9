import SpecLanguage
import SpecProgram

/// The states of a spec that calls and their answers may have led to.
final class KnownStates<E: Engine> {
  let caller: LoneCaller<E>
  private var ways: [PackedState: [CallWays]] = [:]

  init(_ caller: LoneCaller<E>) { self.caller = caller }

  /// For each input how its call can go from the state.
  func ways(from state: PackedState) throws(SpecError) -> [CallWays] {
    if let known = ways[state] { return known }
    let found = try caller.ways(from: state)
    ways[state] = found
    return found
  }

  /// The states after the inputs, whatever they answer.
  func after(
    _ inputs: [Int], from states: Set<PackedState>
  ) throws(SpecError) -> Set<PackedState> {
    var states = states
    for input in inputs {
      var later: Set<PackedState> = []
      for state in states { later.formUnion(try ways(from: state)[input].ends.map(\.state)) }
      states = later
    }
    return states
  }

  /// The states after the inputs from the initial ones.
  func after(_ inputs: [Int]) throws(SpecError) -> Set<PackedState> {
    try after(inputs, from: try caller.initialStates())
  }

  /// The answers that the inputs may get from the state, one after another, with the states that
  /// each list of answers leads to; nil when one of them may not begin, or may wait.
  func answers(
    _ inputs: [Int], from state: PackedState
  ) throws(SpecError) -> [[SpecLanguage.Outcome]: Set<PackedState>]? {
    var known: [[SpecLanguage.Outcome]: Set<PackedState>] = [[]: [state]]
    for input in inputs {
      var later: [[SpecLanguage.Outcome]: Set<PackedState>] = [:]
      for (answers, states) in known {
        for state in states {
          let ways = try self.ways(from: state)[input]
          guard !ways.waits, !ways.ends.isEmpty else { return nil }
          for end in ways.ends { later[answers + [end.outcome], default: []].insert(end.state) }
        }
      }
      known = later
    }
    return known
  }
}

/// States of a spec in which the system may report something broken.
struct CondonedStates {
  private let cells: [Int]

  /// - Throws: `unknown` for a name that is no variable.
  init(_ variables: [String], _ program: Program) throws(MachineError) {
    var cells: [Int] = []
    for name in variables {
      let own = program.cells(ofVariable: name)
      guard !own.isEmpty else { throw .unknown("the spec has no variable '\(name)'") }
      cells += own.map(\.cell)
    }
    self.cells = cells
  }

  func contains<E>(_ state: PackedState, _ caller: LoneCaller<E>) -> Bool {
    guard !cells.isEmpty else { return false }
    let values = caller.cells(state)
    return cells.contains { values[$0] != 0 }
  }

  /// Whether one of the states along the inputs is such a state; a step that is not well defined
  /// ends the way.
  func contains<E>(somewhere inputs: [Int], _ known: KnownStates<E>) -> Bool {
    guard var states = try? known.caller.initialStates() else { return false }
    for input in inputs {
      guard let later = try? known.after([input], from: states) else { return false }
      states = later
      if states.contains(where: { contains($0, known.caller) }) { return true }
    }
    return false
  }
}
