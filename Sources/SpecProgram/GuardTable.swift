import SpecLanguage

/// The compiled evaluator: a rule is a mask test, a keep/set pair a word, and a little code for
/// what does not fit those (swift-design §3).
public final class GuardTable {
  public let ground: GroundProgram
  public let layout: StateLayout
  let words: Int
  let ruleCount: Int

  /// The test that most rules fail: `(state[word] & mask) == value`.
  struct Row {
    var mask: UInt64
    var value: UInt64
    var word: Int32
    var rule: Int32
  }

  /// What follows when a row's test holds.
  struct Effect {
    /// Code for the rest of the guard, or -1.
    var guardCode: Int32
    /// Code for writes that depend on the state, or -1.
    var writeCode: Int32
    var isFault: Bool
  }

  let rows: UnsafeMutablePointer<Row>
  let effects: UnsafeMutablePointer<Effect>
  /// For each rule, `keep` and `set` for each word.
  let masks: UnsafeMutablePointer<UInt64>
  /// Where a thread stands decides which rows to try: for each thread, ranges of rows by location.
  let groups: [Group]
  let code: MaskCode
  let monitorCode: [Int32]
  let scratch: UnsafeMutablePointer<UInt64>
  let taken: UnsafeMutablePointer<Int32>
  /// How often each rule fired.
  let fired: UnsafeMutablePointer<UInt64>

  /// Rows that share a field: `starts[code]..<starts[code + 1]`.
  struct Group {
    let word: Int
    let shift: UInt64
    let low: UInt64
    let starts: UnsafeMutablePointer<Int32>
    let count: Int
  }

  public var maxSuccessors: Int { ruleCount }

  /// - Parameter monitors: conditions that `observe` evaluates; at most 64.
  public init(_ ground: GroundProgram, monitors: [Monitor]) throws(SpecError) {
    guard monitors.count <= 64 else {
      throw SpecError(
        "TDX2010", "\(monitors.count) conditions to watch; at most 64",
        suggestion: "choose properties with --property")
    }
    self.ground = ground
    layout = try StateLayout(ground.program)
    words = layout.words
    ruleCount = ground.rules.count
    var builder = GuardTableBuilder(ground, layout)
    builder.build()
    rows = .allocate(capacity: max(1, ruleCount))
    effects = .allocate(capacity: max(1, ruleCount))
    masks = .allocate(capacity: max(1, ruleCount * words * 2))
    scratch = .allocate(capacity: words)
    scratch.initialize(repeating: 0, count: words)
    taken = .allocate(capacity: ruleCount + 1)
    taken.initialize(repeating: 0, count: ruleCount + 1)
    fired = .allocate(capacity: max(1, ruleCount))
    fired.initialize(repeating: 0, count: max(1, ruleCount))
    for (index, row) in builder.rows.enumerated() { (rows + index).initialize(to: row) }
    for (index, effect) in builder.effects.enumerated() {
      (effects + index).initialize(to: effect)
    }
    for (index, mask) in builder.masks.enumerated() { (masks + index).initialize(to: mask) }
    groups = builder.makeGroups()
    var compiler = builder.compiler
    monitorCode = monitors.map { monitor in
      compiler.condition(
        ground.formula(of: monitor.term, registers: monitor.registers),
        yes: compiler.accept, no: compiler.reject)
    }
    code = MaskCode(compiler.ops)
  }

  deinit {
    rows.deallocate()
    effects.deallocate()
    masks.deallocate()
    fired.deallocate()
    scratch.deallocate()
    taken.deallocate()
    for group in groups { group.starts.deallocate() }
  }
}

/// A condition to be evaluated on every new state.
public struct Monitor: Sendable {
  let term: Term
  let registers: Int

  /// Where a property is decided: an `Always` fails, a `Possible` is reached.
  public static func decisive(_ property: ResolvedProperty) -> Monitor {
    if case .always = property.property.kind {
      return Monitor(term: .not(property.term), registers: property.registerCount)
    }
    return Monitor(term: property.term, registers: property.registerCount)
  }

  /// Where a property's premise holds; `nil` when it has none.
  public static func premise(_ property: ResolvedProperty) -> Monitor? {
    property.premise.map { Monitor(term: $0, registers: property.registerCount) }
  }

