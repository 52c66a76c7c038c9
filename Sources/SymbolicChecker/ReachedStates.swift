import SpecLanguage
import SpecProgram

/// A repeatable source of numbers (SplitMix64); nothing is claimed because of them.
struct WalkChoices {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(below count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(truncatingIfNeeded: (mixed ^ (mixed >> 31)) >> 1) % max(1, count)
  }
}

/// States that random walks from the initial one reach, as one row of bits for each cell's code.
///
/// They only save work: what they refute is not a lemma, what they do not refute may not be one
/// either.
struct ReachedStates {
  /// For each cell and code, a bit for each state.
  private let rows: [[[UInt64]]]
  let words: Int

  /// - Parameter count: how many states are looked at, rounded up to 64.
  init(_ ground: GroundProgram, count: Int, seed: UInt64 = 1) throws {
    let words = (count + 63) / 64
    self.words = words
    let cells = ground.program.cells
    var rows = cells.map { cell in
      [[UInt64]](
        repeating: [UInt64](repeating: 0, count: words),
        count: cell.count <= LiteralTable.mostCodes || Self.isPlace(cell) ? cell.count : 0)
    }
    let table = try GuardTable(ground, monitors: [])
    let layout = table.layout
    let start = UnsafeMutablePointer<UInt64>.allocate(capacity: layout.words)
    let current = UnsafeMutablePointer<UInt64>.allocate(capacity: layout.words)
    let target = UnsafeMutablePointer<UInt64>.allocate(
      capacity: table.maxSuccessors * layout.words)
    let found = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    defer {
      for memory in [start, current, target] { memory.deallocate() }
      found.deallocate()
    }
    layout.pack(ground.program.initial, into: start)
    current.update(from: start, count: layout.words)
    var choices = WalkChoices(seed: seed)
    let places = ground.program.threadCells.map { layout.fields[$0.location] }
    var left = 0
    // One thread goes on for a while, so that the others are met at every place.
    var turn = 0
    var movers: [Int] = []
    for number in 0..<words * 64 {
      for (cell, field) in layout.fields.enumerated() where !rows[cell].isEmpty {
        let code = Int(
          truncatingIfNeeded: current[field.word] >> UInt64(field.shift)
            & ((1 << UInt64(field.width)) - 1))
        rows[cell][code][number >> 6] |= 1 << UInt64(number & 63)
      }
      let total = try table.expand(current, 1, into: target, counts: found)
      if left == 0 || total == 0 {
        left = 20 + choices.next(below: 400)
        current.update(from: start, count: layout.words)
      } else {
        left -= 1
        if choices.next(below: 8) == 0 { turn = choices.next(below: places.count + 1) }
        movers.removeAll(keepingCapacity: true)
        if turn < places.count {
          let place = places[turn]
          let mask = ((UInt64(1) << UInt64(place.width)) - 1) << UInt64(place.shift)
          for successor in 0..<total {
            let word = target[successor * layout.words + place.word]
            if (word ^ current[place.word]) & mask != 0 { movers.append(successor) }
          }
        }
        let number =
          movers.isEmpty ? choices.next(below: total) : movers[choices.next(below: movers.count)]
        let chosen = target + number * layout.words
        current.update(from: chosen, count: layout.words)
      }
    }
    self.rows = rows
  }

  private static func isPlace(_ cell: CellInfo) -> Bool {
    if case .location = cell.role { true } else { false }
  }

  /// In which of the states the literal holds.
  func row(of literal: LemmaLiteral) -> [UInt64] {
    guard let first = literal.atoms.first else { return [UInt64](repeating: ~0, count: words) }
    var row = rows[first.cell][first.code]
    for atom in literal.atoms.dropFirst() {
      let other = rows[atom.cell][atom.code]
      for word in 0..<words { row[word] &= other[word] }
    }
    return row
  }
}
