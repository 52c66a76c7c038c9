/// Decodes one DEFLATE stream (RFC 1951).
struct Inflater {
  var reader: BitReader
  var out: [UInt8]

  mutating func run() throws(GunzipError) {
    var isLast = false
    while !isLast {
      isLast = try reader.bits(1) == 1
      switch try reader.bits(2) {
      case 0: try stored()
      case 1: try compressed(Self.fixedLengths, Self.fixedDistances)
      case 2:
        let (lengths, distances) = try dynamicCodes()
        try compressed(lengths, distances)
      default: throw GunzipError(.damaged, "a block of an unknown kind")
      }
    }
  }

  private mutating func stored() throws(GunzipError) {
    try reader.alignToByte()
    let length = try reader.bits(16)
    guard try reader.bits(16) == ~length & 0xFFFF else {
      throw GunzipError(.damaged, "a stored block with a wrong length")
    }
    for _ in 0..<length { out.append(UInt8(try reader.bits(8))) }
  }

  private static let lengthBase = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
    131, 163, 195, 227, 258,
  ]
  private static let lengthBits = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBase = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]
  private static let distanceBits = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12,
    13, 13,
  ]
  private static let fixedLengths = PrefixCode(
    (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  private static let fixedDistances = PrefixCode([Int](repeating: 5, count: 30))

  private mutating func compressed(
    _ lengths: PrefixCode, _ distances: PrefixCode
  ) throws(GunzipError) {
    while true {
      let symbol = try lengths.next(&reader)
      if symbol < 256 {
        out.append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return }
      let index = symbol - 257
      guard Self.lengthBase.indices.contains(index) else {
        throw GunzipError(.damaged, "a length that there is not")
      }
      let length = Self.lengthBase[index] + (try reader.bits(Self.lengthBits[index]))
      let code = try distances.next(&reader)
      guard Self.distanceBase.indices.contains(code) else {
        throw GunzipError(.damaged, "a distance that there is not")
      }
      let distance = Self.distanceBase[code] + (try reader.bits(Self.distanceBits[code]))
      guard distance <= out.count else {
        throw GunzipError(.damaged, "a distance to before the start")
      }
      var from = out.count - distance
      for _ in 0..<length {
        out.append(out[from])
        from += 1
      }
    }
  }

  private static let order = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]

  private mutating func dynamicCodes() throws(GunzipError) -> (PrefixCode, PrefixCode) {
    let lengthCount = try reader.bits(5) + 257
    let distanceCount = try reader.bits(5) + 1
    let codeCount = try reader.bits(4) + 4
    var sizes = [Int](repeating: 0, count: 19)
    for position in Self.order.prefix(codeCount) { sizes[position] = try reader.bits(3) }
    let code = PrefixCode(sizes)
    var all: [Int] = []
    while all.count < lengthCount + distanceCount {
      let symbol = try code.next(&reader)
      switch symbol {
      case 0..<16: all.append(symbol)
      case 16:
        guard let last = all.last else { throw GunzipError(.damaged, "nothing to repeat") }
        all += [Int](repeating: last, count: try reader.bits(2) + 3)
      case 17: all += [Int](repeating: 0, count: try reader.bits(3) + 3)
      default: all += [Int](repeating: 0, count: try reader.bits(7) + 11)
      }
    }
    guard all.count == lengthCount + distanceCount else {
      throw GunzipError(.damaged, "more code lengths than there are codes")
    }
    return (PrefixCode(Array(all[..<lengthCount])), PrefixCode(Array(all[lengthCount...])))
  }
}

/// A canonical prefix code, decoded by a table over its longest code.
struct PrefixCode: Sendable {
  /// Symbol times 16 plus length for every value of the next bits; 0 for none.
  private let table: [Int32]
  private let width: Int

  /// - Parameter lengths: of each symbol's code; 0 for a symbol without one.
  init(_ lengths: [Int]) {
    width = max(1, lengths.max() ?? 1)
    var table = [Int32](repeating: 0, count: 1 << width)
    var next = 0
    for length in 1...width {
      for (symbol, own) in lengths.enumerated() where own == length {
        guard next < 1 << length else { continue }
        var reversed = 0
        for bit in 0..<length where next >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
        for high in 0..<1 << (width - length) {
          table[reversed | high << length] = Int32(symbol << 4 | length)
        }
        next += 1
      }
      next <<= 1
    }
    self.table = table
  }

  func next(_ reader: inout BitReader) throws(GunzipError) -> Int {
    if reader.available < width { reader.fill() }
    let entry = Int(table[reader.peek(width)])
    guard entry & 15 != 0 else {
      throw reader.available < width
        ? GunzipError(.torn, "the file ends within its compressed data")
        : GunzipError(.damaged, "a code that there is not")
    }
    try reader.drop(entry & 15)
    return entry >> 4
  }
}
