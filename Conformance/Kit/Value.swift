/// What an argument, a returned value or an observation can hold.
///
/// In JSON a value is `true`, a whole number of 64 bits (signed or unsigned), a text or an array of
/// values. There are no fractions and no nulls: what cannot be seen is left out.
public enum Value: Sendable {
  /// A truth value.
  case flag(Bool)
  /// A signed number.
  case integer(Int64)
  /// An unsigned number; equal to ``integer(_:)`` of the same number.
  case word(UInt64)
  /// A text: a state's name, or the name an earlier call gave to an object.
  case text(String)
  /// Several values, in order.
  case list([Value])
}

extension Value: Hashable {
  /// Compares what the values mean: `.word(5)` equals `.integer(5)`.
  public static func == (left: Value, right: Value) -> Bool {
    switch (left.canonical, right.canonical) {
    case (.flag(let a), .flag(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.word(let a), .word(let b)): a == b
    case (.text(let a), .text(let b)): a == b
    case (.list(let a), .list(let b)): a == b
    default: false
    }
  }

  /// Hashes the canonical form, so that equal values hash alike.
  public func hash(into hasher: inout Hasher) {
    switch canonical {
    case .flag(let flag): hasher.combine(flag)
    case .integer(let number): hasher.combine(number)
    case .word(let number): hasher.combine(number)
    case .text(let text): hasher.combine(text)
    case .list(let values): hasher.combine(values)
    }
  }

  /// The same value with every number that fits written as ``integer(_:)``.
  private var canonical: Value {
    guard case .word(let number) = self, let signed = Int64(exactly: number) else { return self }
    return .integer(signed)
  }
}

extension Value: CustomStringConvertible {
  /// `true`, `42`, `"runnable"`, `[1, 2]`: as the value looks in JSON.
  public var description: String {
    switch self {
    case .flag(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .word(let number): "\(number)"
    case .text(let text): "\"\(text)\""
    case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    }
  }
}

extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  /// `true` and `false` are values.
  public init(booleanLiteral flag: Bool) { self = .flag(flag) }
  /// A whole number is a value.
  public init(integerLiteral number: Int64) { self = .integer(number) }
  /// A text is a value.
  public init(stringLiteral text: String) { self = .text(text) }
  /// An array of values is a value.
  public init(arrayLiteral values: Value...) { self = .list(values) }
}
