/// Turns an action into sentences that can be read aloud.
///
/// A numbered line is a step of its own: others may act before and after it. A line with a dash
/// belongs to the step above it.
public struct ActionReader {
  private var reader: ExpressionReader
  private var out = ""
  private var number = 0

  public init(_ spec: SpecDescription) { reader = ExpressionReader(spec) }

  /// The action, a sentence a line.
  public func text(_ action: Action) -> String {
    var copy = self
    copy.write(action)
    return copy.out
  }

  private mutating func write(_ action: Action) {
    var names: [String] = []
    for argument in action.arguments {
      let (named, name) = reader.binding(argument.bound)
      reader = named
      names.append("\(typeName(argument.bound.type)) \(name)")
    }
    out += action.name
    if !names.isEmpty { out += " of any \(names.joined(separator: " and any "))" }
    if let role = action.role {
      out += ", called by any \(role.name).\n"
      out += "A numbered line is one step; others may act between two of them.\n"
    } else {
      out += ", in one step.\n"
    }
    if !action.citations.isEmpty { out += "Source: \(action.citations.joined(separator: "; ")).\n" }
    out += "\n"
    if action.role == nil {
      inside(action.body, depth: 0)
    } else {
      steps(action.body, depth: 0)
    }
    for output in action.outputs {
      let answers = output.answers.map(\.text).joined(separator: " or ")
      aside(
        0, "Write back \(output.name), \(reader.text(output.value)), with \(answers).")
    }
  }

  private func typeName(_ type: ValueType) -> String {
    switch type {
    case .element(let sort): sort.name
    case .enumeration(let name, _): name
    case .bool: "truth value"
    default: "value"
    }
  }

  // MARK: Lines

  /// A step of its own.
  private mutating func step(_ depth: Int, _ text: String, _ why: Statement) {
    number += 1
    let label = String(repeating: " ", count: max(0, 3 - "\(number)".count)) + "\(number). "
    out += label + indent(depth) + text + because(why) + "\n"
  }

  /// What the thread does between steps, from what it knows.
  private mutating func aside(_ depth: Int, _ text: String, _ why: Statement? = nil) {
    out += "     " + indent(depth) + text + (why.map(because) ?? "") + "\n"
  }

  private func indent(_ depth: Int) -> String { String(repeating: "   ", count: depth) }

  private func because(_ statement: Statement) -> String {
    guard let reason = statement.reason else { return "" }
    let source = statement.citations.joined(separator: "; ")
    return source.isEmpty ? " (\(reason))" : " (\(reason); \(source))"
  }

  // MARK: Steps

  private mutating func steps(_ body: [Statement], depth: Int) {
    for statement in body { write(statement, depth) }
  }

  private mutating func write(_ statement: Statement, _ depth: Int) {
    switch statement.kind {
    case .step(let name, let body):
      if body.count == 1, let only = sentence(body[0]) {
        step(depth, "“\(name)”: \(only)", body[0])
      } else {
        step(depth, "In one step, “\(name)”:", statement)
        inside(body, depth: depth + 1)
      }
    case .holding(let use, let body):
      step(depth, "Wait for \(reader.text(use)) and take it. While it is held:", statement)
      steps(body, depth: depth + 1)
      aside(depth, "Then, and on every other way out, release \(reader.text(use)).")
    case .tryHolding(let use, let outcome, let body):
      step(
        depth, "Try to take \(reader.text(use)); if that fails, answer \(outcome.text).", statement)
      steps(body, depth: depth)
      aside(depth, "With that step, release \(reader.text(use)).")
    case .when(let condition, let then, let otherwise):
      choice(condition, then, otherwise, statement, depth)
    case .forEach(let bound, let filter, let ordered, let body):
      let outer = reader
      let (inner, name) = reader.binding(bound)
      reader = inner
      let which = filter.map { " such that \(inner.condition($0))" } ?? ""
      let order = ordered ? "in increasing order" : "in any order"
      aside(
        depth, "For every \(typeName(bound.type)) \(name)\(which), one after the other \(order):",
        statement)
      steps(body, depth: depth + 1)
      reader = outer
    case .repeating(let body, let condition):
      aside(depth, "Repeatedly:", statement)
      steps(body, depth: depth + 1)
      aside(depth, "Again while \(reader.condition(condition)).")
    case .call(let action, let local):
      let source = action.citations.isEmpty ? "" : " (\(action.citations.joined(separator: "; ")))"
      let keep =
        local.map { "; its answer is kept as “\($0.name)”" } ?? "; its answer is not looked at"
      aside(depth, "SEAMCALL or call \(action.name)\(source)\(keep):")
      steps(action.body, depth: depth + 1)
    case .assignLocal(_, let value) where !value.readsState:
      aside(depth, sentence(statement) ?? "", statement)
    case .returns, .returnLocal:
      aside(depth, sentence(statement) ?? "", statement)
    default:
      step(depth, sentence(statement) ?? "", statement)
    }
  }

