/// Takes lists of strace apart: arguments between parentheses, fields between braces.
struct StraceParts {
  let text: ArraySlice<UInt8>
  var position: Int

  init(text: ArraySlice<UInt8>, position: Int) {
    self.text = text
    self.position = position
  }

  private func error(_ message: String) -> LineError {
    LineError(
      column: position - text.startIndex + 1, message: message, isTorn: position >= text.endIndex)
  }

  /// The parts between commas up to the closing character, and the place after it.
  ///
  /// Time is linear in the text: no part is looked at twice.
  mutating func list(
    until closing: UInt8
  ) throws(LineError) -> (parts: [ArraySlice<UInt8>], end: Int) {
    var parts: [ArraySlice<UInt8>] = []
    var closers: [UInt8] = []
    var start = position
    func part(_ end: Int) -> ArraySlice<UInt8> {
      var part = text[start..<end]
      while part.first == 0x20 { part = part.dropFirst() }
      while part.last == 0x20 { part = part.dropLast() }
      return part
    }
    while position < text.endIndex {
      let byte = text[position]
      if closers.isEmpty, byte == closing {
        let last = part(position)
        if !last.isEmpty || !parts.isEmpty { parts.append(last) }
        return (parts, position + 1)
      }
      switch byte {
      case UInt8(ascii: "\""): try skipString()
      case UInt8(ascii: "/") where follows(UInt8(ascii: "*")): try skipComment()
      case UInt8(ascii: "("): closers.append(UInt8(ascii: ")"))
      case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
      case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
      case UInt8(ascii: "<") where opensAnnotation: try skipAnnotation()
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
        guard closers.popLast() == byte else { throw error("a bracket that closes nothing") }
      case UInt8(ascii: ",") where closers.isEmpty:
        parts.append(part(position))
        start = position + 1
      default: break
      }
      position += 1
    }
    throw error("the list of arguments has no end")
  }

  private func follows(_ byte: UInt8) -> Bool {
    position + 1 < text.endIndex && text[position + 1] == byte
  }

  /// `3</dev/kvm>`, and not a shift.
  private var opensAnnotation: Bool {
    guard position > text.startIndex, !follows(UInt8(ascii: "<")) else { return false }
    let before = text[position - 1]
    return StraceScanner.isDigit(before) || before == UInt8(ascii: "/")
      || before == UInt8(ascii: "D")
  }

  private mutating func skipString() throws(LineError) {
    position += 1
    while position < text.endIndex, text[position] != UInt8(ascii: "\"") {
      position += text[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard position < text.endIndex else {
      position = text.endIndex
      throw error("a text has no end")
    }
  }

  private mutating func skipComment() throws(LineError) {
    position += 2
    while position < text.endIndex {
      if text[position] == UInt8(ascii: "*"), follows(UInt8(ascii: "/")) {
        position += 1
        return
      }
      position += 1
    }
    throw error("a remark has no end")
  }

  /// An annotation may have another inside: `<char 10:232>`; a path may have brackets.
  private mutating func skipAnnotation() throws(LineError) {
    var depth = 0
    while position < text.endIndex {
      if text[position] == UInt8(ascii: "<") { depth += 1 }
      if text[position] == UInt8(ascii: ">"), text[position - 1] != UInt8(ascii: "-") {
        depth -= 1
        if depth == 0 { return }
      }
      position += 1
    }
    throw error("what a descriptor is has no end")
  }
}

/// An argument or a field as strace prints it, in each of its styles: `0x3`, `KVM_X | KVM_Y`,
/// `0xae01 /* KVM_CREATE_VM */`, `12<anon_inode:kvm-vm>`.
struct StraceValue {
  let text: ArraySlice<UInt8>

  private var string: String { String(decoding: text, as: UTF8.self) }

  /// What stands in the remark or is the whole text: a name, if it is one.
  var name: String? {
    let string = string
    if let open = string.range(ofText: "/* "), let close = string.range(ofText: " */") {
      guard open.upperBound <= close.lowerBound else { return nil }
      return String(string[open.upperBound..<close.lowerBound])
    }
    guard let first = string.utf8.first, !StraceScanner.isDigit(first), first != 0x2d else {
      return nil
    }
    return string
  }

  /// Nil for a name or a flag that is not known.
  var number: UInt64? {
    let head = text.prefix { $0 != 0x20 && $0 != 0x3c || $0 == 0x7c }
    guard let first = head.first else { return nil }
    if StraceScanner.isDigit(first) || first == 0x2d { return Self.plain(head) }
    var sum: UInt64 = 0
    for flag in string.split(separator: "|") {
      let word = flag.split(separator: "<").first.map(String.init) ?? ""
      guard let value = KVMNumbers.constants[word] ?? Self.plain(ArraySlice(word.utf8)) else {
        return nil
      }
      sum |= value
    }
    return sum
  }

  private static func plain(_ text: ArraySlice<UInt8>) -> UInt64? {
    if text.first == 0x2d {
      return plain(text.dropFirst()).map { 0 &- $0 }
    }
    if text.starts(with: [0x30, 0x78]) {
      return UInt64(String(decoding: text.dropFirst(2), as: UTF8.self), radix: 16)
    }
    let isOctal = text.count > 1 && text.first == 0x30
    return UInt64(String(decoding: text, as: UTF8.self), radix: isOctal ? 8 : 10)
  }

  /// A descriptor's number; -1 for none.
  var descriptor: Int? { number.map { Int(truncatingIfNeeded: $0) } }

  /// What a descriptor is, after its number.
  var kind: DescriptorKind? { Self.kind(text) }

  static func kind(_ text: ArraySlice<UInt8>) -> DescriptorKind? {
    guard let open = text.firstIndex(of: 0x3c) else { return nil }
    return DescriptorKind(String(decoding: text[(open + 1)...], as: UTF8.self))
  }

  /// The fields of a structure by name; empty when the argument is only an address.
  func fields() -> [String: StraceValue] {
    guard text.first == UInt8(ascii: "{") else { return [:] }
    var parts = StraceParts(text: text, position: text.startIndex + 1)
    guard let (list, _) = try? parts.list(until: UInt8(ascii: "}")) else { return [:] }
    var fields: [String: StraceValue] = [:]
    for part in list {
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: part[..<equals], as: UTF8.self)
      fields[name] = StraceValue(text: part[(equals + 1)...])
    }
    return fields
  }
}

extension String {
  /// The first place of a text.
  func range(ofText wanted: String) -> Range<String.Index>? { firstRange(of: wanted) }
}
