extension Action {
  /// Visits every expression that the spec's author wrote in the body.
  public func visitExpressions(_ body: (Node) -> Void) {
    self.body.visitExpressions(body)
    for output in outputs { body(output.value) }
  }
}

extension [Statement] {
  /// Visits every expression in the statements, nested ones included.
  public func visitExpressions(_ visit: (Node) -> Void) {
    for statement in self {
      switch statement.kind {
      case .require(let condition), .check(let condition, _): visit(condition)
      case .assign(_, let indices, let value):
        indices.forEach(visit)
        visit(value)
      case .assignLocal(_, let value): visit(value)
      case .when(let condition, let yes, let no):
        visit(condition)
        yes.visitExpressions(visit)
        no.visitExpressions(visit)
      case .each(_, let body), .step(_, let body):
        body.visitExpressions(visit)
      case .forEach(_, let filter, _, let body):
        if let filter { visit(filter) }
        body.visitExpressions(visit)
      case .repeating(let body, let condition):
        visit(condition)
        body.visitExpressions(visit)
      case .holding(let use, let body), .tryHolding(let use, _, let body):
        use.index.forEach(visit)
        body.visitExpressions(visit)
      case .acquire(let use), .tryAcquire(let use, _), .release(let use):
        use.index.forEach(visit)
      case .call(let action, _): action.visitExpressions(visit)
      case .writesBack(let output): visit(output.value)
      case .tryAcquireAll, .releaseAll, .returns, .returnLocal: break
      }
    }
  }
}

extension [Statement] {
  /// The locals that these statements use, those of called actions left out.
  public var ownLocals: Set<LocalID> {
    var found: Set<LocalID> = []
    func note(_ node: Node) {
      node.visit { if case .local(let local) = $0 { found.insert(local) } }
    }
    for statement in self {
      switch statement.kind {
      case .assignLocal(let local, let value):
        found.insert(local)
        note(value)
      case .call(_, let into): if let into { found.insert(into) }
      case .returnLocal(let local): found.insert(local)
      case .when(let condition, let yes, let no):
        note(condition)
        found.formUnion(yes.ownLocals)
        found.formUnion(no.ownLocals)
      case .repeating(let body, let condition):
        note(condition)
        found.formUnion(body.ownLocals)
      case .each(_, let body), .step(_, let body), .holding(_, let body),
        .tryHolding(_, _, let body), .forEach(_, _, _, let body):
        found.formUnion(body.ownLocals)
      default: [statement].visitExpressions(note)
      }
    }
    return found
  }
}
