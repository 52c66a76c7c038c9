/// Turns an action into numbered sentences that can be read aloud.
public struct ActionReader {
  private var reader: ExpressionReader

  public init(_ spec: SpecDescription) { reader = ExpressionReader(spec) }

  /// The action, a sentence a line.
  public func text(_ action: Action) -> String {
    var inner = self
    var names: [String] = []
    for argument in action.arguments {
      let (named, name) = inner.reader.binding(argument.bound)
      inner.reader = named
      names.append("\(typeName(argument.bound.type)) \(name)")
    }
    var out = action.name
    if !names.isEmpty { out += " for any \(names.joined(separator: " and any "))" }
    if let role = action.role {
      out += ", called by any \(role.name).\n"
      out += "Others may act between any two numbered lines.\n"
    } else {
      out += ", in one step.\n"
    }
    if !action.citations.isEmpty { out += "Source: \(action.citations.joined(separator: "; ")).\n" }
    out += "\n"
    out += inner.lines(action.body, prefix: "", depth: 0)
    return out
  }

  private func typeName(_ type: ValueType) -> String {
    switch type {
    case .element(let sort): sort.name
    case .enumeration(let name, _): name
    case .bool: "truth value"
    default: "value"
    }
  }

  private func lines(_ body: [Statement], prefix: String, depth: Int) -> String {
    var out = ""
    for (index, statement) in body.enumerated() {
      let number = "\(prefix)\(index + 1)"
      out += sentence(statement, number, depth)
    }
    return out
  }

  private func line(_ depth: Int, _ number: String, _ text: String, _ why: Statement) -> String {
    let indent = String(repeating: "  ", count: depth)
    return "\(indent)\(number). \(text)\(because(why))\n"
  }

  private func because(_ statement: Statement) -> String {
    guard let reason = statement.reason else { return "" }
    let source = statement.citations.joined(separator: "; ")
    return source.isEmpty ? " (\(reason))" : " (\(reason); \(source))"
  }

  private func block(
    _ head: String, _ body: [Statement], _ why: Statement, _ number: String, _ depth: Int
  ) -> String {
    line(depth, number, head, why) + lines(body, prefix: "\(number).", depth: depth + 1)
  }

  private func sentence(_ statement: Statement, _ number: String, _ depth: Int) -> String {
    switch statement.kind {
    case .step(let name, let body):
      return block("In one step, “\(name)”:", body, statement, number, depth)
    case .holding(let use, let body):
      return block(
        "Take \(reader.text(use)), waiting for it, and hold it on every way out of:", body,
        statement, number, depth)
    case .tryHolding(let use, let outcome, let body):
      let head = """
        Try to take \(reader.text(use)); if it is taken, answer \(outcome.text). \
        Hold it until the last step of:
        """
      return block(head, body, statement, number, depth)
    case .when(let condition, let then, let otherwise):
      var out = block("If \(reader.text(condition)):", then, statement, number, depth)
      if !otherwise.isEmpty {
        let indent = String(repeating: "  ", count: depth)
        out += "\(indent)   Otherwise:\n"
        out += lines(otherwise, prefix: "\(number).else.", depth: depth + 1)
      }
      return out
    case .each(let bound, let body):
      return loop(bound, "For every", "at once:", body, statement, number, depth)
    case .forEach(let bound, let filter, let ordered, let body):
      var (inner, name) = (self, "")
      (inner.reader, name) = reader.binding(bound)
      let which = filter.map { " such that \(inner.reader.text($0))" } ?? ""
      let order = ordered ? "in increasing order" : "in any order"
      return line(
        depth, number, "For every \(typeName(bound.type)) \(name)\(which), one after the other \(order):",
        statement)
        + inner.lines(body, prefix: "\(number).", depth: depth + 1)
    case .call(let action, let local):
      let source = action.citations.isEmpty ? "" : " (\(action.citations.joined(separator: "; ")))"
      let keep = local.map { ", keep its answer as \($0.name)" } ?? ", do not look at its answer"
      return block("Call \(action.name)\(source)\(keep):", action.body, statement, number, depth)
    default:
      return line(depth, number, simple(statement), statement)
    }
  }

  private func loop(
    _ bound: BoundID, _ opening: String, _ closing: String, _ body: [Statement],
    _ statement: Statement, _ number: String, _ depth: Int
  ) -> String {
    var inner = self
    let name: String
    (inner.reader, name) = reader.binding(bound)
    return line(depth, number, "\(opening) \(typeName(bound.type)) \(name), \(closing)", statement)
      + inner.lines(body, prefix: "\(number).", depth: depth + 1)
  }

  private func simple(_ statement: Statement) -> String {
    switch statement.kind {
    case .require(let condition):
      "This can only happen when \(reader.text(condition))."
    case .check(let condition, let outcome):
      "Check that \(reader.text(condition)); if not, answer \(outcome.text)."
    case .assign(let variable, let indices, let value):
      "\(reader.text(.read(variable, indices))) becomes \(reader.text(value))."
    case .assignLocal(let local, let value):
      "Remember \(reader.text(value)) as \(local.name)."
    case .acquire(let use): "Take \(reader.text(use)), waiting for it."
    case .tryAcquire(let use, let outcome):
      "Try to take \(reader.text(use)); if it is taken, answer \(outcome.text)."
    case .tryAcquireAll(let lock, let outcome):
      "Try to take every \(lock.name), all or none; if any is taken, answer \(outcome.text)."
    case .release(let use): "Release \(reader.text(use))."
    case .releaseAll(let lock): "Release every \(lock.name)."
    case .returns(let outcome): "Answer \(outcome.text)."
    case .returnLocal(let local): "Answer what \(local.name) holds."
    default: ""
    }
  }
}
