import SpecLanguage

/// Where a cell is in a packed state.
public struct BitField: Hashable, Sendable {
  public let word: Int
  public let shift: Int
  public let width: Int

  /// The field's bits, at the bottom of a word.
  package var low: UInt64 { width >= 64 ? ~0 : (1 << UInt64(width)) - 1 }
  /// The field's bits, in place.
  package var mask: UInt64 { low << UInt64(shift) }
}

/// A packed state: each cell a bit field in one of a few 64-bit words.
///
/// Bit 63 of word 0 is never used, so that a store can mark a slot as taken with it.
public struct StateLayout: Sendable {
  public let fields: [BitField]
  public let words: Int

  /// Places every cell in the first word with room.
  ///
  /// - Parameter order: which cells come first; in order of declaration by default.
  /// - Throws: `TDX1202` when a cell needs more than 62 bits.
  public init(_ program: Program, order: [Int]? = nil) throws(SpecError) {
    var fields = [BitField](
      repeating: BitField(word: 0, shift: 0, width: 0), count: program.cells.count)
    var used = [0]
    for number in order ?? Array(program.cells.indices) {
      let cell = program.cells[number]
      let width = Self.width(of: cell.count)
      guard width <= 62 else {
        throw SpecError(
          "TDX1202", "\(cell.name) takes \(width) bits; at most 62 fit a field",
          suggestion: "declare a smaller range")
      }
      var word = 0
      while word < used.count, used[word] + width > (word == 0 ? 63 : 64) { word += 1 }
      if word == used.count { used.append(0) }
      fields[number] = BitField(word: word, shift: used[word], width: width)
      used[word] += width
    }
    self.fields = fields
    words = used.count
  }

  /// How many bits a cell with so many values takes; a cell with one value takes none.
  package static func width(of count: Int) -> Int {
    count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }

  /// How many bits a state has.
  public var bits: Int { fields.reduce(0) { $0 + $1.width } }

  public func pack(_ state: [Int], into words: UnsafeMutablePointer<UInt64>) {
    for word in 0..<self.words { words[word] = 0 }
    for (field, code) in zip(fields, state) {
      words[field.word] |= UInt64(truncatingIfNeeded: code) << UInt64(field.shift)
    }
  }

  public func unpack(_ words: UnsafePointer<UInt64>) -> [Int] {
    fields.map { Int(truncatingIfNeeded: words[$0.word] >> UInt64($0.shift) & $0.low) }
  }
}
