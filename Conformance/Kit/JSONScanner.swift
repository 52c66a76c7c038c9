/// Checks that bytes are one JSON document without duplicate keys, before it is decoded.
///
/// `JSONDecoder` keeps one of two equal keys, so that a test would silently lose an expectation.
/// The nesting is limited, so that no input exhausts the stack.
struct JSONScanner {
  /// Arrays and objects inside each other; a suite needs about ten.
  static let depthLimit = 64

  private let bytes: [UInt8]
  private var position = 0
  private var path: [any CodingKey] = []

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Checks a whole document.
  static func check(_ bytes: [UInt8]) throws(FormatError) {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw FormatError(problem: "is not UTF-8")
    }
    var scanner = JSONScanner(bytes)
    try scanner.value(depth: 0)
    scanner.skipSpace()
    if scanner.position < bytes.count { throw scanner.error("text after the end of the document") }
  }

  private func error(_ problem: String) -> FormatError {
    let line = 1 + bytes[..<min(position, bytes.count)].count { $0 == UInt8(ascii: "\n") }
    return FormatError(path: FormatError.path(path), line: line, problem: problem)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(FormatError) {
    guard depth < JSONScanner.depthLimit else { throw error("is nested too deeply") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    case nil: throw error("the document ends too early")
    default: try number()
    }
  }

  private mutating func object(depth: Int) throws(FormatError) {
    position += 1
    var seen: Set<[UInt8]> = []
    if take(UInt8(ascii: "}")) { return }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
      let key = try string()
      // Two spellings of one key would escape the check below.
      guard !key.contains(UInt8(ascii: "\\")) else { throw error("a key contains an escape") }
      path.append(AnyKey(String(decoding: key, as: UTF8.self)))
      guard seen.insert(key).inserted else { throw error("the key is given twice") }
      guard take(UInt8(ascii: ":")) else { throw error("expected ':' after the key") }
      try value(depth: depth + 1)
      path.removeLast()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
  }

  private mutating func array(depth: Int) throws(FormatError) {
    position += 1
    if take(UInt8(ascii: "]")) { return }
    var index = 0
    repeat {
      path.append(AnyKey(index))
      try value(depth: depth + 1)
      path.removeLast()
      index += 1
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
  }

  /// The bytes between the quotes.
  private mutating func string() throws(FormatError) -> [UInt8] {
    position += 1
    let start = position
    var escaped = false
    while let byte = next {
      if byte == UInt8(ascii: "\""), !escaped {
        position += 1
        return Array(bytes[start..<position - 1])
      }
      if byte < 0x20 { throw error("a control character in a text") }
      escaped = byte == UInt8(ascii: "\\") && !escaped
      position += 1
    }
    throw error("a text is not closed")
  }

  private mutating func word(_ word: String) throws(FormatError) {
    guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value") }
    position += word.utf8.count
  }

  private mutating func number() throws(FormatError) {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let digits = position
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    let count = position - digits
    let isNumber = count > 0 && (count == 1 || bytes[digits] != UInt8(ascii: "0"))
    if let byte = next, isNumber, byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") {
      throw error("numbers are whole and have no exponent")
    }
    guard isNumber else {
      position = start
      throw error("expected a value")
    }
  }
}

/// A key by its text or its position.
struct AnyKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(_ text: String) {
    stringValue = text
    intValue = nil
  }

  init(_ index: Int) {
    stringValue = "\(index)"
    intValue = index
  }

  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { self.init(intValue) }
}
