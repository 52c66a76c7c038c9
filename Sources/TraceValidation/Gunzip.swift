/// Why a gzip file could not be read.
public struct GunzipError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The file ends before its data does.
    case torn
    /// It is no gzip file, or damaged.
    case damaged
  }
  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}

/// Unpacks gzip files (RFC 1952) in memory, so that reading a corpus needs no library or program.
///
/// Time and memory are linear in the unpacked size.
public enum Gunzip {
  /// Whether the bytes start as a gzip file does.
  public static func isGzip(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
  }

  /// The contents of all members of the file, one after the other.
  ///
  /// - Throws: `torn` when the file ends too soon, `damaged` for anything else that is not gzip,
  ///   wrong checksums included.
  public static func unpack(_ bytes: [UInt8]) throws(GunzipError) -> [UInt8] {
    var reader = BitReader(bytes)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count * 4)
    repeat {
      try skipHeader(&reader)
      let start = out.count
      var inflater = Inflater(reader: reader, out: out)
      out = []
      try inflater.run()
      reader = inflater.reader
      out = inflater.out
      try checkTrailer(&reader, out[start...])
    } while !reader.isAtEnd
    return out
  }

  private static func skipHeader(_ reader: inout BitReader) throws(GunzipError) {
    var header: [Int] = []
    for _ in 0..<10 { header.append(try reader.byte()) }
    guard header[0] == 0x1f, header[1] == 0x8b, header[2] == 8, header[3] & 0xE0 == 0 else {
      throw GunzipError(.damaged, "not a gzip file")
    }
    let flags = header[3]
    if flags & 4 != 0 {
      let length = try reader.byte() | (try reader.byte()) << 8
      for _ in 0..<length { _ = try reader.byte() }
    }
    // A name and a comment, each up to a zero byte.
    for flag in [8, 16] where flags & flag != 0 {
      while try reader.byte() != 0 {}
    }
    if flags & 2 != 0 {
      _ = try reader.byte()
      _ = try reader.byte()
    }
  }

  private static func checkTrailer(
    _ reader: inout BitReader, _ data: ArraySlice<UInt8>
  ) throws(GunzipError) {
    var numbers: [UInt32] = []
    for _ in 0..<2 {
      var number: UInt32 = 0
      for shift in 0..<4 { number |= UInt32(try reader.byte()) << UInt32(8 * shift) }
      numbers.append(number)
    }
    guard numbers[0] == checksum(data), numbers[1] == UInt32(truncatingIfNeeded: data.count) else {
      throw GunzipError(.damaged, "the checksum is wrong")
    }
  }

  private static let checksums: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }

  private static func checksum(_ data: ArraySlice<UInt8>) -> UInt32 {
    let table = checksums
    return ~data.withUnsafeBufferPointer { bytes in
      bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
    }
  }
}

/// Reads bits, lowest first.
struct BitReader {
  private let bytes: [UInt8]
  private var position = 0
  private var buffer: UInt64 = 0
  private(set) var available = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count && available < 8 }

  /// Fills the buffer as far as there is data; bits beyond the end read as 0.
  mutating func fill() {
    while available <= 56, position < bytes.count {
      buffer |= UInt64(bytes[position]) << UInt64(available)
      position += 1
      available += 8
    }
  }

  func peek(_ count: Int) -> Int { Int(buffer & (1 << UInt64(count) - 1)) }

  mutating func drop(_ count: Int) throws(GunzipError) {
    guard count <= available else {
      throw GunzipError(.torn, "the file ends within its compressed data")
    }
    buffer >>= UInt64(count)
    available -= count
  }

  mutating func bits(_ count: Int) throws(GunzipError) -> Int {
    if available < count { fill() }
    let value = peek(count)
    try drop(count)
    return value
  }

  mutating func alignToByte() throws(GunzipError) { try drop(available % 8) }

  mutating func byte() throws(GunzipError) -> Int {
    try alignToByte()
    return try bits(8)
  }
}
