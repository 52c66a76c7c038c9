/// What a line of strace says.
enum StraceLine {
  /// `name(arguments) = result`: the text from the name on.
  case call(StraceCall)
  /// The text of a call up to `<unfinished ...>`.
  case unfinished(ArraySlice<UInt8>)
  /// The rest of such a call, after `resumed>`.
  case resumed(ArraySlice<UInt8>)
  /// The fields of a signal, from `{` on, and its name.
  case signal(String, ArraySlice<UInt8>)
  /// The process is no more, or is another program now.
  case exited
  /// Something that strace says of itself.
  case remark
}

/// A call as strace writes it, taken apart into texts.
struct StraceCall {
  let name: String
  let arguments: [ArraySlice<UInt8>]
  /// Nil for `?`.
  let ret: Int?
  let errno: String?
  /// What strace says that a descriptor in the result is.
  let result: ArraySlice<UInt8>
}

/// What is wrong with a line of text, and where.
struct LineError: Error {
  /// From 1 on.
  let column: Int
  let message: String
  /// The line ends too soon.
  let isTorn: Bool
}

/// Takes a line of strace (6.1 to 7.x) apart. Time is linear in its length.
struct StraceScanner {
  private let text: ArraySlice<UInt8>
  private var position: Int

  private(set) var pid = 0
  private(set) var time: Double?

  init(_ text: ArraySlice<UInt8>) {
    var text = text
    while let last = text.last, last == 0x0d || last == 0x20 { text = text.dropLast() }
    self.text = text
    position = text.startIndex
  }

  // MARK: Characters

  private func error(_ message: String) -> LineError {
    LineError(
      column: position - text.startIndex + 1, message: message, isTorn: position >= text.endIndex)
  }

  private var next: UInt8? { position < text.endIndex ? text[position] : nil }

  private func begins(_ wanted: StaticString) -> Bool {
    let length = wanted.utf8CodeUnitCount
    guard text.endIndex - position >= length else { return false }
    return (0..<length).allSatisfy { text[position + $0] == wanted.utf8Start[$0] }
  }

  private mutating func skipSpaces() {
    while next == 0x20 { position += 1 }
  }

