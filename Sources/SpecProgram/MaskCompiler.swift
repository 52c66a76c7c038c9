import SpecLanguage

/// A test of one word: `(word & mask) == value`.
struct Cube: Hashable {
  let word: Int
  var mask: UInt64
  var value: UInt64
}

/// Turns formulas and writes into `MaskOp`s. Code is made back to front: a piece is emitted when
/// the instructions that follow it are known.
struct MaskCompiler {
  let layout: StateLayout
  let cells: [CellInfo]
  private(set) var ops: [MaskOp] = []
  let accept: Int32 = 0
  let reject: Int32 = 1

  init(layout: StateLayout, cells: [CellInfo]) {
    self.layout = layout
    self.cells = cells
    ops = [MaskOp(kind: .accept), MaskOp(kind: .reject)]
  }

  private mutating func emit(_ op: MaskOp) -> Int32 {
    ops.append(op)
    return Int32(ops.count - 1)
  }

  // MARK: Cubes

  /// The single mask test that means membership, if there is one.
  func cube(_ cell: Int, _ set: ValueSet) -> Cube? {
    let members = set.members
    guard let first = members.first else { return nil }
    let field = layout.fields[cell]
    var agreed = field.low
    for code in members { agreed &= ~(UInt64(code) ^ UInt64(first)) }
    let value = UInt64(first) & agreed
    for code in 0..<set.count where !set.contains(code) && UInt64(code) & agreed == value {
      return nil
    }
    let shift = UInt64(field.shift)
    return Cube(word: field.word, mask: (agreed & field.low) << shift, value: value << shift)
  }

  /// Splits a conjunction into one cube a word and what does not fit a cube.
  func split(_ formula: Formula) -> (cubes: [Cube], rest: [Formula]) {
    var cubes: [Cube] = []
    var rest: [Formula] = []
    for part in formula.conjuncts {
      guard case .member(let cell, let set) = part, let cube = cube(cell, set) else {
        rest.append(part)
        continue
      }
      Self.join(cube, to: &cubes)
    }
    return (cubes, rest)
  }

  /// Splits a disjunction into cubes that all hold when none of their parts does, and the rest.
  private func splitNegated(_ parts: [Formula]) -> (cubes: [Cube], rest: [Formula]) {
    var cubes: [Cube] = []
    var rest: [Formula] = []
    for part in parts {
      guard case .member(let cell, let set) = part, let cube = cube(cell, set.complement) else {
        rest.append(part)
        continue
      }
      Self.join(cube, to: &cubes)
    }
    return (cubes, rest)
  }

  private static func join(_ cube: Cube, to cubes: inout [Cube]) {
    if let known = cubes.firstIndex(where: { $0.word == cube.word }) {
      cubes[known].mask |= cube.mask
      cubes[known].value |= cube.value
    } else {
      cubes.append(cube)
    }
  }

  // MARK: Conditions

  mutating func condition(_ formula: Formula, yes: Int32, no: Int32) -> Int32 {
    switch formula {
    case .yes: return yes
    case .no: return no
    case .member(let cell, let set): return member(cell, set, yes: yes, no: no)
    case .compare(let operation, let a, let b, let holds):
      var op = MaskOp(kind: operation == .equal ? .testEqual : .testLess)
      op.yes = holds ? yes : no
      op.no = holds ? no : yes
      let test = emit(op)
      return number(a, then: number(b, then: test))
    case .and:
      let (cubes, rest) = split(formula)
      var entry = yes
      for part in rest.reversed() { entry = condition(part, yes: entry, no: no) }
      for cube in cubes.reversed() { entry = test(cube, yes: entry, no: no) }
      return entry
    case .or(let parts):
      // The dual: a disjunction holds unless all of the negated parts hold. Only atoms are
      // negated: a negation of everything would be one more at every level.
      let (cubes, rest) = splitNegated(parts)
      var entry = no
      for part in rest.reversed() { entry = condition(part, yes: yes, no: entry) }
      for cube in cubes.reversed() { entry = test(cube, yes: entry, no: yes) }
      return entry
    }
  }

