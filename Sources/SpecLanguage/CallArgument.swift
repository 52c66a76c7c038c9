/// A named argument of an action: `CallArgument("page", PageOperand.self)`.
public struct CallArgument<Value: Domain>: Sendable {
  let name: String

  public init(_ name: String, _ type: Value.Type) { self.name = name }
}

extension Action {
  /// A one-step action with any number of named arguments.
  public init<each A: Domain>(
    _ name: String, with arguments: repeat CallArgument<each A>, cites citations: [String] = [],
    file: String = #fileID, line: Int = #line,
    @StatementBuilder body: (repeat Expr<each A>) -> [Statement]
  ) {
    var declared: [ActionArgument] = []
    repeat declared.append(ActionArgument(each arguments))
    var next = 0
    func take<D: Domain>(_ argument: CallArgument<D>) -> Expr<D> {
      defer { next += 1 }
      return Expr(.bound(declared[next].bound))
    }
    let expressions = (repeat take(each arguments))
    self.init(
      named: name, declared, body(repeat each expressions), citations,
      SourceLocation(file: file, line: line))
  }
}

/// A value that a call writes back to its caller, besides its answer.
///
/// It is read in the state before the call, and is no part of the state after it.
public struct ActionOutput: Hashable, Sendable {
  public let name: String
  public let value: Node
  public let type: ValueType
  public let answers: [Outcome]
}

/// Tells a value that the call writes back when it ends with one of these answers.
///
/// It is read in the state before the call, wherever in the action it is written down.
public func WritesBack<R: Readable>(
  _ name: String, _ value: R, with answers: [Outcome],
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(
    .writesBack(
      ActionOutput(name: name, value: value.node, type: R.Value.valueType, answers: answers)),
    at: SourceLocation(file: file, line: line))
}

extension ActionArgument {
  init<D: Domain>(_ argument: CallArgument<D>) {
    bound = BoundID(raw: Identity.next(), type: D.valueType)
    name = argument.name
  }
}
