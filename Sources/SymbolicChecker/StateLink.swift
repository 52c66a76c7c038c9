import SpecLanguage
import SpecProgram

/// When a state of one spec and a state of another are the same, as far as both have it.
///
/// Variables, enumeration cases, answers and steps are the same when their names are. A value or a
/// place that only one spec has is left out: a state with it has no counterpart.
struct StateLink {
  private let first: Encoder
  private let second: Encoder
  private var context: SolverContext { first.context }

  init(_ first: Encoder, _ second: Encoder) {
    self.first = first
    self.second = second
  }

  func relation(_ a: StateBits, _ b: StateBits) throws(SolverError) -> Expression {
    let (one, two) = (first.ground.program, second.ground.program)
    var parts = [try first.wellFormed(a), try second.wellFormed(b)]
    for (left, right) in Self.common(one, two) {
      let codes = Self.codes(one, left, two, right)
      parts.append(try same(left, a, right, b, codes))
    }
    for thread in 0..<min(one.threadCount, two.threadCount) {
      parts += try standing(thread, a, b)
    }
    return try context.and(parts)
  }

  /// The cells of variables that both programs have, by name.
  static func common(_ one: Program, _ two: Program) -> [(Int, Int)] {
    var others: [String: Int] = [:]
    for (index, cell) in two.cells.enumerated() {
      if case .variable = cell.role { others[cell.name] = index }
    }
    return one.cells.enumerated().compactMap { index, cell in
      guard case .variable = cell.role, let other = others[cell.name] else { return nil }
      return (index, other)
    }
  }

  /// The codes of two cells that stand for the same value in words.
  private static func codes(
    _ one: Program, _ left: Int, _ two: Program, _ right: Int
  ) -> [(Int, Int)] {
    let (a, b) = (one.cells[left], two.cells[right])
    if a.type == b.type, a.low == b.low, a.count == b.count, a.type != .outcome {
      return (0..<a.count).map { ($0, $0) }
    }
    func words(_ program: Program, _ cell: Int) -> [String] {
      (0..<program.cells[cell].count).map { code in
        var state = program.initial
        state[cell] = code
        return program.value(of: cell, in: state)
      }
    }
    let others = words(two, right)
    return words(one, left).enumerated().compactMap { code, word in
      guard word != "?", let other = others.firstIndex(of: word) else { return nil }
      return (code, other)
    }
  }

  /// Both cells have one of the pairs of codes.
  private func same(
    _ left: Int, _ a: StateBits, _ right: Int, _ b: StateBits, _ codes: [(Int, Int)]
  ) throws(SolverError) -> Expression {
    let bits = (a.cells[left], b.cells[right])
    let isIdentity = codes.allSatisfy { $0.0 == $0.1 }
    if isIdentity, bits.0.count == bits.1.count,
      codes.count == first.ground.program.cells[left].count
    {
      var parts: [Expression] = []
      for (x, y) in zip(bits.0, bits.1) { parts.append(try context.iff(x, y)) }
      return try context.and(parts)
    }
    var pairs: [Expression] = []
    for (x, y) in codes {
      pairs.append(
        try context.and([try first.cell(left, is: x, a), try second.cell(right, is: y, b)]))
    }
    return try context.or(pairs)
  }

  /// The thread stands at the same place in both and remembers the same there.
  private func standing(
    _ thread: Int, _ a: StateBits, _ b: StateBits
  ) throws(SolverError) -> [Expression] {
    let (one, two) = (first.ground.program, second.ground.program)
    guard let left = Self.location(thread, one), let right = Self.location(thread, two) else {
      return []
    }
    let others = two.places
    var codes: [(Int, Int)] = []
    for (location, place) in one.places.enumerated() {
      if let other = others.firstIndex(of: place) { codes.append((location, other)) }
    }
    var parts = [try same(left, a, right, b, codes)]
    for (x, y) in codes {
      let there = try first.cell(left, is: x, a)
      let memory = two.remembered(by: thread, at: y)
      for own in one.remembered(by: thread, at: x) {
        guard let other = memory.first(where: { $0.name == own.name && $0.type == own.type }),
          other.cells.count == own.cells.count
        else { continue }
        for (p, q) in zip(own.cells, other.cells) {
          let equal = try same(p, a, q, b, remembered(own.type, p, q))
          parts.append(try context.implies(there, equal))
        }
      }
    }
    return parts
  }

  private func remembered(_ type: ValueType, _ left: Int, _ right: Int) -> [(Int, Int)] {
    let (one, two) = (first.ground.program, second.ground.program)
    if type == .outcome {
      return one.outcomes.enumerated().compactMap { code, outcome in
        two.outcomes.firstIndex(of: outcome).map { (code, $0) }
      }
    }
    return (0..<min(one.cells[left].count, two.cells[right].count)).map { ($0, $0) }
  }

  private static func location(_ thread: Int, _ program: Program) -> Int? {
    program.cells.firstIndex { $0.role == .location(thread: thread) }
  }
}
