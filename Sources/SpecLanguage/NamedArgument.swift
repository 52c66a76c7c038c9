/// A named argument of an action: `let flags = NamedArgument<Flags>("flags")`.
///
/// Actions with more than two arguments list them, `taking: [caller, header, params]`, and their
/// bodies read them like variables. An argument may be listed by several actions.
public struct NamedArgument<Value: Domain>: Readable, ListedArgument {
  public let argument: ActionArgument

  /// - Parameter name: as readings and counterexamples call it.
  public init(_ name: String) {
    argument = ActionArgument(name: name, type: Value.valueType)
  }

  public var node: Node { .bound(argument.bound) }
}

extension NamedArgument where Value == Int {
  /// A number from a range.
  public init(_ name: String, in range: ClosedRange<Int>) {
    argument = ActionArgument(name: name, type: .integer(range))
  }
}

/// An argument of any type in the list of an action's arguments.
public protocol ListedArgument: Sendable {
  var argument: ActionArgument { get }
}

extension NamedArgument where Value: Sort {
  /// The argument as an element, to index maps with.
  public var element: Expr<Value> { Expr(node) }
}
