import SpecLanguage

extension Lowering {
  /// The statements of one step. A check may not come after a write, so that a refused call has
  /// changed nothing.
  mutating func atomic(
    _ body: [Statement], _ context: Context, seenWrite: Bool
  ) throws(SpecError) -> [AtomicStatement<Node>] {
    var result: [AtomicStatement<Node>] = []
    var written = seenWrite
    for statement in body {
      let place = statement.location
      switch statement.kind {
      case .require(let condition):
        result.append(.require(condition))
      case .check(let condition, let outcome):
        try refuseAfterWrite(written, statement)
        result.append(check(condition, outcome, statement, context))
      case .assign(let variable, let indices, let value):
        written = true
        result.append(.assign(.variable(variable, indices), value, place))
      case .assignLocal(let local, let value):
        remember(.local(local), local.name, local.type)
        result.append(.assign(.local(local), value, place))
      case .when(let condition, let then, let otherwise):
        let yes = try atomic(then, context, seenWrite: written)
        let no = try atomic(otherwise, context, seenWrite: written)
        // What a branch that returns has written cannot come before a later check.
        written =
          written || !then.returns && yes.contains(where: \.writes)
          || !otherwise.returns && no.contains(where: \.writes)
        result.append(.when(condition, yes, no))
      case .each(let bound, let inner):
        let body = try atomic(inner, context, seenWrite: written)
        written = written || body.contains(where: \.writes)
        result.append(.each(bound, body))
      case .step(_, let inner):
        result += try atomic(inner, context, seenWrite: written)
        written = written || result.contains(where: \.writes)
      case .acquire, .tryAcquire, .tryAcquireAll, .release, .releaseAll:
        let atoms = try lockAtoms(statement, context)
        written = written || atoms.contains(where: \.writes)
        result += atoms
      case .returns(let outcome):
        result.append(.exit(ending(outcome, context)))
      case .writesBack: throw misplaced(statement)
      case .returnLocal(let local):
        result.append(.exit(endingLocal(local, context)))
      case .holding, .tryHolding, .call, .forEach, .repeating:
        throw SpecError(
          "TDX1103", "\(label(of: statement)) cannot stand inside one step", at: place,
          suggestion: "move it out of Step, or give the action by: a role")
      }
    }
    return result
  }

  private func refuseAfterWrite(_ written: Bool, _ statement: Statement) throws(SpecError) {
    guard written else { return }
    throw SpecError(
      "TDX1104", "a check after a write in the same step", at: statement.location,
      suggestion: "put the checks first, or make the write a step of its own")
  }

  private mutating func check(
    _ condition: Node, _ outcome: Outcome, _ statement: Statement, _ context: Context
  ) -> AtomicStatement<Node> {
    let number = register(
      condition, outcome, statement.location, context, statement.citations)
    return .check(number, condition, failTo: ending(outcome, context))
  }

  mutating func register(
    _ condition: Node, _ outcome: Outcome, _ location: SourceLocation, _ context: Context,
    _ citations: [String] = []
  ) -> Int {
    checks.append(
      CheckInfo(
        action: context.path.joined(separator: " / "), text: reader.condition(condition),
        outcome: outcome, location: location,
        citations: citations.isEmpty ? flow.action.citations : citations))
    return checks.count - 1
  }

  func label(of statement: Statement) -> String {
    switch statement.kind {
    case .require(let condition): "waits until \(reader.condition(condition))"
    case .check(let condition, _): "checks that \(reader.condition(condition))"
    case .assign, .assignLocal: "writes"
    case .each(_, _): "updates all"
    case .step(let name, _): name
    case .when: "looks at a condition"
    case .acquire(let use): "takes \(use.lock.name)"
    case .tryAcquire(let use, _): "tries \(use.lock.name)"
    case .tryAcquireAll(let lock, _): "tries all \(lock.name)"
    case .release(let use): "releases \(use.lock.name)"
    case .releaseAll(let lock): "releases all \(lock.name)"
    case .holding(let use, _): "Holding(\(use.lock.name))"
    case .tryHolding(let use, _, _): "TryHolding(\(use.lock.name))"
    case .call(let action, _): "Call(\(action.name))"
    case .forEach: "ForEach"
    case .repeating: "Repeat"
    case .returns, .returnLocal: "returns"
    case .writesBack: "writes back"
    }
  }
}

extension [Statement] {
  /// Whether the statements certainly end the call.
  fileprivate var returns: Bool {
    contains { statement in
      switch statement.kind {
      case .returns, .returnLocal: true
      case .when(_, let yes, let no): yes.returns && no.returns
      case .step(_, let body): body.returns
      default: false
      }
    }
  }
}

extension AtomicStatement {
  /// Whether it writes shared state.
  var writes: Bool {
    switch self {
    case .assign(.variable, _, _): true
    case .assign, .require, .check, .exit: false
    case .when(_, let yes, let no): yes.contains(where: \.writes) || no.contains(where: \.writes)
    case .each(_, let body): body.contains(where: \.writes)
    }
  }
}

extension Node {
  /// Whether the value can change while the thread that evaluates it stands still.
  var readsSharedState: Bool {
    any {
      switch $0 {
      case .read, .standing: true
      default: false
      }
    }
  }
}
