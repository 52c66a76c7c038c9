import SpecLanguage

extension ProgramBuilder {
  func resolver() -> Resolver {
    Resolver(
      spec: spec, scope: scope, variables: variables, outcomes: outcomes,
      places: PlaceNames(
        locations: locations, mayBeGone: spec.isMutated,
        procedures: flows.enumerated().map { index, flow in
          PlaceNames.Procedure(
            info: flow.info, successors: flow.nodes.map(\.successors), frame: flow.frame,
            frameCells: frameCells[index], live: Liveness.of(flow), role: flow.action.role)
        }))
  }

  func resolveProcedures(_ base: Resolver) throws(SpecError) -> [Procedure] {
    var result: [Procedure] = []
    for (index, flow) in flows.enumerated() {
      var resolver = base
      for entry in flow.frame { _ = resolver.register(entry.source) }
      var nodes: [FlowNode<Term>] = []
      for node in flow.nodes { nodes.append(try resolver.resolve(node)) }
      var outputs: [ResolvedOutput] = []
      for output in flow.action.outputs {
        outputs.append(
          ResolvedOutput(
            name: output.name, type: output.type, term: try resolver.resolve(output.value),
            answers: output.answers))
      }
      var numbers = [Int](repeating: 0, count: flow.nodes.count)
      for (number, place) in locations.enumerated() where place.procedure == index {
        numbers[place.node] = number
      }
      var bounds: [BoundID: Int] = [:]
      var locals: [LocalID: Int] = [:]
      for (source, register) in resolver.registers {
        switch source {
        case .bound(let bound): bounds[bound] = register
        case .local(let local): locals[local] = register
        }
      }
      result.append(
        Procedure(
          index: index, action: flow.action, nodes: nodes, info: flow.info, entry: flow.entry,
          frame: flow.frame, frameCells: frameCells[index], frameSpans: frameSpans[index],
          registerCount: resolver.registerCount, locationOfNode: numbers,
          live: base.places.procedures[index].live, bounds: bounds, locals: locals,
          outputs: outputs))
    }
    return result
  }

  func resolveProperties(_ base: Resolver) throws(SpecError) -> [ResolvedProperty] {
    var result: [ResolvedProperty] = []
    for property in spec.properties {
      guard !result.contains(where: { $0.property.id == property.id }) else {
        throw SpecError(
          "TDX1107", "two properties are called '\(property.id)'", at: property.location)
      }
      var resolver = base
      var after: Term?
      var premise: Term?
      let term: Term
      switch property.kind {
      case .always(let condition):
        term = try resolver.resolve(condition)
        premise = try condition.premise.map { node throws(SpecError) in
          try resolver.resolve(node)
        }
      case .possible(let condition, _, let states):
        term = try resolver.resolve(condition)
        after = try states.map { node throws(SpecError) in try resolver.resolve(node) }
      case .scenario, .leadsTo, .refines:
        term = .const(1)
      }
      let leadsTo = try resolver.instances(of: property)
      result.append(
        ResolvedProperty(
          property: property, term: term, premise: premise, after: after,
          registerCount: resolver.registerCount, isBuiltIn: false, leadsTo: leadsTo))
    }
    return result
  }
}

extension Resolver {
  mutating func resolve(_ node: FlowNode<Node>) throws(SpecError) -> FlowNode<Term> {
    switch node {
    case .atomic(let body, let next): return .atomic(try resolve(body), next: next)
    case .silent(let body, let next): return .silent(try resolve(body), next: next)
    case .test(let condition, let shared, let yes, let no):
      return .test(try resolve(condition), shared: shared, yes: yes, no: no)
    case .pick(let loop, let body, let exhausted):
      let filter = try loop.filter.map { filter throws(SpecError) in try resolve(filter) }
      let resolved = Loop(
        bound: loop.bound, done: loop.done, ordered: loop.ordered, filter: filter)
      return .pick(resolved, body: body, exhausted: exhausted)
    case .end(let outcome): return .end(outcome)
    case .endLocal(let local): return .endLocal(local)
    }
  }

