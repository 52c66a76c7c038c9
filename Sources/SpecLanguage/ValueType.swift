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
/// value's own number, an operand's classes come before its
/// elements, a set is a bit mask, an integer is itself.
public indirect enum ValueType: Hashable, Sendable {
  case bool
  case enumeration(name: String, cases: [String])
  case integer(ClosedRange<Int>)
  /// An integer from 0 to a parameter's value.
  case counter(String)
  case element(SortID)
  case optional(ValueType)
  /// An element of a sort, or one of a few classes of values that are none.
  case operand(classes: [String], SortID)
  case set(SortID)
  /// An errno, a SEAMCALL status or a returned value; numbered by the program.
  case outcome
}