  mutating func test(_ cube: Cube, yes: Int32, no: Int32) -> Int32 {
    var op = MaskOp(kind: .testMask)
    op.mask = cube.mask
    op.value = cube.value
    op.word = UInt16(cube.word)
    op.yes = yes
    op.no = no
    return emit(op)
  }

  private mutating func member(_ cell: Int, _ set: ValueSet, yes: Int32, no: Int32) -> Int32 {
    if let cube = cube(cell, set) { return test(cube, yes: yes, no: no) }
    if let cube = cube(cell, set.complement) { return test(cube, yes: no, no: yes) }
    // A table of 64 bits for each value of the field's upper bits.
    let field = layout.fields[cell]
    var entry = no
    for (upper, bits) in set.words.enumerated().reversed() where bits != 0 {
      var hit = yes
      let codes = min(64, set.count - upper * 64)
      if bits.nonzeroBitCount < codes {
        var op = MaskOp(kind: .testTable)
        op.mask = field.low & 63
        op.value = bits
        op.word = UInt16(field.word)
        op.shift = UInt8(field.shift)
        op.yes = yes
        op.no = no
        hit = emit(op)
      }
      if set.words.count == 1 { return hit }
      let above = field.low & ~63
      let cube = Cube(
        word: field.word, mask: above << UInt64(field.shift),
        value: UInt64(upper) << UInt64(field.shift + 6))
      entry = test(cube, yes: hit, no: entry)
    }
    return entry
  }

  // MARK: Numbers

  private mutating func number(_ value: Value, then next: Int32) -> Int32 {
    switch value {
    case .const(let constant):
      var op = MaskOp(kind: .pushConst)
      op.value = UInt64(bitPattern: Int64(constant))
      op.yes = next
      return emit(op)
    case .cell(let cell):
      let field = layout.fields[cell]
      var op = MaskOp(kind: .pushField)
      op.mask = field.low
      op.value = UInt64(bitPattern: Int64(cells[cell].low))
      op.word = UInt16(field.word)
      op.shift = UInt8(field.shift)
      op.yes = next
      return emit(op)
    case .add(let a, let b), .subtract(let a, let b):
      var op = MaskOp(kind: .subtract)
      if case .add = value { op.kind = .add }
      op.yes = next
      let join = emit(op)
      return number(a, then: number(b, then: join))
    case .choice(let formula, let a, let b):
      let yes = number(a, then: next)
      let no = number(b, then: next)
      return condition(formula, yes: yes, no: no)
    }
  }

  // MARK: Writes

  /// Code that writes a value into a cell and goes on.
  mutating func write(_ cell: Int, _ value: Value, then next: Int32) -> Int32 {
    let field = layout.fields[cell]
    switch value {
    case .cell(cell): return next
    case .const(let constant):
      var op = MaskOp(kind: .apply)
      op.mask = ~field.mask
      op.value =
        (UInt64(truncatingIfNeeded: constant - cells[cell].low) & field.low)
        << UInt64(field.shift)
      op.word = UInt16(field.word)
      op.yes = next
      return emit(op)
    case .choice(let formula, let a, let b):
      let yes = write(cell, a, then: next)
      let no = write(cell, b, then: next)
      return condition(formula, yes: yes, no: no)
    case .cell, .add, .subtract:
      var op = MaskOp(kind: .store)
      op.mask = field.low
      op.value = UInt64(bitPattern: Int64(cells[cell].low))
      op.word = UInt16(field.word)
      op.shift = UInt8(field.shift)
      op.yes = next
      return number(value, then: emit(op))
    }
  }
}

extension Formula {
  package var conjuncts: [Formula] {
    if case .and(let parts) = self { return parts }
    return [self]
  }
}
