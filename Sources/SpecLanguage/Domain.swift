/// A Swift type whose values can stand in a spec.
public protocol Domain: Sendable {
  /// The values it may take.
  static var valueType: ValueType { get }
  /// This value as a constant expression.
  var literal: Node { get }
}

extension Bool: Domain {
  public static var valueType: ValueType { .bool }
  public var literal: Node { .literal(self ? 1 : 0, .bool) }
}

extension Int: Domain {
  /// Unbounded; a variable declares its own range with `in:`.
  public static var valueType: ValueType { .integer(Int.min...Int.max) }
  public var literal: Node { .literal(self, .integer(self...self)) }
}

/// A Swift enumeration without payloads: `enum SEPT: EnumDomain { case free, mapped, blocked }`.
public protocol EnumDomain: Domain, CaseIterable, Equatable {}

extension EnumDomain {
  public static var valueType: ValueType {
    .enumeration(name: "\(Self.self)", cases: allCases.map { "\($0)" })
  }
  public var literal: Node {
    let index = Self.allCases.enumerated().first { $0.element == self }?.offset ?? 0
    return .literal(index, Self.valueType)
  }
}

/// A set of interchangeable elements: `enum VCPU: Sort {}`. How many there are is up to the scope.
///
/// A sort has no constants and no order, so that a spec cannot tell its elements apart by accident.
public protocol Sort: Domain {
  /// What a reading calls one element; the type's first letter unless the spec says otherwise.
  static var letter: String { get }
}

extension Sort {
  public static var letter: String { String("\(Self.self)".prefix(1)).lowercased() }
  public static var sort: SortID { SortID(name: "\(Self.self)", letter: letter) }
  public static var valueType: ValueType { .element(sort) }
  /// Never evaluated: a sort is an enumeration without cases.
  public var literal: Node { .literal(0, Self.valueType) }
}

/// A sort of agents that run procedures: `enum HostThread: Role {}`.
public protocol Role: Sort {}

extension Optional: Domain where Wrapped: Domain {
  public static var valueType: ValueType { .optional(Wrapped.valueType) }
  public var literal: Node {
    switch self {
    case .none: .literal(0, Self.valueType)
    case .some(let value): .some(value.literal)
    }
  }
}

/// A set of a sort's elements; at most 62 of them.
public enum SetOf<Element: Sort>: Domain {
  case empty
  case all

  public static var valueType: ValueType { .set(Element.sort) }
  public var literal: Node {
    switch self {
    case .empty: .literal(0, Self.valueType)
    case .all: .fullSet(Element.sort)
    }
  }
}
