import ConformanceKit

/// The arguments of a call, by name: numbers, or texts with hexadecimal ones.
struct CallArguments {
  let call: Call

  func text(_ name: String) -> String? {
    guard case .text(let text)? = call.arguments[name] else { return nil }
    return text
  }

  func flag(_ name: String) -> Bool { call.arguments[name] == .flag(true) }

  func has(_ name: String) -> Bool { call.arguments[name] != nil }

  /// What later calls name the object that this one returns.
  var newName: String? { call.binds ?? text("new") }

  func optionalWord(_ name: String) throws(BackendError) -> UInt64? {
    guard let value = call.arguments[name] else { return nil }
    guard let word = Self.word(value) else { throw wrong(name, "a number") }
    return word
  }

  func word(_ name: String) throws(BackendError) -> UInt64 {
    guard let word = try optionalWord(name) else { throw wrong(name, "a number") }
    return word
  }

  func word(_ name: String, default value: UInt64) throws(BackendError) -> UInt64 {
    try optionalWord(name) ?? value
  }

  /// The lower half; what the call's structure has no room for is refused.
  func half(_ name: String, default value: UInt64? = nil) throws(BackendError) -> UInt32 {
    guard let word = try optionalWord(name) ?? value else { throw wrong(name, "a number") }
    if let half = UInt32(exactly: word) { return half }
    // Negative numbers, as an `int` has them.
    guard let signed = Int32(exactly: Int64(bitPattern: word)) else {
      throw wrong(name, "a number of 32 bits")
    }
    return UInt32(bitPattern: signed)
  }

  func words(_ name: String) throws(BackendError) -> [UInt64] {
    guard case .list(let values)? = call.arguments[name] else { throw wrong(name, "numbers") }
    var words: [UInt64] = []
    for value in values {
      guard let word = Self.word(value) else { throw wrong(name, "numbers") }
      words.append(word)
    }
    return words
  }

  private static func word(_ value: Value) -> UInt64? {
    switch value {
    case .word(let word): word
    case .integer(let number): UInt64(bitPattern: number)
    case .text(let text): word(text)
    case .flag, .list: nil
    }
  }

  /// A hexadecimal number such as `0x1000`.
  static func word(_ text: String) -> UInt64? {
    guard text.hasPrefix("0x") else { return nil }
    return UInt64(text.dropFirst(2), radix: 16)
  }

  /// `buf+0x1000` as its name and its offset; nil for plain numbers.
  func place(_ name: String) throws(BackendError) -> (base: String, offset: UInt64)? {
    guard let text = text(name), text.contains("+") else { return nil }
    let parts = text.split(separator: "+", maxSplits: 1).map(String.init)
    guard parts.count == 2, let offset = Self.word(parts[1]) else {
      throw wrong(name, "an address")
    }
    return (parts[0], offset)
  }

  func wrong(_ name: String, _ wanted: String) -> BackendError {
    let given = call.arguments[name].map { "\($0)" } ?? "absent"
    return BackendError(.unknownCall, "\(call.name): \(name) is \(given), not \(wanted)")
  }
}
