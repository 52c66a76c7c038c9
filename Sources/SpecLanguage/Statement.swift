/// One statement of an action's body, as data.
public struct Statement: Hashable, Sendable {
  public indirect enum Kind: Hashable, Sendable {
    /// The instance is not enabled otherwise.
    case require(Node)
    /// The call runs and answers the outcome otherwise.
    case check(Node, else: Outcome)
    case assign(VariableID, [Node], Node)
    case assignLocal(LocalID, Node)
    case when(Node, then: [Statement], otherwise: [Statement])
    /// For every element at once, within the same step.
    case each(BoundID, [Statement])
    /// For every element, one after the other, others in between.
    /// `filter` names the elements that count, by what the thread knows when the loop starts.
    case forEach(BoundID, filter: Node?, ordered: Bool, [Statement])
    /// The statements, and again for as long as the condition holds after them.
    case repeating([Statement], while: Node)
    /// Several statements that nobody can come between.
    case step(String, [Statement])
    case acquire(LockUse)
    case tryAcquire(LockUse, else: Outcome)
    case tryAcquireAll(LockDeclaration, else: Outcome)
    case release(LockUse)
    case releaseAll(LockDeclaration)
    case holding(LockUse, [Statement])
    /// Takes the lock or answers; gives it back together with the last step.
    case tryHolding(LockUse, else: Outcome, [Statement])
    case call(Action, into: LocalID?)
    case returns(Outcome)
    case returnLocal(LocalID)
    /// Not a step: what the call tells besides its answer. `Action` keeps it apart.
    case writesBack(ActionOutput)
  }

  public let kind: Kind
  public let location: SourceLocation
  /// Why the statement is there, and where that is written.
  public var reason: String?
  public var citations: [String]

  public init(_ kind: Kind, at location: SourceLocation) {
    self.kind = kind
    self.location = location
    reason = nil
    citations = []
  }

  /// Says why a statement is there: `Check(…).because("kvm_vm_dead()", "kvm-tdx §2.0")`.
  public func because(_ reason: String, _ citations: String...) -> Statement {
    var copy = self
    copy.reason = reason
    copy.citations = citations
    return copy
  }
}

/// The step cannot happen unless the condition holds.
public func Require(
  _ condition: some Readable<Bool>, file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.require(condition.node), at: SourceLocation(file: file, line: line))
}

/// The call answers `outcome` unless the condition holds. The order of checks is the contract.
public func Check(
  _ condition: some Readable<Bool>, else outcome: Outcome,
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(
    .check(condition.node, else: outcome), at: SourceLocation(file: file, line: line))
}

/// Statements under a condition.
public func When(
  _ condition: some Readable<Bool>, file: String = #fileID, line: Int = #line,
  @StatementBuilder then: () -> [Statement], @StatementBuilder else otherwise: () -> [Statement]
) -> Statement {
  Statement(
    .when(condition.node, then: then(), otherwise: otherwise()),
    at: SourceLocation(file: file, line: line))
}

public func When(
  _ condition: some Readable<Bool>, file: String = #fileID, line: Int = #line,
  @StatementBuilder then: () -> [Statement]
) -> Statement {
  Statement(
    .when(condition.node, then: then(), otherwise: []),
    at: SourceLocation(file: file, line: line))
}

/// For every element at once, within one step.
public func Each<D: Domain>(
  _ domain: D.Type, file: String = #fileID, line: Int = #line,
  @StatementBuilder _ body: (Expr<D>) -> [Statement]
) -> Statement {
  let bound = BoundID(raw: Identity.next(), type: D.valueType)
  return Statement(
    .each(bound, body(Expr(.bound(bound)))), at: SourceLocation(file: file, line: line))
}

/// For every element, one after the other in any order, others in between.
///
/// - Parameter filter: which elements count; may read arguments, locals and constants only.
public func ForEach<S: Sort>(
  _ sort: S.Type, where filter: ((Expr<S>) -> Condition)? = nil,
  file: String = #fileID, line: Int = #line,
  @StatementBuilder _ body: (Expr<S>) -> [Statement]
) -> Statement {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  let element = Expr<S>(.bound(bound))
  return Statement(
    .forEach(bound, filter: filter?(element).node, ordered: false, body(element)),
    at: SourceLocation(file: file, line: line))
}

/// For every element in increasing order, others in between. Breaks the sort's symmetry.
public func ForEach<S: Sort>(
  ordered sort: S.Type, where filter: ((Expr<S>) -> Condition)? = nil,
  file: String = #fileID, line: Int = #line,
  @StatementBuilder _ body: (Expr<S>) -> [Statement]
) -> Statement {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  let element = Expr<S>(.bound(bound))
  return Statement(
    .forEach(bound, filter: filter?(element).node, ordered: true, body(element)),
    at: SourceLocation(file: file, line: line))
}

