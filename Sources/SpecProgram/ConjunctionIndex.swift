/// Answers for many conjunctions at once which of them hold in a packed state.
///
/// A state is cut into chunks of a few bits, along the borders of fields. For each chunk and each
/// code that it can have, a table knows which conjunctions that code does not exclude, one bit
/// each; the bits of all chunks, and-ed, are the answer. That costs a load a chunk whatever the
/// conjunctions say, and does not branch. There is an answer for every plane of 64 conjunctions.
///
/// The memory is freed by `deallocate()` only: a value that is copied around on the hot path must
/// not be counted.
struct ConjunctionIndex {
  struct Chunk {
    var word: Int32
    var shift: Int32
    var low: UInt64
    /// Where the codes of the chunk begin in a plane of the table.
    var row: Int
  }

  let planes: Int
  private let chunkCount: Int
  /// Words of a plane of the table.
  private let rows: Int
  private let chunks: UnsafeMutablePointer<Chunk>
  /// Plane after plane.
  private let table: UnsafeMutablePointer<UInt64>
  /// The conjunctions that exist.
  private let known: UnsafeMutablePointer<UInt64>

  /// Bits of a chunk of several fields. Larger ones mean fewer loads, but tables that leave no room
  /// in a cache of 32 KiB.
  private static var chunkBits: Int { 7 }
  /// Bits of a chunk that is one field.
  private static var fieldBits: Int { 10 }

  /// Whether an index can say anything about a field.
  static func canHold(_ field: BitField) -> Bool { field.width <= fieldBits }

  /// - Parameter planes: for each plane, up to 64 conjunctions over fields that `canHold` accepts.
  init(_ planes: [[Conjunction]], _ layout: StateLayout) {
    self.planes = planes.count
    let cut = Self.cut(planes, layout)
    rows = cut.reduce(0) { $0 + Int($1.low) + 1 }
    chunkCount = cut.count
    chunks = .allocate(capacity: max(1, cut.count))
    table = .allocate(capacity: max(1, rows * planes.count))
    table.initialize(repeating: 0, count: max(1, rows * planes.count))
    known = .allocate(capacity: max(1, planes.count))
    for (plane, conjunctions) in planes.enumerated() {
      let all: UInt64 = conjunctions.count >= 64 ? ~0 : (1 << UInt64(conjunctions.count)) - 1
      (known + plane).initialize(to: all)
    }
    for (index, chunk) in cut.enumerated() {
      (chunks + index).initialize(to: chunk)
      for (plane, conjunctions) in planes.enumerated() {
        for (bit, one) in conjunctions.enumerated() {
          fill(chunk, plane, bit, one, layout)
        }
      }
    }
  }

  /// Says for which codes of a chunk a conjunction is still possible.
  private func fill(
    _ chunk: Chunk, _ plane: Int, _ bit: Int, _ one: Conjunction, _ layout: StateLayout
  ) {
    let end = Int(chunk.shift) + UInt64.bitWidth - chunk.low.leadingZeroBitCount
    let tests = one.sets.compactMap { cell, set -> (shift: UInt64, low: UInt64, set: ValueSet)? in
      let field = layout.fields[cell]
      guard field.word == Int(chunk.word), field.shift >= Int(chunk.shift), field.shift < end
      else { return nil }
      return (UInt64(field.shift - Int(chunk.shift)), field.low, set)
    }
    for code in 0...chunk.low {
      if tests.allSatisfy({ $0.set.contains(Int(code >> $0.shift & $0.low)) }) {
        table[plane * rows + chunk.row + Int(code)] |= 1 << UInt64(bit)
      }
    }
  }

  /// Cuts the fields that the conjunctions speak about into chunks.
  private static func cut(_ planes: [[Conjunction]], _ layout: StateLayout) -> [Chunk] {
    let cells = Set(planes.joined().flatMap { $0.sets.keys })
    let fields = cells.map { layout.fields[$0] }.filter { $0.width > 0 }
      .sorted { ($0.word, $0.shift) < ($1.word, $1.shift) }
    var chunks: [Chunk] = []
    var row = 0
    var next = fields[...]
    while let first = next.popFirst() {
      var end = first.shift + first.width
      while let field = next.first, field.word == first.word,
        field.shift + field.width - first.shift <= chunkBits
      {
        end = field.shift + field.width
        next.removeFirst()
      }
      let low: UInt64 = (1 << UInt64(end - first.shift)) - 1
      chunks.append(
        Chunk(word: Int32(first.word), shift: Int32(first.shift), low: low, row: row))
      row += Int(low) + 1
    }
    return chunks
  }

  /// The answer for one plane.
  ///
  /// - Parameter words: words of a state; a literal 1 makes the code for small states.
  @inline(__always)
  func answer(_ plane: Int, _ state: UnsafePointer<UInt64>, words: Int) -> UInt64 {
    var result = known[plane]
    var chunk = chunks
    let end = chunks + chunkCount
    let base = table + plane &* rows
    while chunk != end {
      let word = words == 1 ? state[0] : state[Int(chunk.pointee.word)]
      let shift = UInt64(truncatingIfNeeded: chunk.pointee.shift)
      let code = Int(truncatingIfNeeded: (word &>> shift) & chunk.pointee.low)
      result &= base[chunk.pointee.row &+ code]
      chunk += 1
    }
    return result
  }

  func deallocate() {
    chunks.deallocate()
    table.deallocate()
    known.deallocate()
  }
}
