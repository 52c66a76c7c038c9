/// A value of a recorded trace, as JSON has it; numbers are integers.
package enum TraceValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Int)
  case text(String)
  case list([TraceValue])
  case members([(key: String, value: TraceValue)])

  package static func == (left: TraceValue, right: TraceValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.text(let a), .text(let b)): a == b
    case (.list(let a), .list(let b)): a == b
    case (.members(let a), .members(let b)):
      a.count == b.count && a.allSatisfy { entry in b.contains { $0 == entry } }
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .text(let value): hasher.combine(value)
    case .list(let values): hasher.combine(values)
    case .members(let members): hasher.combine(members.count)
    }
  }

  package subscript(_ key: String) -> TraceValue? {
    guard case .members(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var number: Int? { if case .number(let value) = self { value } else { nil } }

  /// As JSON.
  package var json: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    case .list(let values): "[\(values.map(\.json).joined(separator: ","))]"
    case .members(let members):
      "{\(members.map { "\"\($0.key)\":\($0.value.json)" }.joined(separator: ","))}"
    }
  }
}

/// What is wrong with a line, and where.
struct TraceSyntaxError: Error {
  let column: Int
  let message: String
  /// The line ends too soon; nothing that is there is wrong.
  let isTorn: Bool
}

/// Reads one line of JSON. Numbers with a fraction are refused: no trace has any.
struct TraceParser {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  static func parse(_ line: UnsafeBufferPointer<UInt8>) throws(TraceSyntaxError) -> TraceValue {
    var parser = TraceParser(bytes: line)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == line.count else { throw parser.error("text after the value") }
    return value
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func error(_ message: String) -> TraceSyntaxError {
    TraceSyntaxError(
      column: position + 1, message: message, isTorn: position >= bytes.count)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0d].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ wanted: String) throws(TraceSyntaxError) {
    for byte in wanted.utf8 {
      guard position < bytes.count, bytes[position] == byte else {
        throw error("\(wanted) expected")
      }
      position += 1
    }
  }

  private mutating func peek() throws(TraceSyntaxError) -> UInt8 {
    skipSpace()
    guard position < bytes.count else { throw error("the line ends too soon") }
    return bytes[position]
  }

  private mutating func value(depth: Int) throws(TraceSyntaxError) -> TraceValue {
    guard depth < 64 else { throw error("nested too deeply") }
    switch try peek() {
    case UInt8(ascii: "{"): return try members(depth)
    case UInt8(ascii: "["): return try list(depth)
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"):
      try take("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try take("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try take("null")
      return .null
    default: return .number(try number())
    }
  }

  private mutating func members(_ depth: Int) throws(TraceSyntaxError) -> TraceValue {
    position += 1
    var members: [(key: String, value: TraceValue)] = []
    if try peek() == UInt8(ascii: "}") {
      position += 1
      return .members([])
    }
    while true {
      guard try peek() == UInt8(ascii: "\"") else { throw error("a name expected") }
      let key = try string()
      _ = try peek()
      try take(":")
      members.append((key, try value(depth: depth + 1)))
      if try peek() == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try take("}")
      return .members(members)
    }
  }

  private mutating func list(_ depth: Int) throws(TraceSyntaxError) -> TraceValue {
    position += 1
    var values: [TraceValue] = []
    if try peek() == UInt8(ascii: "]") {
      position += 1
      return .list([])
    }
    while true {
      values.append(try value(depth: depth + 1))
      if try peek() == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try take("]")
      return .list(values)
    }
  }

  private mutating func number() throws(TraceSyntaxError) -> Int {
    let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let start = position
    var result = 0
    while position < bytes.count, case let digit = bytes[position], digit >= 48, digit < 58 {
      let (product, tooBig) = result.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(Int(digit) - 48)
      guard !tooBig, !overflow else { throw error("a number that is too large") }
      result = sum
      position += 1
    }
    guard position > start else { throw error("a value expected") }
    if position < bytes.count, [0x2e, 0x45, 0x65].contains(bytes[position]) {
      throw error("a number that is no integer")
    }
    return isNegative ? -result : result
  }

  private mutating func string() throws(TraceSyntaxError) -> String {
    position += 1
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\")
    {
      position += 1
    }
    guard position < bytes.count else { throw error("the line ends within a text") }
    if bytes[position] == UInt8(ascii: "\"") {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    return try escaped(from: start)
  }

  private mutating func escaped(from start: Int) throws(TraceSyntaxError) -> String {
    var text = [UInt8](bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard position < bytes.count else { break }
      let plain: [UInt8: UInt8] = [
        0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 0x08, 0x66: 0x0c, 0x6e: 0x0a, 0x72: 0x0d,
        0x74: 0x09,
      ]
      if let meant = plain[bytes[position]] {
        text.append(meant)
        position += 1
      } else {
        try take("u")
        text += try unicode()
      }
    }
    throw error("the line ends within a text")
  }

  private mutating func unicode() throws(TraceSyntaxError) -> [UInt8] {
    guard position + 4 <= bytes.count else {
      position = bytes.count
      throw error("the line ends within a text")
    }
    let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
    guard let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number) else {
      throw error("an escape that is no character")
    }
    position += 4
    return Array(String(Character(scalar)).utf8)
  }
}