  private mutating func choice(
    _ condition: Node, _ then: [Statement], _ otherwise: [Statement], _ why: Statement,
    _ depth: Int
  ) {
    let text = "If \(reader.condition(condition)):"
    if condition.readsState { step(depth, text, why) } else { aside(depth, text, why) }
    steps(then, depth: depth + 1)
    if !otherwise.isEmpty {
      aside(depth, "Otherwise:")
      steps(otherwise, depth: depth + 1)
    }
  }

  // MARK: Within a step

  private mutating func inside(_ body: [Statement], depth: Int) {
    for statement in body {
      switch statement.kind {
      case .when(let condition, let then, let otherwise):
        aside(depth, "- If \(reader.condition(condition)):", statement)
        inside(then, depth: depth + 1)
        if !otherwise.isEmpty {
          aside(depth, "- Otherwise:")
          inside(otherwise, depth: depth + 1)
        }
      case .each(let bound, let inner):
        let outer = reader
        let (named, name) = reader.binding(bound)
        reader = named
        aside(depth, "- For every \(typeName(bound.type)) \(name), at once:", statement)
        inside(inner, depth: depth + 1)
        reader = outer
      case .step(_, let inner):
        inside(inner, depth: depth)
      default:
        aside(depth, "- \(sentence(statement) ?? "")", statement)
      }
    }
  }

  /// A statement that fits one sentence.
  private func sentence(_ statement: Statement) -> String? {
    switch statement.kind {
    case .require(let condition):
      "This can only happen when \(reader.condition(condition))."
    case .check(let condition, let outcome):
      "Check that \(reader.condition(condition)); if not, answer \(outcome.text)."
    case .assign(let variable, let indices, let value):
      "\(reader.text(.read(variable, indices))) becomes \(reader.text(value))."
    case .assignLocal(let local, let value):
      "Look at \(reader.text(value)) and remember it as “\(local.name)”."
    case .acquire(let use): "Wait for \(reader.text(use)) and take it."
    case .tryAcquire(let use, let outcome):
      "Try to take \(reader.text(use)); if that fails, answer \(outcome.text)."
    case .tryAcquireAll(let lock, let outcome):
      "Try to take every \(lock.name), all or none; if that fails, answer \(outcome.text)."
    case .release(let use): "Release \(reader.text(use))."
    case .releaseAll(let lock): "Release every \(lock.name)."
    case .returns(let outcome): "Answer \(outcome.text)."
    case .returnLocal(let local): "Answer what “\(local.name)” holds."
    case .when, .each, .forEach, .step, .holding, .tryHolding, .call, .repeating, .writesBack: nil
    }
  }
}

extension Node {
  /// Whether others can change the value.
  fileprivate var readsState: Bool {
    any {
      switch $0 {
      case .read, .standing: true
      default: false
      }
    }
  }
}
