import ConformanceKit

/// The arguments of a call to KVM, by name: numbers, or texts with hexadecimal ones.
struct KVMArguments {
  let call: Call

  func text(_ name: String) -> String? {
    guard case .text(let text)? = call.arguments[name] else { return nil }
    return text
  }

  func flag(_ name: String) -> Bool { call.arguments[name] == .flag(true) }

  func has(_ name: String) -> Bool { call.arguments[name] != nil }

  func optionalWord(_ name: String) throws(BackendError) -> UInt64? {
    switch call.arguments[name] {
    case nil: return nil
    case .word(let word): return word
    case .integer(let number): return UInt64(bitPattern: number)
    case .text(let text):
      guard let word = Self.word(text) else { throw wrong(name, "a number") }
      return word
    default: throw wrong(name, "a number")
    }
  }

  /// A hexadecimal number such as `0x1000`.
  static func word(_ text: String) -> UInt64? {
    guard text.hasPrefix("0x") else { return nil }
    return UInt64(text.dropFirst(2), radix: 16)
  }

  func word(_ name: String, default value: UInt64? = nil) throws(BackendError) -> UInt64 {
    guard let word = try optionalWord(name) ?? value else { throw wrong(name, "a number") }
    return word
  }

  func words(_ name: String) throws(BackendError) -> [UInt64] {
    guard case .list(let values)? = call.arguments[name] else { throw wrong(name, "numbers") }
    var words: [UInt64] = []
    for value in values {
      switch value {
      case .text(let text):
        guard let word = Self.word(text) else { throw wrong(name, "numbers") }
        words.append(word)
      case .integer(let number): words.append(UInt64(bitPattern: number))
      case .word(let word): words.append(word)
      default: throw wrong(name, "numbers")
      }
    }
    return words
  }

  func wrong(_ name: String, _ wanted: String) -> BackendError {
    let given = call.arguments[name].map { "\($0)" } ?? "absent"
    return BackendError(.unknownCall, "\(call.name): \(name) is \(given), not \(wanted)")
  }

  /// An address of user space: a number, `buf+0x1000` or `map0+0x0`.
  func address(_ name: String, _ process: Process) throws(BackendError) -> UInt64 {
    guard let text = text(name), text.contains("+") else { return try word(name) }
    let parts = text.split(separator: "+", maxSplits: 1).map(String.init)
    guard parts.count == 2, let offset = Self.word(parts[1]) else {
      throw wrong(name, "an address")
    }
    let base = process.space[parts[0]]?.base ?? HostMemory.buffer
    return base &+ offset
  }
}
