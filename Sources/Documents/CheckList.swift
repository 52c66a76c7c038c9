import SpecLanguage

/// What an action looks at and may be refused by, in order; called actions are listed apart.
public struct CheckList {
  /// One entry.
  public struct Item: Hashable, Sendable {
    public enum Kind: String, Sendable {
      /// The call answers unless it holds.
      case check
      /// The step cannot happen unless it holds.
      case needs
      /// The step waits for a lock.
      case waits
      /// Another action's steps come in place.
      case calls
    }
    public let kind: Kind
    /// The condition in words, the lock, or the name of the called action.
    public let text: String
    /// What the call answers when the condition does not hold.
    public let answer: String?
    /// Why, and where that is written; empty when the spec does not say.
    public let reason: String
    /// The condition under which the entry counts, as far as the innermost one says.
    public let onlyIf: String?
  }

  /// An action that others call.
  public struct Called: Hashable, Sendable {
    public let name: String
    public let citations: [String]
    public let items: [Item]
  }

  public let items: [Item]
  /// Every action called, directly or not, in order; one name may come with several lists.
  public let called: [Called]

  public init(_ action: Action, of spec: SpecDescription) {
    var walk = CheckWalk(reader: ExpressionReader(spec))
    for argument in action.arguments { walk.reader = walk.reader.binding(argument.bound).0 }
    walk.look(action.body, onlyIf: nil)
    items = walk.items
    called = walk.called
  }
}

/// Goes over one body.
private struct CheckWalk {
  var reader: ExpressionReader
  var items: [CheckList.Item] = []
  var called: [CheckList.Called] = []

  mutating func look(_ body: [Statement], onlyIf: String?) {
    for statement in body { look(statement, onlyIf) }
  }

  private mutating func add(
    _ kind: CheckList.Item.Kind, _ text: String, _ answer: Outcome?, _ statement: Statement,
    _ onlyIf: String?
  ) {
    let parts = [statement.reason].compactMap { $0 } + statement.citations
    items.append(
      CheckList.Item(
        kind: kind, text: text, answer: answer?.text, reason: parts.joined(separator: "; "),
        onlyIf: onlyIf))
  }

  private mutating func look(_ statement: Statement, _ onlyIf: String?) {
    switch statement.kind {
    case .require(let condition):
      add(.needs, reader.condition(condition), nil, statement, onlyIf)
    case .check(let condition, let answer):
      add(.check, reader.condition(condition), answer, statement, onlyIf)
    case .acquire(let use): add(.waits, reader.text(use), nil, statement, onlyIf)
    case .tryAcquire(let use, let answer):
      add(.check, "\(reader.text(use)) can be taken", answer, statement, onlyIf)
    case .tryAcquireAll(let lock, let answer):
      add(.check, "every \(lock.name) can be taken", answer, statement, onlyIf)
    case .holding(let use, let body):
      add(.waits, reader.text(use), nil, statement, onlyIf)
      look(body, onlyIf: onlyIf)
    case .tryHolding(let use, let answer, let body):
      add(.check, "\(reader.text(use)) can be taken", answer, statement, onlyIf)
      look(body, onlyIf: onlyIf)
    case .when(let condition, let yes, let no):
      look(yes, onlyIf: reader.condition(condition))
      look(no, onlyIf: reader.condition(.not(condition)))
    case .step(_, let body): look(body, onlyIf: onlyIf)
    case .repeating(let body, let condition):
      look(body, onlyIf: onlyIf)
      add(.needs, "leaves the loop unless \(reader.condition(condition))", nil, statement, onlyIf)
    case .each(let bound, let body), .forEach(let bound, _, _, let body):
      let outer = reader
      reader = reader.binding(bound).0
      look(body, onlyIf: onlyIf)
      reader = outer
    case .call(let action, _): call(action, statement, onlyIf)
    case .assign, .assignLocal, .release, .releaseAll, .returns, .returnLocal, .writesBack: break
    }
  }

  private mutating func call(_ action: Action, _ statement: Statement, _ onlyIf: String?) {
    add(.calls, action.name, nil, statement, onlyIf)
    var inner = CheckWalk(reader: reader)
    inner.look(action.body, onlyIf: nil)
    let own = CheckList.Called(
      name: action.name, citations: action.citations, items: inner.items)
    for entry in [own] + inner.called where !called.contains(entry) { called.append(entry) }
  }
}
