import SpecLanguage

/// Lays out the rows, masks, indexes and code of a guard table.
struct GuardTableBuilder {
  let layout: StateLayout
  /// By position.
  private(set) var rules: [GroundRule]
  private(set) var compiler: MaskCompiler
  private(set) var rows: [GuardTable.Row] = []
  private(set) var effects: [GuardTable.Effect] = []
  private(set) var masks: [UInt64] = []
  private(set) var patches: [GuardTable.Patch] = []
  private(set) var pieces: [GuardTable.Piece] = []
  private(set) var groups: [GuardTable.Group] = []
  /// The group of each thread; -1 for a thread without rules.
  private(set) var groupOfThread: [Int] = []
  /// No state has more: every thread is in one of its blocks.
  private(set) var maxSuccessors = 0
  private let program: Program
  private let fault: GuardTableFault?

  /// Blocks of so many rules are faster scanned than looked up.
  private static var scanned: Int { 6 }
  /// Rules of a piece: the bits of a word.
  private static var pieceSize: Int { 64 }

  init(_ ground: GroundProgram, _ layout: StateLayout, fault: GuardTableFault? = nil) {
    self.layout = layout
    self.fault = fault
    program = ground.program
    compiler = MaskCompiler(layout: layout, cells: program.cells)
    // Rules of one thread and location stand together; their order is kept otherwise.
    let all = ground.rules
    let keys = all.map { ($0.label.thread ?? -1, $0.label.source) }
    let order = all.indices.sorted {
      (keys[$0].0, keys[$0].1, $0) < (keys[$1].0, keys[$1].1, $1)
    }
    rules = order.map { all[$0] }
  }

  mutating func build() {
    masks.reserveCapacity(rules.count * layout.words * 2)
    var position = 0
    for thread in -1..<program.threads.count {
      let cell = thread < 0 ? nil : program.threads[thread].location
      let count = cell.map { program.cells[$0].count } ?? 1
      var blocks: [GuardTable.Block] = []
      let first = position
      for location in 0..<count {
        let start = position
        while position < rules.count, (rules[position].label.thread ?? -1) == thread,
          thread < 0 || rules[position].label.source == location
        {
          position += 1
        }
        blocks.append(block(start, position))
      }
      if thread >= 0 { groupOfThread.append(position == first ? -1 : groups.count) }
      if position == first { continue }
      maxSuccessors += blocks.reduce(0) { max($0, Int($1.end - $1.start)) }
      var group = GuardTable.Group(blocks: GuardTable.copy(blocks))
      if let field = cell.map({ layout.fields[$0] }) {
        group.word = field.word
        group.shift = UInt64(field.shift)
        group.low = field.low
      }
      groups.append(group)
    }
    maxSuccessors = max(1, maxSuccessors)
  }

  private mutating func block(_ start: Int, _ end: Int) -> GuardTable.Block {
    var block = GuardTable.Block(start: Int32(start), end: Int32(end))
    block.firstPiece = Int32(pieces.count)
    if end - start > Self.scanned {
      for first in stride(from: start, to: end, by: Self.pieceSize) {
        addPiece(first, min(first + Self.pieceSize, end))
      }
    } else {
      for position in start..<end { addScanned(rules[position]) }
    }
    block.endPiece = Int32(pieces.count)
    return block
  }

  // MARK: Scanned rules

  private mutating func addScanned(_ rule: GroundRule) {
    var (cubes, rest) = compiler.split(rule.guardFormula)
    if fault == .restOfGuard { rest = [] }
    let best = cubes.indices.max { cubes[$0].mask.nonzeroBitCount < cubes[$1].mask.nonzeroBitCount }
    var row = GuardTable.Row(mask: 0, value: 0, word: 0)
    if let best {
      row = GuardTable.Row(
        mask: cubes[best].mask, value: cubes[best].value, word: cubes[best].word)
      cubes.remove(at: best)
    }
    rows.append(row)
    var effect = GuardTable.Effect()
    if !cubes.isEmpty || !rest.isEmpty { effect.guardCode = compiler.guardCode(cubes, rest) }
    var facts: FactTable?
    addEffect(rule, effect, &facts)
  }

  // MARK: Indexed rules

