extension Value: Codable {
  /// Reads `true`, a whole number of 64 bits, a text or an array.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Int64.self) {
      self = .integer(number)
    } else if let number = try? container.decode(UInt64.self) {
      self = .word(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? decoder.unkeyedContainer() {
      self = .list(try Value.elements(list))
    } else {
      throw decoder.error("must be true, false, a whole number of 64 bits, a text or an array")
    }
  }

  private static func elements(_ container: any UnkeyedDecodingContainer) throws -> [Value] {
    var container = container
    var values: [Value] = []
    while !container.isAtEnd { values.append(try container.decode(Value.self)) }
    return values
  }

  /// Writes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag(let flag): try container.encode(flag)
    case .integer(let number): try container.encode(number)
    case .word(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .list(let values): try container.encode(values)
    }
  }
}

extension Errno: Codable {
  /// Reads a name of the table or a positive number.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let name = try? container.decode(String.self) {
      guard let errno = Errno(name: name) else {
        throw decoder.error("\(name) is no errno of the table")
      }
      self = errno
    } else if let number = try? container.decode(Int32.self), number > 0 {
      self.init(number: number)
    } else {
      throw decoder.error("must be the name of an errno or a positive number")
    }
  }

  /// Writes the name, or the number of an errno that the table does not list.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if isListed {
      try container.encode(name)
    } else {
      try container.encode(number)
    }
  }
}