  private mutating func resolve(
    _ body: [AtomicStatement<Node>]
  ) throws(SpecError) -> [AtomicStatement<Term>] {
    var result: [AtomicStatement<Term>] = []
    for statement in body {
      switch statement {
      case .require(let condition): result.append(.require(try resolve(condition)))
      case .check(let number, let condition, let failTo):
        result.append(.check(number, try resolve(condition), failTo: failTo))
      case .assign(let target, let value, let place):
        result.append(.assign(try resolve(target), try resolve(value), place))
      case .when(let condition, let yes, let no):
        result.append(.when(try resolve(condition), try resolve(yes), try resolve(no)))
      case .each(let bound, let inner):
        _ = register(.bound(bound))
        result.append(.each(bound, try resolve(inner)))
      case .exit(let target): result.append(.exit(target))
      }
    }
    return result
  }

  private mutating func resolve(_ target: Target<Node>) throws(SpecError) -> Target<Term> {
    switch target {
    case .local(let local): return .local(local)
    case .variable(let variable, let indices):
      guard variables[variable] != nil else {
        throw SpecError(
          "TDX1008", "a variable is written but not declared",
          suggestion: "keep it in a stored property of the spec or of a SpecPart in it")
      }
      var terms: [Term] = []
      for index in indices { terms.append(try resolve(index)) }
      return .variable(variable, terms)
    }
  }
}

extension FlowNode where E == Node {
  /// Every expression in the node.
  var expressions: [Node] {
    switch self {
    case .atomic(let body, _), .silent(let body, _): body.flatMap(\.expressions)
    case .test(let condition, _, _, _): [condition]
    case .pick(let loop, _, _):
      [.local(loop.done)] + (loop.filter.map { [$0] } ?? [])
    case .endLocal(let local): [.local(local)]
    case .end: []
    }
  }
}

extension AtomicStatement where E == Node {
  var expressions: [Node] {
    switch self {
    case .require(let condition), .check(_, let condition, _): [condition]
    case .assign(.variable(_, let indices), let value, _): indices + [value]
    case .assign(.local, let value, _): [value]
    case .when(let condition, let yes, let no):
      [condition] + yes.flatMap(\.expressions) + no.flatMap(\.expressions)
    case .each(_, let body): body.flatMap(\.expressions)
    case .exit: []
    }
  }

  /// Locals that the statement certainly overwrites.
  var overwrites: [LocalID] {
    if case .assign(.local(let local), _, _) = self { return [local] }
    return []
  }
}

extension Node {
  /// The left side of the outermost implication, under any number of `forAll`.
  var premise: Node? {
    switch self {
    case .implies(let premise, _): premise
    case .forAll(let bound, let body): body.premise.map { .exists(bound, $0) }
    default: nil
    }
  }
}

/// Which remembered things a thread still needs, at each node.
enum Liveness {
  static func of(_ flow: Flow<Node>) -> [Set<Int>] {
    var number: [FrameEntry.Source: Int] = [:]
    for (index, entry) in flow.frame.enumerated() { number[entry.source] = index }
    var uses: [Set<Int>] = []
    var kills: [Set<Int>] = []
    for node in flow.nodes {
      var used: Set<Int> = []
      for expression in node.expressions {
        expression.visit {
          switch $0 {
          case .bound(let bound): if let n = number[.bound(bound)] { used.insert(n) }
          case .local(let local): if let n = number[.local(local)] { used.insert(n) }
          default: break
          }
        }
      }
      // The filter asks about every element; none of them has to be remembered for it.
      if case .pick(let loop, _, _) = node, let element = number[.bound(loop.bound)] {
        used.remove(element)
      }
      uses.append(used)
      kills.append(Set(node.overwritten.compactMap { number[$0] }))
    }
    let successors = flow.nodes.map(\.successors)
    var live = uses
    var changed = true
    // Nodes are made back to front, so what a node needs is mostly known when it is looked at.
    while changed {
      changed = false
      for node in flow.nodes.indices {
        var after: Set<Int> = []
        for next in successors[node] { after.formUnion(live[next]) }
        let now = uses[node].union(after.subtracting(kills[node]))
        if now != live[node] {
          live[node] = now
          changed = true
        }
      }
    }
    return live
  }
}

extension FlowNode where E == Node {
  /// What the node certainly gives a new value.
  fileprivate var overwritten: [FrameEntry.Source] {
    switch self {
    case .atomic(let body, _), .silent(let body, _):
      // A step that can leave early has not written anything on that way.
      body.flatMap(\.exits).isEmpty ? body.flatMap(\.overwrites).map { .local($0) } : []
    case .pick(let loop, _, _): [.bound(loop.bound)]
    case .test, .end, .endLocal: []
    }
  }
}