  /// The states that count for a refused `Possible`; `nil` when all do.
  public static func after(_ property: ResolvedProperty) -> Monitor? {
    property.after.map { Monitor(term: $0, registers: property.registerCount) }
  }
}

/// Lays out the rows, masks and code of a guard table.
private struct GuardTableBuilder {
  let ground: GroundProgram
  let layout: StateLayout
  var compiler: MaskCompiler
  var rows: [GuardTable.Row] = []
  var effects: [GuardTable.Effect] = []
  var masks: [UInt64] = []
  /// For each row, the thread whose location it tests, and that location.
  private var keys: [(thread: Int, location: Int)] = []

  init(_ ground: GroundProgram, _ layout: StateLayout) {
    self.ground = ground
    self.layout = layout
    compiler = MaskCompiler(layout: layout, cells: ground.program.cells)
  }

  mutating func build() {
    for (index, rule) in ground.rules.enumerated() {
      rows.append(row(rule, index))
      keys.append((rule.label.thread ?? -1, rule.label.source))
    }
    // Rows of one thread and location stand together; the order of rules is kept within them.
    let order = rows.indices.sorted {
      (keys[$0].thread, keys[$0].location, $0) < (keys[$1].thread, keys[$1].location, $1)
    }
    rows = order.map { rows[$0] }
    keys = order.map { keys[$0] }
  }

  private mutating func row(_ rule: GroundRule, _ index: Int) -> GuardTable.Row {
    var (cubes, rest) = compiler.split(rule.guardFormula)
    let best = cubes.indices.max { cubes[$0].mask.nonzeroBitCount < cubes[$1].mask.nonzeroBitCount }
    var row = GuardTable.Row(mask: 0, value: 0, word: 0, rule: Int32(index))
    if let best {
      row.mask = cubes[best].mask
      row.value = cubes[best].value
      row.word = Int32(cubes[best].word)
      cubes.remove(at: best)
    }
    var guardCode: Int32 = -1
    if !cubes.isEmpty || !rest.isEmpty {
      guardCode = compiler.guardCode(cubes, rest)
    }
    var keep = [UInt64](repeating: ~0, count: layout.words)
    var set = [UInt64](repeating: 0, count: layout.words)
    var writeCode: Int32 = -1
    for (cell, value) in rule.writes.reversed() {
      let field = layout.fields[cell]
      if case .const(let constant) = value {
        let code = UInt64(truncatingIfNeeded: constant - ground.program.cells[cell].low)
        keep[field.word] &= ~field.mask
        set[field.word] |= (code & field.low) << UInt64(field.shift)
      } else {
        let next = writeCode < 0 ? compiler.accept : writeCode
        writeCode = compiler.write(cell, value, then: next)
      }
    }
    for word in 0..<layout.words { masks += [keep[word], set[word]] }
    effects.append(
      GuardTable.Effect(
        guardCode: guardCode, writeCode: writeCode, isFault: rule.fault != nil))
    return row
  }

  func makeGroups() -> [GuardTable.Group] {
    var groups: [GuardTable.Group] = []
    for thread in -1..<ground.program.threads.count {
      var field = BitField(word: 0, shift: 0, width: 0)
      var count = 1
      if thread >= 0 {
        let cell = ground.program.threads[thread].location
        field = layout.fields[cell]
        count = ground.program.cells[cell].count
      }
      let starts = UnsafeMutablePointer<Int32>.allocate(capacity: count + 1)
      var position = keys.firstIndex { $0.thread >= thread } ?? keys.count
      for location in 0..<count {
        starts[location] = Int32(position)
        while position < keys.count, keys[position].thread == thread,
          keys[position].location == location
        {
          position += 1
        }
      }
      starts[count] = Int32(position)
      groups.append(
        GuardTable.Group(
          word: field.word, shift: UInt64(field.shift), low: field.low, starts: starts,
          count: count))
    }
    return groups.filter { $0.starts[$0.count] > $0.starts[0] }
  }
}

extension MaskCompiler {
  /// Code for what is left of a guard after its row.
  mutating func guardCode(_ cubes: [Cube], _ rest: [Formula]) -> Int32 {
    var entry = accept
    for part in rest.reversed() { entry = condition(part, yes: entry, no: reject) }
    for cube in cubes.reversed() { entry = test(cube, yes: entry, no: reject) }
    return entry
  }
}
