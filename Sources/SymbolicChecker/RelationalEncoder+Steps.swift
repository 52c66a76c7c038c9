import SpecLanguage
import SpecProgram

/// One assignment of an action, with the conditions it stands under.
private struct RelationalWrite {
  let variable: VariableID
  let indices: [Node]
  let value: Node
  let conditions: [Node]
  /// The names of the `Each`s around it.
  let bounds: [BoundID]
}

extension RelationalEncoder {
  /// The initial state.
  func initial(_ tag: String) throws -> Expression {
    var parts: [Expression] = []
    for variable in program.spec.variables {
      let indices = try variable.declaration.indices.map { try element($0) }
      let scope = RelationalScope(tag: tag)
      for (value, extra) in try values(of: variable) {
        let start = try holds(variable.declaration.initial, value, scope)
        let same = try context.iff(try atom(variable, tag, indices, value), start)
        parts.append(try quantified(true, indices + extra, same))
      }
    }
    return try context.and(parts)
  }

  /// The relations of a variable, each with the element that it needs besides the indices.
  private func values(
    of variable: NamedVariable
  ) throws -> [(value: RelationValue, extra: [Expression])] {
    switch variable.declaration.type {
    case .bool: return [(.truth, [])]
    case .enumeration(_, let cases): return cases.indices.map { (.enumerated($0), []) }
    case .optional(let type):
      let partner = try element(type)
      return [(.partner(partner, type), [partner])]
    default:
      // A variable that no step and no claim mentions needs no relation.
      guard isMentioned(variable.declaration.id) else { return [] }
      throw RelationalError.obstacle(
        SizeObstacle(
          what: "\(variable.name) is neither a truth value, an enumeration nor an optional element",
          location: variable.declaration.location))
    }
  }

  private func isMentioned(_ id: VariableID) -> Bool {
    func mentions(_ node: Node) -> Bool {
      node.any { if case .read(id, _) = $0 { true } else { false } }
    }
    if program.spec.properties.contains(where: { mentions($0.condition) }) { return true }
    return program.spec.actions.contains { action in
      var found = false
      action.visitExpressions { found = found || mentions($0) }
      return found
    }
  }

  /// An action as a relation between two states, for some arguments.
  func step(_ action: Action, _ before: String, _ after: String) throws -> Expression {
    guard action.role == nil else {
      throw RelationalError.obstacle(
        SizeObstacle(what: "\(action.name) is a procedure with threads", location: action.location))
    }
    var scope = RelationalScope(tag: before)
    for argument in action.arguments {
      scope.elements[argument.bound] = try element(argument.bound.type)
    }
    var guards: [Expression] = []
    var writes: [RelationalWrite] = []
    try collect(action.body, [], [], scope, &guards, &writes)
    var parts = guards
    for variable in program.spec.variables {
      let indices = try variable.declaration.indices.map { try element($0) }
      for (value, extra) in try values(of: variable) {
        let own = writes.filter { $0.variable == variable.declaration.id }
        let next = try atom(variable, after, indices, value)
        let now = try atom(variable, before, indices, value)
        let result = try updated(own, indices, value, now, scope)
        parts.append(try quantified(true, indices + extra, try context.iff(next, result)))
      }
    }
    return try context.and(parts)
  }

  private func collect(
    _ body: [Statement], _ conditions: [Node], _ bounds: [BoundID], _ scope: RelationalScope,
    _ guards: inout [Expression], _ writes: inout [RelationalWrite]
  ) throws {
    for statement in body {
      switch statement.kind {
      case .require(let condition), .check(let condition, _):
        // A refused call changes nothing, so only what passes its checks is a step.
        let required = bounds.reversed().reduce(
          conditions.isEmpty ? condition : .implies(.and(conditions), condition)
        ) { .forAll($1, $0) }
        guards.append(try formula(required, scope))
      case .assign(let id, let indices, let value):
        writes.append(
          RelationalWrite(
            variable: id, indices: indices, value: value, conditions: conditions, bounds: bounds))
      case .when(let condition, let yes, let no):
        try collect(yes, conditions + [condition], bounds, scope, &guards, &writes)
        try collect(no, conditions + [.not(condition)], bounds, scope, &guards, &writes)
      case .each(let bound, let inner):
        try collect(inner, conditions, bounds + [bound], scope, &guards, &writes)
      case .step(_, let inner):
        try collect(inner, conditions, bounds, scope, &guards, &writes)
      default:
        throw RelationalError.obstacle(
          SizeObstacle(what: "a statement that takes several steps", location: statement.location))
      }
    }
  }

  /// The truth after the writes: of the write that hits these indices, or the old one.
  private func updated(
    _ writes: [RelationalWrite], _ indices: [Expression], _ value: RelationValue,
    _ now: Expression, _ scope: RelationalScope
  ) throws -> Expression {
    var result = now
    for write in writes {
      var inner = scope
      var hits: [Expression] = []
      var loose: [Expression] = []
      for (node, index) in zip(write.indices, indices) {
        if case .bound(let bound) = node, write.bounds.contains(bound),
          inner.elements[bound] == nil
        {
          // The index is the name of an Each: it is whatever element is asked about.
          inner.elements[bound] = index
        } else {
          hits.append(try equal(try element(node, inner), index))
        }
      }
      for bound in write.bounds where inner.elements[bound] == nil {
        let some = try element(bound.type)
        inner.elements[bound] = some
        loose.append(some)
      }
      hits += try write.conditions.map { try formula($0, inner) }
      guard loose.isEmpty else {
        throw RelationalError.obstacle(
          SizeObstacle(what: "a write for every element into one place", location: nil))
      }
      result = try choose(
        try context.and(hits), try holds(write.value, value, inner), result)
    }
    return result
  }
}
