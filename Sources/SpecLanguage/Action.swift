/// An argument of an action: every value of its type is tried.
public struct ActionArgument: Hashable, Sendable {
  public let bound: BoundID
  /// As readings call it, such as `v`.
  public let name: String
}

/// A call, a SEAMCALL leaf or an event of the environment.
///
/// With `by:` it is a *procedure* that a thread of that role runs step by step; without, the whole
/// body is one step that can happen whenever its `Require`s hold.
public struct Action: Hashable, Sendable {
  public let name: String
  public let arguments: [ActionArgument]
  /// The role whose threads may start it; `nil` for a one-step action or one that is only called.
  public let role: SortID?
  public let body: [Statement]
  public let citations: [String]
  public let location: SourceLocation
  /// What it writes back besides its answer.
  public let outputs: [ActionOutput]

  /// An action without arguments.
  public init(
    _ name: String, cites citations: String..., file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: () -> [Statement]
  ) {
    self.init(name, [], nil, body(), citations, SourceLocation(file: file, line: line))
  }

  /// A procedure without arguments.
  public init<R: Role>(
    _ name: String, by role: R.Type, cites citations: String...,
    file: String = #fileID, line: Int = #line, @StatementBuilder _ body: () -> [Statement]
  ) {
    self.init(name, [], R.sort, body(), citations, SourceLocation(file: file, line: line))
  }

  /// An action with one argument: `Action("TDH.VP.FLUSH", each: VCPU.self) { v in … }`.
  public init<A: Domain>(
    _ name: String, each first: A.Type, cites citations: String...,
    file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: (Expr<A>) -> [Statement]
  ) {
    let a = ActionArgument(first)
    self.init(
      name, [a], nil, body(Expr(.bound(a.bound))), citations,
      SourceLocation(file: file, line: line))
  }

  /// A procedure with one argument.
  public init<A: Domain, R: Role>(
    _ name: String, each first: A.Type, by role: R.Type, cites citations: String...,
    file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: (Expr<A>) -> [Statement]
  ) {
    let a = ActionArgument(first)
    self.init(
      name, [a], R.sort, body(Expr(.bound(a.bound))), citations,
      SourceLocation(file: file, line: line))
  }

  /// An action with two arguments.
  public init<A: Domain, B: Domain>(
    _ name: String, each first: A.Type, _ second: B.Type, cites citations: String...,
    file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: (Expr<A>, Expr<B>) -> [Statement]
  ) {
    let a = ActionArgument(first)
    let b = ActionArgument(second)
    self.init(
      name, [a, b], nil, body(Expr(.bound(a.bound)), Expr(.bound(b.bound))), citations,
      SourceLocation(file: file, line: line))
  }

  /// A procedure with two arguments.
  public init<A: Domain, B: Domain, R: Role>(
    _ name: String, each first: A.Type, _ second: B.Type, by role: R.Type,
    cites citations: String..., file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: (Expr<A>, Expr<B>) -> [Statement]
  ) {
    let a = ActionArgument(first)
    let b = ActionArgument(second)
    self.init(
      name, [a, b], R.sort, body(Expr(.bound(a.bound)), Expr(.bound(b.bound))), citations,
      SourceLocation(file: file, line: line))
  }

  /// A procedure with any number of arguments.
  public init<R: Role>(
    _ name: String, taking arguments: [any ListedArgument], by role: R.Type,
    cites citations: String..., file: String = #fileID, line: Int = #line,
    @StatementBuilder _ body: () -> [Statement]
  ) {
    self.init(
      name, arguments.map(\.argument), R.sort, body(), citations,
      SourceLocation(file: file, line: line))
  }

  /// A one-step action with any number of arguments.
  public init(
    _ name: String, taking arguments: [any ListedArgument], cites citations: String...,
    file: String = #fileID, line: Int = #line, @StatementBuilder _ body: () -> [Statement]
  ) {
    self.init(
      name, arguments.map(\.argument), nil, body(), citations,
      SourceLocation(file: file, line: line))
  }

  init(
    named name: String, _ arguments: [ActionArgument], _ body: [Statement],
    _ citations: [String], _ location: SourceLocation
  ) {
    self.init(name, arguments, nil, body, citations, location)
  }

  private init(
    _ name: String, _ arguments: [ActionArgument], _ role: SortID?, _ body: [Statement],
    _ citations: [String], _ location: SourceLocation
  ) {
    self.name = name
    self.arguments = arguments
    self.role = role
    self.body = body.filter { $0.output == nil }
    outputs = body.compactMap(\.output)
    self.citations = citations
    self.location = location
  }
}

extension Statement {
  var output: ActionOutput? {
    if case .writesBack(let output) = kind { output } else { nil }
  }
}

extension ActionArgument {
  init(name: String, type: ValueType) {
    bound = BoundID(raw: Identity.next(), type: type)
    self.name = name
  }

  init<D: Domain>(_ domain: D.Type) {
    bound = BoundID(raw: Identity.next(), type: D.valueType)
    name = D.valueType.letter
  }
}

extension ValueType {
  /// What a reading calls a value of this type when it needs a name.
  var letter: String {
    switch self {
    case .element(let sort), .set(let sort), .operand(_, let sort): sort.letter
    case .enumeration(let name, _): String(name.prefix(1)).lowercased()
    case .optional(let wrapped): wrapped.letter
    case .bool: "b"
    case .integer, .counter: "n"
    case .outcome: "answer"
    }
  }
}
