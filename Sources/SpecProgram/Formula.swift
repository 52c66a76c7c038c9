/// A ground condition in negation normal form: atoms over single cells, joined by and/or.
package indirect enum Formula: Hashable, Sendable {
  case yes
  case no
  /// The cell's code is one of these.
  case member(cell: Int, ValueSet)
  /// For cells with too many values to list: a comparison, possibly negated.
  case compare(Comparison, Value, Value, holds: Bool)
  case and([Formula])
  case or([Formula])
}

package enum Comparison: Hashable, Sendable { case equal, less }

/// A ground number.
package indirect enum Value: Hashable, Sendable {
  case const(Int)
  /// The cell's value: its code plus the cell's lowest value.
  case cell(Int)
  case add(Value, Value)
  case subtract(Value, Value)
  case choice(Formula, Value, Value)
}

extension Formula {
  package static func conjunction(_ parts: [Formula]) -> Formula {
    guard let merged = merge(parts, neutral: .yes, ValueSet.intersection, \.isEmpty, \.isFull)
    else { return .no }
    return merged.isEmpty ? .yes : merged.count == 1 ? merged[0] : .and(merged)
  }

  package static func disjunction(_ parts: [Formula]) -> Formula {
    guard let merged = merge(parts, neutral: .no, ValueSet.union, \.isFull, \.isEmpty)
    else { return .yes }
    return merged.isEmpty ? .no : merged.count == 1 ? merged[0] : .or(merged)
  }

  /// Flattens the parts, joins the atoms of each cell and drops what says nothing.
  ///
  /// - Returns: `nil` when one part, or one cell, decides the whole.
  private static func merge(
    _ parts: [Formula], neutral: Formula, _ join: (ValueSet) -> (ValueSet) -> ValueSet,
    _ decides: (ValueSet) -> Bool, _ saysNothing: (ValueSet) -> Bool
  ) -> [Formula]? {
    var members: [Int: ValueSet] = [:]
    var order: [Int] = []
    var rest: [Formula] = []
    var seen: Set<Formula> = []
    var queue = parts[...]
    while let part = queue.popFirst() {
      switch part {
      case .yes, .no:
        if part != neutral { return nil }
      case .and(let inner) where neutral == .yes: queue = inner + queue
      case .or(let inner) where neutral == .no: queue = inner + queue
      case .member(let cell, let set):
        let joined = members[cell].map { join($0)(set) } ?? set
        if members.updateValue(joined, forKey: cell) == nil { order.append(cell) }
        if decides(joined) { return nil }
      default:
        if seen.insert(part).inserted { rest.append(part) }
      }
    }
    let atoms = order.compactMap { cell in members[cell].map { (cell, $0) } }
    return atoms.filter { !saysNothing($0.1) }.map { .member(cell: $0.0, $0.1) } + rest
  }

  package var negated: Formula {
    switch self {
    case .yes: .no
    case .no: .yes
    case .member(let cell, let set): .member(cell: cell, set.complement)
    case .compare(let operation, let a, let b, let holds):
      .compare(operation, a, b, holds: !holds)
    case .and(let parts): .disjunction(parts.map(\.negated))
    case .or(let parts): .conjunction(parts.map(\.negated))
    }
  }
}

extension Value {
  /// The cells the value depends on, outside the conditions of choices.
  var leafCells: [Int] {
    switch self {
    case .const: return []
    case .cell(let cell): return [cell]
    case .add(let a, let b), .subtract(let a, let b), .choice(_, let a, let b):
      let left = a.leafCells
      return left + b.leafCells.filter { !left.contains($0) }
    }
  }

  static func sum(_ a: Value, _ b: Value) -> Value {
    if case .const(let x) = a, case .const(let y) = b { return .const(x &+ y) }
    if case .const(0) = b { return a }
    if case .const(0) = a { return b }
    if case .choice(let condition, let x, let y) = a {
      return .select(condition, .sum(x, b), .sum(y, b))
    }
    if case .choice(let condition, let x, let y) = b {
      return .select(condition, .sum(a, x), .sum(a, y))
    }
    return .add(a, b)
  }

  static func difference(_ a: Value, _ b: Value) -> Value {
    if case .const(let x) = a, case .const(let y) = b { return .const(x &- y) }
    if case .const(0) = b { return a }
    if case .choice(let condition, let x, let y) = a {
      return .select(condition, .difference(x, b), .difference(y, b))
    }
    if case .choice(let condition, let x, let y) = b {
      return .select(condition, .difference(a, x), .difference(a, y))
    }
    return .subtract(a, b)
  }

  static func select(_ condition: Formula, _ yes: Value, _ no: Value) -> Value {
    switch condition {
    case .yes: yes
    case .no: no
    default: yes == no ? yes : .choice(condition, yes, no)
    }
  }

  /// The value when the cells have the given values; no choices inside.
  fileprivate func evaluate(_ cells: [Int: Int]) -> Int {
    switch self {
    case .const(let value): value
    case .cell(let cell): cells[cell] ?? 0
    case .add(let a, let b): a.evaluate(cells) &+ b.evaluate(cells)
    case .subtract(let a, let b): a.evaluate(cells) &- b.evaluate(cells)
    case .choice(_, let a, _): a.evaluate(cells)
    }
  }
}

/// Comparisons of ground values, turned into atoms over single cells where that is affordable.
package struct Comparer {
  let cells: [CellInfo]

  package init(cells: [CellInfo]) { self.cells = cells }

  /// Above this many combinations a comparison stays a comparison.
  static let affordable = 4096

  package func compare(_ operation: Comparison, _ a: Value, _ b: Value) -> Formula {
    if case .choice(let condition, let x, let y) = a {
      return pick(condition, compare(operation, x, b), compare(operation, y, b))
    }
    if case .choice(let condition, let x, let y) = b {
      return pick(condition, compare(operation, a, x), compare(operation, a, y))
    }
    if a == b { return operation == .equal ? .yes : .no }
    let support = Set(a.leafCells + b.leafCells).sorted()
    var combinations = 1
    for cell in support {
      let (product, overflow) = combinations.multipliedReportingOverflow(by: cells[cell].count)
      guard !overflow, product <= Self.affordable else {
        return .compare(operation, a, b, holds: true)
      }
      combinations = product
    }
    return tabulate(support[...], [:]) { values in
      let x = a.evaluate(values)
      let y = b.evaluate(values)
      return operation == .equal ? x == y : x < y
    }
  }

  func pick(_ condition: Formula, _ yes: Formula, _ no: Formula) -> Formula {
    if yes == no { return yes }
    return .disjunction([
      .conjunction([condition, yes]), .conjunction([condition.negated, no]),
    ])
  }

  private func tabulate(
    _ support: ArraySlice<Int>, _ values: [Int: Int], _ holds: ([Int: Int]) -> Bool
  ) -> Formula {
    guard let cell = support.first else { return holds(values) ? .yes : .no }
    let info = cells[cell]
    var groups: [(formula: Formula, codes: ValueSet)] = []
    for code in 0..<info.count {
      var extended = values
      extended[cell] = code + info.low
      let formula = tabulate(support.dropFirst(), extended, holds)
      if let known = groups.firstIndex(where: { $0.formula == formula }) {
        groups[known].codes.insert(code)
      } else {
        groups.append((formula, ValueSet(count: info.count, [code])))
      }
    }
    return .disjunction(
      groups.map { .conjunction([.member(cell: cell, $0.codes), $0.formula]) })
  }
}
