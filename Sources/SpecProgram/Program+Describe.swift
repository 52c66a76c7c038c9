import SpecLanguage

/// What a step did to one cell.
public struct CellChange: Hashable, Sendable {
  public let cell: String
  public let before: String
  public let after: String
  /// Who holds a lock, rather than state of the spec.
  public let isLock: Bool

  /// `takes mmu_lock`, `releases fdget[f0] shared`.
  public var lockText: String {
    guard let readers = cell.firstRange(of: " readers ∋ ") else {
      return after == "free" ? "releases \(cell)" : "takes \(cell)"
    }
    let lock = cell[..<readers.lowerBound]
    return after == "true" ? "takes \(lock) shared" : "releases \(lock) shared"
  }
}

extension Program {
  /// A cell's value in a state, in the spec's words.
  public func value(of cell: Int, in state: [Int]) -> String {
    let info = cells[cell]
    if case .optional(.element(.thread)) = info.type {
      return state[cell] == 0 ? "free" : "thread \(state[cell] - 1)"
    }
    if case .outcome = info.type {
      return outcomes.indices.contains(state[cell]) ? outcomes[state[cell]].text : "?"
    }
    return Reading.value(state[cell] + info.low, of: info.type)
  }

  /// What a step changed, besides where its thread stands and what it remembers.
  public func changes(from before: [Int], to after: [Int]) -> [CellChange] {
    var result: [CellChange] = []
    for (index, cell) in cells.enumerated() where before[index] != after[index] {
      guard case .variable(let id) = cell.role else { continue }
      let isLock = spec.locks.contains { $0.owner.id == id || $0.readers?.id == id }
      result.append(
        CellChange(
          cell: cell.name, before: value(of: index, in: before),
          after: value(of: index, in: after), isLock: isLock))
    }
    return result
  }

  /// `close(guest_memfd)(f0)`: the call with its arguments.
  public func callText(_ label: TransitionLabel, arguments: [Int]) -> String {
    let action = procedures[label.procedure].action
    let values = zip(action.arguments, arguments).map { Reading.value($1, of: $0.bound.type) }
    return values.isEmpty ? action.name : "\(action.name) \(values.joined(separator: " "))"
  }

  /// How many arguments a call of the label's action has.
  public func argumentCount(_ label: TransitionLabel) -> Int {
    procedures[label.procedure].action.arguments.count
  }

  /// What the step of a transition is called, with the actions it is inside of.
  public func stepText(_ label: TransitionLabel) -> String {
    let info = procedures[label.procedure].info[label.node]
    let inner = info.path.dropFirst()
    return inner.isEmpty || info.label.hasPrefix(inner.last ?? "")
      ? info.label : "\(inner.joined(separator: " / ")): \(info.label)"
  }

  /// The action's name.
  public func actionName(_ procedure: Int) -> String { procedures[procedure].action.name }

  /// The step's name and place, for coverage.
  public func step(_ key: CoverageKey) -> (text: String, location: SourceLocation?) {
    let info = procedures[key.procedure].info[key.node]
    return (info.label, info.location)
  }

  /// Where a thread stands in a state; `nil` when it is idle.
  public func place(of thread: Int, in state: [Int]) -> String? {
    let location = state[threads[thread].location]
    guard location > 0 else { return nil }
    let place = locations[location]
    let info = procedures[place.procedure].info[place.node]
    return "\(info.path.joined(separator: " / ")), before “\(info.label)”"
  }

  /// Every kind of transition there could be, for coverage: a step with each of its answers.
  public var possibleCoverage: [(procedure: Int, node: Int, check: Int?)] {
    var result: [(procedure: Int, node: Int, check: Int?)] = []
    for procedure in procedures {
      for (node, content) in procedure.nodes.enumerated() where content.isBoundary {
        result.append((procedure.index, node, nil))
        if case .atomic(let body, _) = content {
          result += body.flatMap(\.checks).map { (procedure.index, node, $0) }
        }
      }
    }
    return result
  }
}

extension AtomicStatement {
  var checks: [Int] {
    switch self {
    case .check(let number, _, _): [number]
    case .when(_, let yes, let no): yes.flatMap(\.checks) + no.flatMap(\.checks)
    case .each(_, let body): body.flatMap(\.checks)
    case .require, .assign, .exit: []
    }
  }
}