/// The statements once, and again for as long as the condition holds after them.
///
/// Others run in between, and nothing bounds the rounds: whether they end is a question for
/// `LeadsTo`.
public func Repeat(
  while condition: some Readable<Bool>, file: String = #fileID, line: Int = #line,
  @StatementBuilder _ body: () -> [Statement]
) -> Statement {
  Statement(
    .repeating(body(), while: condition.node), at: SourceLocation(file: file, line: line))
}

/// Statements that happen together, under a name.
public func Step(
  _ name: String, file: String = #fileID, line: Int = #line,
  @StatementBuilder _ body: () -> [Statement]
) -> Statement {
  Statement(.step(name, body()), at: SourceLocation(file: file, line: line))
}

/// Waits until the lock is free and takes it.
public func Acquire(
  _ lock: some Lockable, _ mode: LockMode = .exclusive,
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.acquire(lock.use(mode)), at: SourceLocation(file: file, line: line))
}

/// Takes the lock if it is free; the call answers `outcome` otherwise.
public func TryAcquire(
  _ lock: some Lockable, _ mode: LockMode = .exclusive, else outcome: Outcome,
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(
    .tryAcquire(lock.use(mode), else: outcome), at: SourceLocation(file: file, line: line))
}

/// Takes all locks of the family, or none of them and answers `outcome`.
public func TryAcquireAll<S: Sort>(
  _ locks: Locks<S>, else outcome: Outcome, file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(
    .tryAcquireAll(locks.lock, else: outcome), at: SourceLocation(file: file, line: line))
}

public func Release(
  _ lock: some Lockable, _ mode: LockMode = .exclusive,
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.release(lock.use(mode)), at: SourceLocation(file: file, line: line))
}

public func ReleaseAll<S: Sort>(
  _ locks: Locks<S>, file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.releaseAll(locks.lock), at: SourceLocation(file: file, line: line))
}

/// Takes the lock, runs the statements, and releases it on every way out.
public func Holding(
  _ lock: some Lockable, _ mode: LockMode = .exclusive,
  file: String = #fileID, line: Int = #line, @StatementBuilder _ body: () -> [Statement]
) -> Statement {
  Statement(.holding(lock.use(mode), body()), at: SourceLocation(file: file, line: line))
}

/// Takes the lock or answers `outcome`; gives it back together with the last step inside.
///
/// This is how a SEAMCALL has a duration: it holds its module locks from its begin, never waits
/// for them, and has its effects at its end (tdx-module §6).
public func TryHolding(
  _ lock: some Lockable, _ mode: LockMode = .exclusive, else outcome: Outcome,
  file: String = #fileID, line: Int = #line, @StatementBuilder _ body: () -> [Statement]
) -> Statement {
  Statement(
    .tryHolding(lock.use(mode), else: outcome, body()),
    at: SourceLocation(file: file, line: line))
}

/// Runs another action's steps in place. Its answer goes into the local, or is not looked at.
public func Call(
  _ action: Action, into local: Local<Outcome>? = nil,
  file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(
    .call(action, into: local?.id), at: SourceLocation(file: file, line: line))
}

/// Ends the call with an outcome; locks held by `Holding` are released first.
public func Return(
  _ outcome: Outcome, file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.returns(outcome), at: SourceLocation(file: file, line: line))
}

/// Ends the call with the answer that a local holds.
public func Return(
  _ local: Local<Outcome>, file: String = #fileID, line: Int = #line
) -> Statement {
  Statement(.returnLocal(local.id), at: SourceLocation(file: file, line: line))
}

/// Several statements as a value, to be put into a body elsewhere.
public func Statements(@StatementBuilder _ body: () -> [Statement]) -> [Statement] { body() }

/// Builds the body of an action.
@resultBuilder
public enum StatementBuilder {
  public static func buildExpression(_ statement: Statement) -> [Statement] { [statement] }
  public static func buildExpression(_ statements: [Statement]) -> [Statement] { statements }
  public static func buildExpression(
    _ assignment: Assignment, file: String = #fileID, line: Int = #line
  ) -> [Statement] {
    [assignment.make(SourceLocation(file: file, line: line))]
  }
  public static func buildBlock(_ parts: [Statement]...) -> [Statement] { parts.flatMap { $0 } }

  // `if` and `switch` over plain Swift values choose between variants when a spec is put together.
  // A condition on the state is not a Bool, so it cannot get here: it takes When.
  public static func buildEither(first: [Statement]) -> [Statement] { first }
  public static func buildEither(second: [Statement]) -> [Statement] { second }
  public static func buildOptional(_ part: [Statement]?) -> [Statement] { part ?? [] }

  @available(*, unavailable, message: "use Each(Sort.self) { … } or ForEach(Sort.self) { … }")
  public static func buildArray(_ parts: [[Statement]]) -> [Statement] { parts.flatMap { $0 } }
}
