extension SpecDescription {
  /// The spec with a bug put in; the properties that must notice are expected to be violated.
  ///
  /// - Throws: `MutationError` when an edit finds nothing or a property does not exist.
  public func mutated(by mutation: Mutation) throws(MutationError) -> SpecDescription {
    for id in mutation.caughtBy where !properties.contains(where: { $0.id == id }) {
      throw MutationError(mutation: mutation, message: "there is no property '\(id)'")
    }
    var actions = self.actions
    for edit in mutation.edits {
      var editor = Editor(edit: edit, reader: ExpressionReader(self))
      actions = actions.map { editor.action($0, within: []) }
      guard editor.found > 0 else {
        throw MutationError(mutation: mutation, message: "\(edit.text) is not found")
      }
    }
    let properties = properties.map { property in
      guard mutation.caughtBy.contains(property.id) else { return property }
      let expected = Expectation(
        verdict: .violated, reason: "mutation \(mutation.id): \(mutation.text)")
      return property.settled([expected])
    }
    return SpecDescription(self, actions: actions, properties: properties, isMutated: true)
  }
}

/// A mutation that cannot be made.
public struct MutationError: Error {
  public let mutation: Mutation
  public let message: String
}

extension Edit {
  /// What is looked for, in words.
  var text: String {
    let place = action.map { " in \($0)" } ?? ""
    return switch target {
    case .step(let name): "the step “\(name)”\(place)"
    case .condition(let text): "a check that \(text)\(place)"
    case .refusal(let outcome): "a check that answers \(outcome.text)\(place)"
    case .call(let name): "a call of \(name)\(place)"
    case .lock(let lock): "a use of \(lock.name)\(place)"
    }
  }
}

/// Makes one edit wherever its target stands.
private struct Editor {
  let edit: Edit
  let reader: ExpressionReader
  var found = 0

  mutating func action(_ action: Action, within path: [String]) -> Action {
    Action(action, body: body(action.body, path + [action.name]))
  }

  private mutating func body(_ statements: [Statement], _ path: [String]) -> [Statement] {
    var result: [Statement] = []
    for statement in statements { result += edited(statement, path) }
    return result
  }

  private mutating func edited(_ statement: Statement, _ path: [String]) -> [Statement] {
    guard edit.action.map(path.contains) ?? true else { return [inside(statement, path)] }
    switch (edit.target, statement.kind) {
    case (.step(let wanted), .step(let name, _)) where wanted == name:
      return replacement(of: statement)
    case (.call(let wanted), .call(let action, _)) where wanted == action.name:
      return replacement(of: statement)
    case (.refusal(let wanted), .check(_, let outcome)) where wanted == outcome:
      return replacement(of: statement)
    case (.condition(let wanted), .require(let condition)):
      guard let left = rest(of: condition, without: wanted) else { break }
      return left == .yes ? [] : [statement.with(.require(left))]
    case (.condition(let wanted), .check(let condition, let outcome)):
      guard let left = rest(of: condition, without: wanted) else { break }
      return left == .yes ? [] : [statement.with(.check(left, else: outcome))]
    case (.lock(let lock), .holding(let use, let inner)) where use.lock == lock:
      return relocked(statement, use, inner, path) { .holding($0, $1) }
    case (.lock(let lock), .tryHolding(let use, let outcome, let inner)) where use.lock == lock:
      return relocked(statement, use, inner, path) { .tryHolding($0, else: outcome, $1) }
    case (.lock(let lock), .tryAcquireAll(let all, _)) where all == lock,
      (.lock(let lock), .releaseAll(let all)) where all == lock:
      return replacement(of: statement)
    default: break
    }
    return [inside(statement, path)]
  }

  private mutating func replacement(of statement: Statement) -> [Statement] {
    found += 1
    if case .replace(let others) = edit.change { return others }
    return []
  }

  private mutating func relocked(
    _ statement: Statement, _ use: LockUse, _ inner: [Statement], _ path: [String],
    _ kind: (LockUse, [Statement]) -> Statement.Kind
  ) -> [Statement] {
    found += 1
    let inner = body(inner, path)
    guard case .share = edit.change else { return inner }
    return [statement.with(kind(LockUse(lock: use.lock, index: use.index, mode: .shared), inner))]
  }

  /// What is left of a condition; `nil` when the part that is looked for is not in it.
  private mutating func rest(of condition: Node, without wanted: String) -> Node? {
    let parts: [Node] = if case .and(let parts) = condition { parts } else { [condition] }
    let left = parts.filter { reader.condition($0) != wanted }
    guard left.count < parts.count else { return nil }
    found += 1
    return left.isEmpty ? .yes : .and(left)
  }

  private mutating func inside(_ statement: Statement, _ path: [String]) -> Statement {
    switch statement.kind {
    case .when(let condition, let yes, let no):
      statement.with(.when(condition, then: body(yes, path), otherwise: body(no, path)))
    case .each(let bound, let inner): statement.with(.each(bound, body(inner, path)))
    case .forEach(let bound, let filter, let ordered, let inner):
      statement.with(.forEach(bound, filter: filter, ordered: ordered, body(inner, path)))
    case .repeating(let inner, let condition):
      statement.with(.repeating(body(inner, path), while: condition))
    case .step(let name, let inner): statement.with(.step(name, body(inner, path)))
    case .holding(let use, let inner): statement.with(.holding(use, body(inner, path)))
    case .tryHolding(let use, let outcome, let inner):
      statement.with(.tryHolding(use, else: outcome, body(inner, path)))
    case .call(let called, let into):
      statement.with(.call(action(called, within: path), into: into))
    case .require, .check, .assign, .assignLocal, .acquire, .tryAcquire, .tryAcquireAll, .release,
      .releaseAll, .returns, .returnLocal, .writesBack:
      statement
    }
  }
}

extension Statement {
  /// The same statement with another content.
  fileprivate func with(_ kind: Kind) -> Statement {
    var copy = Statement(kind, at: location)
    copy.reason = reason
    copy.citations = citations
    return copy
  }
}
