extension Formula {
  /// The condition's truth in a state of codes.
  package func holds(in state: [Int], _ cells: [CellInfo]) -> Bool {
    switch self {
    case .yes: return true
    case .no: return false
    case .member(let cell, let set): return set.contains(state[cell])
    case .compare(let operation, let a, let b, let holds):
      let x = a.number(in: state, cells)
      let y = b.number(in: state, cells)
      return (operation == .equal ? x == y : x < y) == holds
    case .and(let parts): return parts.allSatisfy { $0.holds(in: state, cells) }
    case .or(let parts): return parts.contains { $0.holds(in: state, cells) }
    }
  }

  /// The condition before a transition that is this one after it.
  package func before(_ writes: [Int: Value], _ comparer: Comparer) -> Formula {
    switch self {
    case .yes, .no: return self
    case .member(let cell, let set):
      guard let value = writes[cell] else { return self }
      let low = comparer.low(of: cell)
      if case .const(let constant) = value { return set.contains(constant - low) ? .yes : .no }
      return .disjunction(
        set.members.map { comparer.compare(.equal, value, .const($0 + low)) })
    case .compare(let operation, let a, let b, let holds):
      let result = comparer.compare(
        operation, a.before(writes, comparer), b.before(writes, comparer))
      return holds ? result : result.negated
    case .and(let parts): return .conjunction(parts.map { $0.before(writes, comparer) })
    case .or(let parts): return .disjunction(parts.map { $0.before(writes, comparer) })
    }
  }

  /// Adds the cells that the condition reads.
  package func collectCells(_ cells: inout Set<Int>) {
    switch self {
    case .yes, .no: break
    case .member(let cell, _): cells.insert(cell)
    case .compare(_, let a, let b, _): cells.formUnion(a.leafCells + b.leafCells)
    case .and(let parts), .or(let parts): for part in parts { part.collectCells(&cells) }
    }
  }
}

extension Comparer {
  /// The value that the cell's code 0 stands for.
  package func low(of cell: Int) -> Int { cells[cell].low }
}

extension Value {
  package func number(in state: [Int], _ cells: [CellInfo]) -> Int {
    switch self {
    case .const(let value): value
    case .cell(let cell): state[cell] + cells[cell].low
    case .add(let a, let b): a.number(in: state, cells) &+ b.number(in: state, cells)
    case .subtract(let a, let b): a.number(in: state, cells) &- b.number(in: state, cells)
    case .choice(let condition, let a, let b):
      condition.holds(in: state, cells) ? a.number(in: state, cells) : b.number(in: state, cells)
    }
  }

  /// The value before the writes.
  package func before(_ writes: [Int: Value], _ comparer: Comparer) -> Value {
    func before(_ value: Value) -> Value { value.before(writes, comparer) }
    return switch self {
    case .const: self
    case .cell(let cell): writes[cell] ?? self
    case .add(let a, let b): .sum(before(a), before(b))
    case .subtract(let a, let b): .difference(before(a), before(b))
    case .choice(let condition, let a, let b):
      .select(condition.before(writes, comparer), before(a), before(b))
    }
  }
}

extension GroundRule {
  /// The state after the transition; the guard is not looked at.
  package func successor(of state: [Int], _ cells: [CellInfo]) -> [Int] {
    var next = state
    for (cell, value) in writes { next[cell] = value.number(in: state, cells) - cells[cell].low }
    return next
  }
}