  private mutating func word(while belongs: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let start = position
    while let byte = next, belongs(byte) { position += 1 }
    return text[start..<position]
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isName(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == 0x5f || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
  }

  // MARK: The line

  /// - Throws: when the line is none of strace's.
  mutating func line() throws(LineError) -> StraceLine {
    try head()
    if begins("strace: ") { return .remark }
    if begins("--- ") { return try signal() }
    if begins("+++ ") {
      position += 4
      guard begins("exited with") || begins("killed by") || begins("superseded by") else {
        throw error("how a process ended, expected")
      }
      return begins("superseded") ? .remark : .exited
    }
    if begins("<... ") { return .resumed(try resumed()) }
    let start = position
    if text.hasEnding(" <unfinished ...>") || text.hasEnding("<unfinished ...>") {
      guard let byte = next, Self.isName(byte), text[start...].contains(0x28) else {
        throw error("a system call expected")
      }
      return .unfinished(text[start...].beforeEnding("<unfinished ...>"))
    }
    return .call(try call())
  }

  /// The process and the time, in each of the ways that strace writes them.
  private mutating func head() throws(LineError) {
    skipSpaces()
    if begins("[pid ") {
      position += 5
      skipSpaces()
      pid = Int(decimal: word(while: Self.isDigit)) ?? 0
      guard next == 0x5d else { throw error("] expected") }
      position += 1
      skipSpaces()
    }
    for _ in 0..<3 {
      guard let byte = next, Self.isDigit(byte) || byte == 0x28 || byte == 0x2b && !begins("+++")
      else { return }
      if begins("(+") {
        _ = word { $0 != 0x29 }
        guard next == 0x29 else { throw error(") expected") }
        position += 1
      } else {
        let number = word { Self.isDigit($0) || $0 == 0x2e || $0 == 0x3a || $0 == 0x2b }
        if number.contains(0x2e) || number.contains(0x3a) {
          time = Self.seconds(number)
        } else {
          guard let value = Int(decimal: number) else { throw error("a process's number expected") }
          pid = value
        }
      }
      skipSpaces()
    }
  }

  /// `1700000000.5`, or the time of a day: `10:11:12.5`.
  private static func seconds(_ text: ArraySlice<UInt8>) -> Double? {
    let parts = String(decoding: text, as: UTF8.self).split(separator: ":").map { Double($0) }
    return parts.reduce(0.0) { sum, part in sum.flatMap { s in part.map { s * 60 + $0 } } }
  }

  private mutating func signal() throws(LineError) -> StraceLine {
    position += 4
    let name = word(while: Self.isName)
    skipSpaces()
    let fields = text[position...]
    guard !name.isEmpty, fields.hasEnding(" ---") || fields.elementsEqual([0x2d, 0x2d, 0x2d]) else {
      throw LineError(
        column: text.count + 1, message: "--- expected at the end of a signal", isTorn: true)
    }
    return .signal(String(decoding: name, as: UTF8.self), fields.beforeEnding(" ---"))
  }

  private mutating func resumed() throws(LineError) -> ArraySlice<UInt8> {
    _ = word { $0 != 0x3e }
    guard next == 0x3e, text[..<position].hasEnding(" resumed") else {
      throw error("'resumed>' expected")
    }
    position += 1
    return text[position...]
  }

  /// A whole call.
  mutating func call() throws(LineError) -> StraceCall {
    let name = word(while: Self.isName)
    guard !name.isEmpty, next == 0x28 else { throw error("a system call expected") }
    position += 1
    let arguments = try arguments()
    skipSpaces()
    guard next == 0x3d else { throw error("= and a result expected") }
    position += 1
    skipSpaces()
    let named = String(decoding: name, as: UTF8.self)
    if next == 0x3f {
      return StraceCall(name: named, arguments: arguments, ret: nil, errno: nil, result: [])
    }
    let start = position
    if next == 0x2d { position += 1 }
    let number = word { Self.isName($0) }
    guard let value = Int(strace: text[start..<position]), !number.isEmpty else {
      throw error("a result expected")
    }
    let rest = text[position...]
    skipSpaces()
    var errno: String?
    if value == -1 {
      let word = word(while: Self.isName)
      guard word.first == 0x45 else { throw error("the error's name expected") }
      errno = String(decoding: word, as: UTF8.self)
    }
    return StraceCall(name: named, arguments: arguments, ret: value, errno: errno, result: rest)
  }

  private mutating func arguments() throws(LineError) -> [ArraySlice<UInt8>] {
    var parts = StraceParts(text: text, position: position)
    let (list, end) = try parts.list(until: 0x29)
    position = end
    return list
  }
}

extension Int {
  /// Decimal digits and nothing else.
  init?(decimal text: ArraySlice<UInt8>) {
    guard !text.isEmpty, text.count < 19, text.allSatisfy(StraceScanner.isDigit) else { return nil }
    self = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// A result of a call: decimal, or hexadecimal after `0x`.
  init?(strace text: ArraySlice<UInt8>) {
    let string = String(decoding: text, as: UTF8.self)
    if string.hasPrefix("0x") {
      guard let bits = UInt64(string.dropFirst(2), radix: 16) else { return nil }
      self = Int(truncatingIfNeeded: bits)
    } else {
      guard let value = Int(string) else { return nil }
      self = value
    }
  }
}

extension ArraySlice<UInt8> {
  func hasEnding(_ ending: String) -> Bool { suffix(ending.utf8.count).elementsEqual(ending.utf8) }

  func beforeEnding(_ ending: String) -> ArraySlice<UInt8> {
    hasEnding(ending) ? dropLast(ending.utf8.count) : self
  }
}