  private mutating func addPiece(_ start: Int, _ end: Int) {
    var facts: FactTable? = FactTable()
    var asked: [Conjunction] = []
    var forbidding: [[Int]] = []
    var begun: [GuardTable.Effect] = []
    for position in start..<end {
      var need = Conjunction()
      var forbids: [Int] = []
      var rest: [Formula] = []
      for part in rules[position].guardFormula.conjuncts {
        if case .member(let cell, let set) = part, canHold(cell),
          let both = need.merged(with: Conjunction(cell, set))
        {
          need = both
        } else if let none = bits(of: part.negated, &facts) {
          forbids += none
        } else {
          rest.append(part)
        }
      }
      asked.append(need)
      forbidding.append(forbids)
      var effect = GuardTable.Effect()
      if !rest.isEmpty { effect.guardCode = compiler.guardCode([], rest) }
      begun.append(effect)
    }
    // The facts that forbid rules come first, so that there are few planes of them.
    let width = max(1, facts?.planes.count ?? 0)
    var flat = [UInt64](repeating: 0, count: asked.count * width)
    for (bit, forbids) in forbidding.enumerated() {
      for fact in forbids { flat[bit * width + fact / 64] |= 1 << UInt64(fact % 64) }
    }
    for position in start..<end {
      rows.append(GuardTable.Row(mask: 0, value: 0, word: 0))
      addEffect(rules[position], begun[position - start], &facts)
    }
    var planes = facts?.planes ?? []
    if planes.isEmpty { planes = [[]] }
    pieces.append(
      GuardTable.Piece(
        index: ConjunctionIndex([asked] + planes, layout), first: start,
        forbiddingPlanes: width, forbidding: GuardTable.copy(flat)))
  }

  private func canHold(_ cell: Int) -> Bool { ConjunctionIndex.canHold(layout.fields[cell]) }

  /// The facts of which at least one holds exactly when a formula does.
  private func bits(of formula: Formula, _ facts: inout FactTable?) -> [Int]? {
    guard let some = formula.alternatives(atMost: FactTable.atOnce, usable: canHold)
    else { return nil }
    return facts?.bits(for: some)
  }

  // MARK: Effects

  /// Appends what a rule writes.
  private mutating func addEffect(
    _ rule: GroundRule, _ begun: GuardTable.Effect, _ facts: inout FactTable?
  ) {
    var effect = begun
    var keep = [UInt64](repeating: ~0, count: layout.words)
    var set = [UInt64](repeating: 0, count: layout.words)
    effect.patchStart = Int32(patches.count)
    for (cell, value) in rule.writes.reversed() {
      let field = layout.fields[cell]
      if case .const(let constant) = value {
        if fault != .staleBits { keep[field.word] &= ~field.mask }
        set[field.word] |= code(cell, constant)
      } else if let some = patches(cell, value, .yes, &facts) {
        patches += some
      } else {
        let next = effect.writeCode < 0 ? compiler.accept : effect.writeCode
        effect.writeCode = compiler.write(cell, value, then: next)
      }
    }
    effect.patchEnd = Int32(patches.count)
    effect.isFault = rule.fault != nil
    for word in 0..<layout.words { masks += [keep[word], set[word]] }
    effects.append(effect)
  }

  /// The code of a constant in place.
  private func code(_ cell: Int, _ constant: Int) -> UInt64 {
    let field = layout.fields[cell]
    let code = UInt64(truncatingIfNeeded: constant - program.cells[cell].low)
    return (code & field.low) << UInt64(field.shift)
  }

  /// The patches for a value that is written under a condition; `nil` when it takes code.
  ///
  /// The conditions of different constants exclude each other, so the order does not matter.
  private func patches(
    _ cell: Int, _ value: Value, _ condition: Formula, _ facts: inout FactTable?
  ) -> [GuardTable.Patch]? {
    switch value {
    case .cell(cell): return []
    case .cell, .add, .subtract: return nil
    case .const(let constant):
      guard let some = bits(of: condition, &facts) else { return nil }
      let field = layout.fields[cell]
      return some.map { fact in
        GuardTable.Patch(
          keep: ~field.mask, set: code(cell, constant), word: Int32(field.word),
          plane: Int16(1 + fact / 64), bit: Int16(fact % 64))
      }
    case .choice(let formula, let a, let b):
      let yes = Formula.conjunction([condition, formula])
      let no = Formula.conjunction([condition, formula.negated])
      guard let first = patches(cell, a, yes, &facts), let second = patches(cell, b, no, &facts)
      else { return nil }
      return first + second
    }
  }
}

/// The facts that the rules of a piece depend on, each once.
private struct FactTable {
  private(set) var planes: [[Conjunction]] = []
  private var numbers: [Conjunction: Int] = [:]

  /// Facts that one condition may need.
  static var atOnce: Int { 16 }
  /// Facts of a piece: more would make looking them up slower than running code.
  private static var most: Int { 256 }

  /// The numbers of facts, new or known; `nil` when there is no room.
  mutating func bits(for facts: [Conjunction]) -> [Int]? {
    let new = facts.count { numbers[$0] == nil }
    guard numbers.count + new <= Self.most else { return nil }
    return facts.map { fact in
      if let known = numbers[fact] { return known }
      let number = numbers.count
      numbers[fact] = number
      if number % 64 == 0 { planes.append([]) }
      planes[number / 64].append(fact)
      return number
    }
  }
}

extension MaskCompiler {
  /// Code for what is left of a guard.
  mutating func guardCode(_ cubes: [Cube], _ rest: [Formula]) -> Int32 {
    var entry = accept
    for part in rest.reversed() { entry = condition(part, yes: entry, no: reject) }
    for cube in cubes.reversed() { entry = test(cube, yes: entry, no: reject) }
    return entry
  }
}
