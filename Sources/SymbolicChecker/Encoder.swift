import SpecLanguage
import SpecProgram

/// One packed state as solver bits: for every cell, its code's bits, lowest first.
struct StateBits {
  let cells: [[Expression]]

  var all: [Expression] { cells.flatMap { $0 } }
}

/// Turns a grounded program into solver expressions, one Bool a state bit.
///
/// No arithmetic reaches the solver: a comparison or a sum is taken apart into atoms over single
/// cells, as in grounding.
struct Encoder {
  let context: SolverContext
  let ground: GroundProgram
  /// A deliberate mistake, for tests of what compares the encoding with the interpreter.
  private let fault: EncoderFault?
  private let comparer: Comparer
  private let widths: [Int]

  init(_ context: SolverContext, _ ground: GroundProgram, fault: EncoderFault? = nil) {
    self.context = context
    self.ground = ground
    self.fault = fault
    comparer = Comparer(cells: ground.program.cells)
    widths = ground.program.cells.map { StateLayout.width(of: $0.count) }
  }

  func state(_ tag: String) throws(SolverError) -> StateBits {
    var cells: [[Expression]] = []
    for (cell, width) in widths.enumerated() {
      var bits: [Expression] = []
      for bit in 0..<width { bits.append(try context.variable("\(tag)_\(cell)_\(bit)")) }
      cells.append(bits)
    }
    return StateBits(cells: cells)
  }

  /// The cell has this code.
  func cell(_ cell: Int, is code: Int, _ state: StateBits) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for (bit, expression) in state.cells[cell].enumerated() {
      parts.append(code >> bit & 1 == 1 ? expression : try context.not(expression))
    }
    return try context.and(parts)
  }

  /// Codes that the cell's bits could spell but its type does not have are excluded.
  func wellFormed(_ state: StateBits) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for (index, info) in ground.program.cells.enumerated() {
      let width = widths[index]
      guard width < 20 else { continue }
      for code in info.count..<max(info.count, 1 << width) {
        parts.append(try context.not(try cell(index, is: code, state)))
      }
    }
    return try context.and(parts)
  }

  func initial(_ state: StateBits) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for (index, code) in ground.program.initial.enumerated() {
      parts.append(try cell(index, is: code, state))
    }
    return try context.and(parts)
  }

  // MARK: Conditions

  func formula(_ formula: Formula, _ state: StateBits) throws(SolverError) -> Expression {
    switch formula {
    case .yes: return try context.constant(true)
    case .no: return try context.constant(false)
    case .member(let cell, let set): return try member(cell, set, state)
    case .and(let parts): return try context.and(try each(parts, state))
    case .or(let parts): return try context.or(try each(parts, state))
    case .compare:
      throw SolverError(message: "a comparison of large numbers is outside this encoding")
    }
  }

  private func each(
    _ parts: [Formula], _ state: StateBits
  ) throws(SolverError) -> [Expression] {
    var result: [Expression] = []
    for part in parts { result.append(try formula(part, state)) }
    return result
  }

  private func member(
    _ index: Int, _ set: ValueSet, _ state: StateBits
  ) throws(SolverError) -> Expression {
    let members = set.members
    if members.count * 2 > set.count {
      return try context.not(try any(of: set.complement.members, index, state))
    }
    return try any(of: members, index, state)
  }

  private func any(
    of codes: [Int], _ index: Int, _ state: StateBits
  ) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for code in codes { parts.append(try cell(index, is: code, state)) }
    return try context.or(parts)
  }

  /// The claim, together with the claim that no step out of the state is a mistake of the spec: a
  /// spec whose steps are undefined has no proofs.
  func property(
    _ property: ResolvedProperty, _ state: StateBits
  ) throws(SolverError) -> Expression {
    let mistakes =
      fault == .mistakes ? [] : ground.rules.filter { $0.fault != nil }.map(\.guardFormula)
    let defined = Formula.disjunction(mistakes).negated
    return try formula(.conjunction([ground.formula(of: property), defined]), state)
  }

  // MARK: Steps

  /// The rules that are steps; a rule that is a mistake is none.
  var steps: [GroundRule] { ground.rules.filter { $0.fault == nil } }

  /// The relation of a rule: its guard, its writes, and everything else unchanged.
  ///
  /// - Parameter frame: `unchanged` for each cell, when several rules share it.
  func step(
    _ rule: GroundRule, _ now: StateBits, _ next: StateBits, frame: [Expression]? = nil
  ) throws(SolverError) -> Expression {
    var parts = [try formula(rule.guardFormula, now)]
    var written: Set<Int> = []
    for (cell, value) in rule.writes {
      written.insert(cell)
      parts.append(try write(cell, value, now, next))
    }
    let free = fault == .frame ? widths.lastIndex { $0 > 0 } : nil
    for cell in widths.indices where !written.contains(cell) && cell != free {
      if let frame {
        parts.append(frame[cell])
      } else {
        parts.append(try unchanged(cell, now, next))
      }
    }
    return try context.and(parts)
  }

  private func unchanged(
    _ cell: Int, _ now: StateBits, _ next: StateBits
  ) throws(SolverError) -> Expression {
    var parts: [Expression] = []
    for (a, b) in zip(now.cells[cell], next.cells[cell]) {
      parts.append(try context.iff(a, b))
    }
    return try context.and(parts)
  }

  private func write(
    _ cell: Int, _ value: Value, _ now: StateBits, _ next: StateBits
  ) throws(SolverError) -> Expression {
    let info = ground.program.cells[cell]
    if case .const(let constant) = value {
      return try self.cell(cell, is: constant - (fault == .offset ? 0 : info.low), next)
    }
    guard info.count <= 4096 else {
      throw SolverError(message: "\(info.name) is too large for this encoding")
    }
    var parts: [Expression] = []
    for code in 0..<info.count {
      let same = comparer.compare(.equal, value, .const(code + info.low))
      parts.append(
        try context.iff(
          try self.cell(cell, is: code, next), try formula(same, now)))
    }
    return try context.and(parts)
  }

  /// Some rule is taken. `selectors`, one a rule, tell which.
  ///
  /// Every selected rule determines the whole next state, so that selecting two changes nothing.
  func transition(
    _ now: StateBits, _ next: StateBits, tag: String
  ) throws(SolverError) -> (relation: Expression, selectors: [Expression]) {
    var selectors: [Expression] = []
    var parts: [Expression] = []
    var frame: [Expression] = []
    for cell in widths.indices { frame.append(try unchanged(cell, now, next)) }
    for (index, rule) in steps.enumerated() {
      let selector = try context.variable("\(tag)_rule\(index)")
      selectors.append(selector)
      parts.append(try context.implies(selector, try step(rule, now, next, frame: frame)))
    }
    parts.append(try context.or(selectors))
    return (try context.and(parts), selectors)
  }

  /// A state out of a model.
  func decode(_ state: StateBits, _ solver: borrowing Solver) throws(SolverError) -> [Int] {
    // One model for all bits: getting it is what costs.
    var values = try solver.values(of: state.all)[...]
    var cells: [Int] = []
    for bits in state.cells {
      let own = values.prefix(bits.count)
      values = values.dropFirst(bits.count)
      cells.append(own.reversed().reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
    }
    return cells
  }
}
