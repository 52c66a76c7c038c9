import SpecLanguage
import SpecProgram

/// What a name stands for while an expression is encoded, and in which state it is read.
struct RelationalScope {
  let tag: String
  var elements: [BoundID: Expression] = [:]
}

extension RelationalEncoder {
  private func obstacle(_ what: String) -> RelationalError {
    .obstacle(SizeObstacle(what: what, location: nil))
  }

  /// The truth of a condition.
  func formula(_ node: Node, _ scope: RelationalScope) throws -> Expression {
    switch node {
    case .literal(let value, .bool): return try context.constant(value != 0)
    case .not(let inner): return try context.not(try formula(inner, scope))
    case .and(let parts): return try context.and(try parts.map { try formula($0, scope) })
    case .or(let parts): return try context.or(try parts.map { try formula($0, scope) })
    case .implies(let a, let b):
      return try context.implies(try formula(a, scope), try formula(b, scope))
    case .conditional(let condition, let a, let b):
      let test = try formula(condition, scope)
      return try choose(test, try formula(a, scope), try formula(b, scope))
    case .read(let id, let indices):
      guard let variable = variable(id), variable.declaration.type == .bool else {
        throw obstacle("a condition on \(variable(id)?.name ?? "a variable")")
      }
      return try atom(
        variable, scope.tag, try indices.map { try element($0, scope) }, .truth)
    case .forAll(let bound, let body), .exists(let bound, let body):
      var inner = scope
      let name = try element(bound.type)
      inner.elements[bound] = name
      let isForAll = if case .forAll = node { true } else { false }
      return try quantified(isForAll, [name], try formula(body, inner))
    case .equal(let a, let b): return try equality(a, b, scope)
    default: throw obstacle("the expression “\(ExpressionReader(program.spec).text(node))”")
    }
  }

  func choose(_ test: Expression, _ yes: Expression, _ no: Expression) throws -> Expression {
    try context.or([
      try context.and([test, yes]), try context.and([try context.not(test), no]),
    ])
  }

  /// An element of a sort.
  func element(_ node: Node, _ scope: RelationalScope) throws -> Expression {
    switch node {
    case .bound(let bound):
      if let known = scope.elements[bound] { return known }
      throw obstacle("a name that is not bound")
    case .constant(let id, let key):
      guard let constant = program.spec.constants.first(where: { $0.id == id }) else {
        throw obstacle("an undeclared Constant")
      }
      return try relation(
        "constant|\(constant.name)", [.element(constant.key)], [try element(key, scope)],
        into: constant.value)
    default: throw obstacle("the element “\(ExpressionReader(program.spec).text(node))”")
    }
  }

  private func equality(_ a: Node, _ b: Node, _ scope: RelationalScope) throws -> Expression {
    // A parameter that is no size is fixed, like the number that it is compared with.
    if let x = number(a), let y = number(b) { return try context.constant(x == y) }
    for (left, right) in [(a, b), (b, a)] {
      guard case .read(let id, _) = left, let variable = variable(id) else { continue }
      return try value(left, variable.declaration.type, equals: right, scope)
    }
    if case .bound = a { return try equal(try element(a, scope), try element(b, scope)) }
    if case .constant = a { return try equal(try element(a, scope), try element(b, scope)) }
    return try context.iff(try formula(a, scope), try formula(b, scope))
  }

  private func number(_ node: Node) -> Int? {
    switch node {
    case .literal(let value, .integer): value
    case .parameter(let name): program.scope.value(of: name)
    default: nil
    }
  }

  /// The truth of "this node, of this type, has the value of the other".
  private func value(
    _ node: Node, _ type: ValueType, equals other: Node, _ scope: RelationalScope
  ) throws -> Expression {
    switch type {
    case .bool: return try context.iff(try formula(node, scope), try formula(other, scope))
    case .enumeration(_, let cases):
      let same = try cases.indices.map { number in
        try context.and([
          try holds(node, .enumerated(number), scope), try holds(other, .enumerated(number), scope),
        ])
      }
      return try context.or(same)
    case .optional(let inner):
      if case .literal(0, _) = other { return try hasNone(node, inner, scope) }
      if case .some(let present) = other {
        return try holds(node, .partner(try element(present, scope), inner), scope)
      }
      let partner = try element(inner)
      let same = try context.iff(
        try holds(node, .partner(partner, inner), scope),
        try holds(other, .partner(partner, inner), scope))
      return try quantified(true, [partner], same)
    default: throw obstacle("a comparison of \(ExpressionReader(program.spec).text(node))")
    }
  }

  private func hasNone(
    _ node: Node, _ type: ValueType, _ scope: RelationalScope
  ) throws -> Expression {
    let partner = try element(type)
    let has = try holds(node, .partner(partner, type), scope)
    return try quantified(true, [partner], try context.not(has))
  }

  /// The truth of "this node has this value".
  func holds(
    _ node: Node, _ value: RelationValue, _ scope: RelationalScope
  ) throws -> Expression {
    switch (node, value) {
    case (.read(let id, let indices), _):
      guard let variable = variable(id) else { throw obstacle("an undeclared variable") }
      return try atom(variable, scope.tag, try indices.map { try element($0, scope) }, value)
    case (.conditional(let condition, let a, let b), _):
      return try choose(
        try formula(condition, scope), try holds(a, value, scope), try holds(b, value, scope))
    case (.literal(let number, _), .enumerated(let wanted)):
      return try context.constant(number == wanted)
    case (.literal(0, .optional), .partner): return try context.constant(false)
    case (.some(let inner), .partner(let partner, _)):
      return try equal(try element(inner, scope), partner)
    case (_, .truth): return try formula(node, scope)
    default: throw obstacle("the value “\(ExpressionReader(program.spec).text(node))”")
    }
  }
}
