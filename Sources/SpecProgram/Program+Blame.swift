import SpecLanguage

extension Program {
  /// The value of an expression in a state, for explanations and tests.
  public func value(
    of node: Node, bound: [BoundID: Int] = [:], in state: [Int]
  ) throws(SpecError) -> Int {
    var resolver = resolver
    let term = try resolver.resolve(node)
    var environment = Environment(self, state, thread: 0, registers: resolver.registerCount)
    for (id, value) in bound {
      if let register = resolver.registers[.bound(id)] { environment.registers[register] = value }
    }
    return try environment.value(of: term)
  }

  /// Resolves expressions over the program's states.
  var resolver: Resolver {
    Resolver(
      spec: spec, scope: scope, variables: variables, outcomes: outcomes,
      places: PlaceNames(
        locations: locations, mayBeGone: spec.isMutated,
        procedures: procedures.map { procedure in
          PlaceNames.Procedure(
            info: procedure.info, successors: procedure.nodes.map(\.successors),
            frame: procedure.frame, frameCells: procedure.frameCells, live: procedure.live,
            role: procedure.action.role)
        }))
  }

  /// Which part of a condition is false in a state, and for which elements.
  public func blame(_ node: Node, in state: [Int]) throws(SpecError) -> [String] {
    try blame(node, ExpressionReader(spec), [:], state)
  }

  private func blame(
    _ node: Node, _ reader: ExpressionReader, _ bound: [BoundID: Int], _ state: [Int]
  ) throws(SpecError) -> [String] {
    switch node {
    case .and(let parts):
      for part in parts where try value(of: part, bound: bound, in: state) == 0 {
        return try blame(part, reader, bound, state)
      }
      return []
    case .implies(let premise, let conclusion):
      return ["\(reader.condition(premise))"]
        + (try blame(conclusion, reader, bound, state))
    case .forAll(let id, let body):
      for element in 0..<(try scope.span(of: id.type).count) {
        var inner = bound
        inner[id] = element
        guard try value(of: body, bound: inner, in: state) == 0 else { continue }
        let named = reader.naming(id, Reading.value(element, of: id.type))
        return try blame(body, named, inner, state)
      }
      return []
    case .not(.or(let parts)):
      for part in parts where try value(of: part, bound: bound, in: state) != 0 {
        return ["but \(reader.condition(part))"]
      }
      return []
    case .not(let inner):
      return ["but \(reader.condition(inner))"]
    case .or(let parts):
      return parts.map { "but not: \(reader.condition($0))" }
    default:
      return ["but not: \(reader.condition(node))"]
    }
  }
}
