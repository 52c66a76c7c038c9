import SpecLanguage

/// Turns an action's body into a graph of steps: calls are unrolled in place, locks become
/// variables, and every way out releases what `Holding` took.
struct Lowering {
  /// Locks whose release may belong to the step before it: nobody tries them, so nobody can tell.
  let quietLocks: Set<LockDeclaration>
  let reader: ExpressionReader
  var flow: Flow<Node>
  var checks: [CheckInfo]
  private var known: Set<FrameEntry.Source> = []

  /// Where a `Return` leads, at some depth of calls.
  struct Context {
    var path: [String]
    var held: [Held] = []
    /// The local that a call's answer goes to, and what comes after; `nil` at the outermost level.
    var caller: (into: LocalID?, next: Int)?
    /// The locals that the enclosing actions use: a call leaves them alone.
    var locals: Set<LocalID> = []
  }

  /// A lock that every way out must release.
  struct Held {
    let use: LockUse
    /// The release belongs to the step before it, even where others can tell.
    let withStep: Bool
  }

  init(
    _ action: Action, quietLocks: Set<LockDeclaration>, checks: [CheckInfo],
    reader: ExpressionReader
  ) {
    self.quietLocks = quietLocks
    self.reader = reader
    self.checks = checks
    flow = Flow(name: action.name, action: action)
  }

  /// Lowers an action that threads run, step by step.
  mutating func lowerProcedure(_ action: Action) throws(SpecError) {
    for argument in action.arguments {
      remember(.bound(argument.bound), argument.name, argument.bound.type)
    }
    var context = Context(path: [action.name])
    context.locals = action.body.ownLocals
    let end = ending(.ok, context)
    flow.entry = try lower(action.body, context, next: end)
  }

  /// Lowers a one-step action: all of its body is one atomic step.
  mutating func lowerOneStep(_ action: Action) throws(SpecError) {
    for argument in action.arguments {
      remember(.bound(argument.bound), argument.name, argument.bound.type)
    }
    let context = Context(path: [action.name])
    let end = ending(.ok, context)
    let body = try atomic(action.body, context, seenWrite: false)
    flow.entry = add(.atomic(body, next: end), context, action.name, action.location)
  }

  // MARK: Nodes

  mutating func add(
    _ node: FlowNode<Node>, _ context: Context, _ label: String,
    _ location: SourceLocation? = nil, lock: LockEvent? = nil
  ) -> Int {
    flow.nodes.append(node)
    flow.info.append(
      NodeInfo(path: context.path, label: label, location: location, lock: lock))
    return flow.nodes.count - 1
  }

  mutating func remember(_ source: FrameEntry.Source, _ name: String, _ type: ValueType) {
    guard known.insert(source).inserted else { return }
    flow.frame.append(FrameEntry(source: source, name: name, type: type))
  }

  /// The node that ends the call with an outcome: releases, then the answer.
  mutating func ending(_ outcome: Outcome, _ context: Context) -> Int {
    let last: Int
    if let caller = context.caller {
      last = answer(.outcome(outcome), caller, context)
    } else {
      last = add(.end(outcome), context, "return \(outcome.text)")
    }
    return unwinding(context, then: last)
  }

  mutating func endingLocal(_ local: LocalID, _ context: Context) -> Int {
    let last: Int
    if let caller = context.caller {
      last = answer(.local(local), caller, context)
    } else {
      remember(.local(local), local.name, local.type)
      last = add(.endLocal(local), context, "return \(local.name)")
    }
    return unwinding(context, then: last)
  }

  private mutating func answer(
    _ value: Node, _ caller: (into: LocalID?, next: Int), _ context: Context
  ) -> Int {
    guard let into = caller.into else { return caller.next }
    remember(.local(into), into.name, into.type)
    let place = SourceLocation(file: "", line: 0)
    return add(
      .silent([.assign(.local(into), value, place)], next: caller.next), context, "answer")
  }

  /// Releases everything held, innermost first, then goes on.
  private mutating func unwinding(_ context: Context, then last: Int) -> Int {
    var node = last
    for held in context.held {
      node = releasing(held.use, context, nil, withStep: held.withStep, next: node)
    }
    return node
  }

