/// One condition of a `Require` or `Check` that can be switched off.
public struct GuardSwitch: Sendable {
  /// While it is true the condition counts as met.
  public let variable: VariableID
  /// The action whose body the condition stands in, as its author called it.
  public let action: String
  /// The condition in words.
  public let text: String
  public let location: SourceLocation
}

extension SpecDescription {
  /// The same spec with a switch at every condition of every `Require` and `Check`.
  ///
  /// The switches are state variables that no step writes, so that a state says which conditions
  /// count. A conjunction has a switch for each part; a shared condition (a helper of several
  /// actions) has one for each action that it stands in. Conditions of `When` and of locks have
  /// none: they belong to effects.
  public func withGuardSwitches() -> (spec: SpecDescription, switches: [GuardSwitch]) {
    var maker = SwitchMaker(reader: ExpressionReader(self))
    let actions = self.actions.map { maker.action($0) }
    let added = maker.switches.enumerated().map { index, guardSwitch in
      NamedVariable(
        name: "switch \(index)",
        declaration: VariableDeclaration(
          id: guardSwitch.variable, name: nil, kind: .state, indices: [], type: .bool,
          initial: .no, location: guardSwitch.location))
    }
    return (SpecDescription(self, variables: variables + added, actions: actions), maker.switches)
  }
}

/// Puts switches into bodies, one a place in the source.
private struct SwitchMaker {
  struct Key: Hashable {
    let action: String
    let location: SourceLocation
    let part: Int
    let text: String
  }

  let reader: ExpressionReader
  var switches: [GuardSwitch] = []
  private var known: [Key: VariableID] = [:]

  init(reader: ExpressionReader) { self.reader = reader }

  mutating func action(_ action: Action) -> Action {
    Action(action, body: body(action.body, action.name))
  }

  private mutating func body(_ statements: [Statement], _ action: String) -> [Statement] {
    statements.map { statement in
      var copy = Statement(kind(statement, action), at: statement.location)
      copy.reason = statement.reason
      copy.citations = statement.citations
      return copy
    }
  }

  private mutating func kind(_ statement: Statement, _ action: String) -> Statement.Kind {
    switch statement.kind {
    case .require(let condition):
      return .require(switched(condition, statement.location, action))
    case .check(let condition, let outcome):
      return .check(switched(condition, statement.location, action), else: outcome)
    case .when(let condition, let yes, let no):
      return .when(condition, then: body(yes, action), otherwise: body(no, action))
    case .each(let bound, let inner): return .each(bound, body(inner, action))
    case .forEach(let bound, let filter, let ordered, let inner):
      return .forEach(bound, filter: filter, ordered: ordered, body(inner, action))
    case .repeating(let inner, let condition):
      return .repeating(body(inner, action), while: condition)
    case .step(let name, let inner): return .step(name, body(inner, action))
    case .holding(let use, let inner): return .holding(use, body(inner, action))
    case .tryHolding(let use, let outcome, let inner):
      return .tryHolding(use, else: outcome, body(inner, action))
    case .call(let called, let into): return .call(self.action(called), into: into)
    case .assign, .assignLocal, .acquire, .tryAcquire, .tryAcquireAll, .release, .releaseAll,
      .returns, .returnLocal, .writesBack:
      return statement.kind
    }
  }

  private mutating func switched(
    _ condition: Node, _ location: SourceLocation, _ action: String
  ) -> Node {
    let parts: [Node] = if case .and(let parts) = condition { parts } else { [condition] }
    return .and(
      parts.enumerated().map { index, part in
        let text = reader.condition(part)
        let key = Key(action: action, location: location, part: index, text: text)
        if let known = known[key] { return .or([part, .read(known, [])]) }
        let variable = VariableID(raw: Identity.next())
        known[key] = variable
        switches.append(
          GuardSwitch(variable: variable, action: action, text: text, location: location))
        return .or([part, .read(variable, [])])
      })
  }
}
