import SpecLanguage

/// The compiled evaluator: guards and effects as data (swift-design §3).
///
/// Rules are sorted by the thread and location they belong to, and are known by their *position* in
/// that order. Where a thread stands names a block of rules. A small block is scanned: a mask test
/// for each rule, then a little code for what does not fit the test. A larger one has indexes that
/// answer all guards at once. An effect is a `keep`/`set` pair a word, then patches that depend on
/// a fact of the index, then code for what does not fit those.
public final class GuardTable {
  public let ground: GroundProgram
  public let layout: StateLayout
  public let maxSuccessors: Int
  let words: Int
  /// The rules, by position.
  let rules: [GroundRule]

  /// The test that most rules fail: `(state[word] & mask) == value`.
  struct Row {
    var mask: UInt64
    var value: UInt64
    var word: Int
  }

  /// What follows when a rule's row or index lets it through.
  struct Effect {
    /// Code for the rest of the guard, or -1.
    var guardCode: Int32 = -1
    /// Code for writes that depend on the state and are no patches, or -1.
    var writeCode: Int32 = -1
    var patchStart: Int32 = 0
    var patchEnd: Int32 = 0
    var isFault = false
    /// No code and no fault.
    var isPlain: Bool { guardCode < 0 && writeCode < 0 && !isFault }
  }

  /// A constant write that depends on a fact: `d[word] = (d[word] & keep) | set`.
  struct Patch {
    var keep: UInt64
    var set: UInt64
    var word: Int32
    /// Which fact: a plane of the index, and a bit.
    var plane: Int16
    var bit: Int16
  }

  /// Rules of one block, at most 64, with the index that answers their guards.
  struct Piece {
    /// Plane 0 has the memberships that the rules ask for, the others have facts.
    var index: ConjunctionIndex
    /// The position of the first rule.
    var first: Int
    /// Planes of facts, from 1 on, that forbid rules; at least 1.
    var forbiddingPlanes: Int
    /// For each rule, and each such plane, the facts that forbid it.
    var forbidding: UnsafeMutablePointer<UInt64>
  }

  /// The rules of one thread; a field says which of its blocks to try.
  struct Group {
    var word = 0
    var shift: UInt64 = 0
    var low: UInt64 = 0
    var blocks: UnsafeMutablePointer<Block>
  }

  /// Positions of rules, and pieces that cover them; scanned when there are none.
  struct Block {
    var start: Int32 = 0
    var end: Int32 = 0
    var firstPiece: Int32 = 0
    var endPiece: Int32 = 0
  }

  /// By position.
  let rows: UnsafeMutablePointer<Row>
  /// By position.
  let effects: UnsafeMutablePointer<Effect>
  /// By position, `keep` and `set` for each word.
  let masks: UnsafeMutablePointer<UInt64>
  let patches: UnsafeMutablePointer<Patch>
  let pieces: UnsafeMutablePointer<Piece>
  let pieceCount: Int
  let groups: UnsafeMutablePointer<Group>
  let groupCount: Int
  /// The group of each thread; -1 for a thread without rules.
  let groupOfThread: [Int]
  let code: MaskCode
  let watch: Watch
  /// The answers of an index.
  let facts: UnsafeMutablePointer<UInt64>
  /// The positions of the rules that fired in the state expanded last.
  let taken: UnsafeMutablePointer<Int32>
  /// How often each rule fired, by position.
  let fired: UnsafeMutablePointer<UInt64>

  /// - Parameters:
  ///   - monitors: conditions that `observe` evaluates; at most 64.
  ///   - layout: how states are packed; cells in order of declaration by default.
  public convenience init(
    _ ground: GroundProgram, monitors: [Monitor], layout: StateLayout? = nil
  ) throws(SpecError) {
    try self.init(ground, monitors: monitors, layout: layout, fault: nil)
  }

  /// - Parameter fault: a mistake to be made on purpose when the table is laid out.
  package init(
    _ ground: GroundProgram, monitors: [Monitor], layout given: StateLayout? = nil,
    fault: GuardTableFault?
  ) throws(SpecError) {
    guard monitors.count <= 64 else {
      throw SpecError(
        "TDX2010", "\(monitors.count) conditions to watch; at most 64",
        suggestion: "choose properties with --property")
    }
    self.ground = ground
    if let given { layout = given } else { layout = try StateLayout(ground.program) }
    words = layout.words
    var builder = GuardTableBuilder(ground, layout, fault: fault)
    builder.build()
    rules = builder.rules
    maxSuccessors = builder.maxSuccessors
    rows = Self.copy(builder.rows)
    effects = Self.copy(builder.effects)
    masks = Self.copy(builder.masks)
    patches = Self.copy(builder.patches)
    pieces = Self.copy(builder.pieces)
    pieceCount = builder.pieces.count
    groups = Self.copy(builder.groups)
    groupCount = builder.groups.count
    groupOfThread = builder.groupOfThread
    taken = Self.copy([Int32](repeating: 0, count: rules.count + 1))
    fired = Self.copy([UInt64](repeating: 0, count: rules.count))
    let planes = builder.pieces.map(\.index.planes).max() ?? 0
    facts = Self.copy([UInt64](repeating: 0, count: planes))
    var compiler = builder.compiler
    watch = Watch(monitors.map(ground.formula), layout, &compiler)
    code = MaskCode(compiler.ops)
  }

  /// The elements in memory that is neither counted nor checked.
  static func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let result = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    for (index, element) in elements.enumerated() { (result + index).initialize(to: element) }
    return result
  }

  deinit {
    for piece in 0..<pieceCount {
      pieces[piece].index.deallocate()
      pieces[piece].forbidding.deallocate()
    }
    for group in 0..<groupCount { groups[group].blocks.deallocate() }
    rows.deallocate()
    effects.deallocate()
    masks.deallocate()
    patches.deallocate()
    pieces.deallocate()
    groups.deallocate()
    facts.deallocate()
    taken.deallocate()
    fired.deallocate()
  }
}

extension GroundProgram {
  package func formula(of monitor: Monitor) -> Formula {
    formula(of: monitor.term, registers: monitor.registers)
  }
}
