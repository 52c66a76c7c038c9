/// The name of a sort: a set of interchangeable elements whose number the scope decides.
public struct SortID: Hashable, Sendable {
  /// The Swift type's name, such as `VCPU`.
  public let name: String
  /// What a reading calls one element, such as `v`.
  public let letter: String

  public init(name: String, letter: String) {
    self.name = name
    self.letter = letter
  }
}

/// The values that a variable, an argument or an expression may take.
///
/// Every value is carried as an `Int`: `false`/`true` are 0/1, an enumeration's case is its index,
/// an element of a sort is its index, `nil` is 0 and an optional's value is one more than the
/// value's own number, a set is a bit mask, an integer is itself.
public indirect enum ValueType: Hashable, Sendable {
  case bool
  case enumeration(name: String, cases: [String])
  case integer(ClosedRange<Int>)
  case element(SortID)
  case optional(ValueType)
  case set(SortID)
  /// An errno, a SEAMCALL status or a returned value; numbered by the program.
  case outcome
}