  // MARK: Statements

  mutating func lower(
    _ statements: [Statement], _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    var node = next
    for statement in statements.reversed() {
      node = try lower(statement, context, next: node)
    }
    return node
  }

  private mutating func lower(
    _ statement: Statement, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    let place = statement.location
    switch statement.kind {
    case .require, .check, .assign, .each:
      return try step([statement], label(of: statement), place, context, next: next)
    case .step(let name, let body):
      return try step(body, name, place, context, next: next)
    case .assignLocal(let local, let value):
      remember(.local(local), local.name, local.type)
      guard value.readsSharedState else {
        return add(
          .silent([.assign(.local(local), value, place)], next: next), context, "set")
      }
      let label = "looks at \(reader.text(value))"
      return try step([statement], label, place, context, next: next)
    case .when(let condition, let then, let otherwise):
      let yes = try lower(then, context, next: next)
      let no = try lower(otherwise, context, next: next)
      return add(
        .test(condition, shared: condition.readsSharedState, yes: yes, no: no), context,
        "looks at a condition", place)
    case .acquire, .tryAcquire, .tryAcquireAll, .release, .releaseAll:
      return try lowerLock(statement, context, next: next)
    case .holding(let use, let body):
      var inner = context
      inner.held.append(Held(use: use, withStep: false))
      let release = releasing(use, context, place, withStep: false, next: next)
      let start = try lower(body, inner, next: release)
      return acquiring(use, context, place, next: start)
    case .tryHolding(let use, let outcome, let body):
      var inner = context
      inner.held.append(Held(use: use, withStep: true))
      let release = releasing(use, context, place, withStep: true, next: next)
      let start = try lower(body, inner, next: release)
      let attempt = Statement(.tryAcquire(use, else: outcome), at: place)
      return try lowerLock(attempt, context, next: start)
    case .call(let action, let into):
      return try call(action, into, place, context, next: next)
    case .forEach(let bound, let filter, let ordered, let body):
      return try loop(bound, filter, ordered, body, place, context, next: next)
    case .repeating(let body, let condition):
      return try rounds(body, condition, place, context, next: next)
    case .returns(let outcome):
      return ending(outcome, context)
    case .writesBack: throw misplaced(statement)
    case .returnLocal(let local):
      return endingLocal(local, context)
    }
  }

  /// `Action` takes out what stands where it belongs.
  func misplaced(_ statement: Statement) -> SpecError {
    SpecError(
      "TDX1109", "what a call writes back is told inside another statement",
      at: statement.location, suggestion: "move it to the outermost level of the action")
  }

  private mutating func step(
    _ body: [Statement], _ label: String, _ place: SourceLocation, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    let atoms = try atomic(body, context, seenWrite: false)
    return add(.atomic(atoms, next: next), context, label, place)
  }

  private mutating func call(
    _ action: Action, _ into: LocalID?, _ place: SourceLocation, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    guard !context.path.contains(action.name) else {
      throw SpecError(
        "TDX1101", "\(action.name) calls itself", at: place,
        suggestion: "a procedure is unrolled where it is called, so calls cannot recurse")
    }
    var inner = Context(path: context.path + [action.name])
    inner.caller = (into, next)
    let fresh = action.body.ownLocals.subtracting(context.locals)
    inner.locals = context.locals.union(fresh)
    let end = ending(.ok, inner)
    let start = try lower(action.body, inner, next: end)
    flow.info[start].entering.insert(action.name)
    return clearing(fresh, place, inner, next: start)
  }

  /// A called action's locals start anew at every call.
  private mutating func clearing(
    _ locals: Set<LocalID>, _ place: SourceLocation, _ context: Context, next: Int
  ) -> Int {
    guard !locals.isEmpty else { return next }
    var atoms: [AtomicStatement<Node>] = []
    for local in locals.sorted(by: { $0.raw < $1.raw }) {
      remember(.local(local), local.name, local.type)
      let first: Node = local.type == .outcome ? .outcome(.ok) : .literal(0, local.type)
      atoms.append(.assign(.local(local), first, place))
    }
    return add(.silent(atoms, next: next), context, "begins")
  }
}
