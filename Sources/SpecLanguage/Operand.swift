/// What a caller puts into a register that should name an element: an element, or a class of
/// values that name none, such as an unaligned address.
///
/// The classes are the cases of an enumeration; a specification compares with them and reads the
/// element once its checks have refused them.
public enum Operand<Class: EnumDomain, Element: Sort>: Domain {
  case none(Class)

  public static var valueType: ValueType {
    .operand(classes: Class.allCases.map { "\($0)" }, Element.sort)
  }
  public var literal: Node {
    switch self {
    case .none(let name):
      let index = Class.allCases.enumerated().first { $0.element == name }?.offset ?? 0
      return .literal(index, Self.valueType)
    }
  }
}

extension Readable {
  /// Whether the operand is one of these classes rather than an element.
  public func isAny<C: EnumDomain, S: Sort>(of classes: C...) -> Condition
  where Value == Operand<C, S> {
    let tests = classes.map { Node.equal(node, Operand<C, S>.none($0).literal) }
    return Condition(tests.count == 1 ? tests[0] : .or(tests))
  }

  /// Whether the operand names an element.
  public func isElement<C: EnumDomain, S: Sort>() -> Condition where Value == Operand<C, S> {
    Condition(.and(C.allCases.map { .not(.equal(node, Operand<C, S>.none($0).literal)) }))
  }

  /// The element that the operand names. It must name one: an index that is none is an error.
  public func element<C: EnumDomain, S: Sort>() -> Expr<S> where Value == Operand<C, S> {
    Expr(.unwrapped(node, skipping: C.allCases.count, S.valueType))
  }

  /// The value that is there. It must be there: an index that is none is an error.
  public func value<D: Domain>() -> Expr<D> where Value == D? {
    Expr(.unwrapped(node, skipping: 1, D.valueType))
  }
}

/// What is left after division of a number from 0 on: `epoch % 2`.
public func % <L: Readable<Int>>(left: L, right: Int) -> Expr<Int> {
  Expr(.remainder(left.node, right))
}
