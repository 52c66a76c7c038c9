import SpecLanguage

/// Why elements of a sort cannot change places without changing what a spec says.
///
/// The types rule most of it out: an element has no number and no order, it can only be compared
/// for equality, index a map and be a member of a set. What is left is found here.
extension Program {
  /// The sorts whose elements the spec tells apart by other means than constant tables, each with
  /// the reason in a few words.
  ///
  /// - Parameter properties: those that must have the same answer for permuted states.
  package func asymmetries(_ properties: [ResolvedProperty]) -> [SortID: String] {
    var found: [SortID: String] = [:]
    func add(_ sort: SortID, _ reason: String) { if found[sort] == nil { found[sort] = reason } }
    for procedure in procedures {
      for (node, content) in procedure.nodes.enumerated() {
        guard case .pick(let loop, _, _) = content, loop.ordered,
          case .element(let sort) = loop.bound.type, ordersElements(loop, procedure)
        else { continue }
        let place = procedure.info[node].location.map { " (\($0))" } ?? ""
        add(sort, "\(procedure.action.name) goes over it in increasing order\(place)")
      }
      for (sort, name) in unsetLocals(procedure) {
        add(sort, "\(procedure.action.name) reads “\(name)” before it is set")
      }
      procedure.action.visitExpressions { expression in
        for sort in expression.namedElements(spec) {
          add(sort, "\(procedure.action.name) names one of its elements")
        }
      }
    }
    for property in properties {
      for sort in property.property.condition.namedElements(spec) {
        add(sort, "\(property.property.id) names one of its elements")
      }
    }
    return found
  }

  /// Whether some arguments let two elements through the loop's filter: then the first is special.
  private func ordersElements(_ loop: Loop<Term>, _ procedure: Procedure) -> Bool {
    guard let element = procedure.bounds[loop.bound] else { return true }
    let count = procedure.frameSpans[element]
    guard count > 1 else { return false }
    guard let filter = loop.filter else { return true }
    let read = filter.registers.subtracting([element]).sorted()
    guard read.allSatisfy({ procedure.bounds.values.contains($0) && $0 < procedure.frame.count })
    else { return true }
    for choice in Combinations(read.map { procedure.frameSpans[$0] }) {
      var environment = Environment(
        self, initial, thread: 0, registers: procedure.registerCount)
      for (register, value) in zip(read, choice) { environment.registers[register] = value }
      var passing = 0
      for candidate in 0..<count {
        environment.registers[element] = candidate
        if (try? environment.value(of: filter)) != 0 { passing += 1 }
      }
      if passing > 1 { return true }
    }
    return false
  }

  /// Locals that hold an element and may be read before they are set: they read as element 0.
  private func unsetLocals(_ procedure: Procedure) -> [(SortID, String)] {
    var begun = procedure.live[procedure.entry]
    for node in procedure.nodes {
      guard case .silent(let body, let next) = node else { continue }
      for case .assign(.local(let local), .const(0), _) in body {
        if let register = procedure.locals[local], procedure.live[next].contains(register) {
          begun.insert(register)
        }
      }
    }
    return begun.sorted().compactMap { register in
      let entry = procedure.frame[register]
      guard case .local = entry.source, let value = ElementValue(entry.type), value.offset == 0
      else { return nil }
      return (value.sort, entry.name)
    }
  }
}

extension Term {
  /// The registers that are read.
  var registers: Set<Int> {
    switch self {
    case .const, .cell, .set, .thread, .threadAt: return []
    case .register(let register): return [register]
    case .indexed(_, let indices, _):
      return indices.reduce(into: []) { $0.formUnion($1.term.registers) }
    case .and(let parts), .or(let parts):
      return parts.reduce(into: []) { $0.formUnion($1.registers) }
    case .not(let a), .count(let a), .table(_, let a): return a.registers
    case .equal(let a, let b), .less(let a, let b), .add(let a, let b), .subtract(let a, let b),
      .contains(let a, let b), .inserting(let a, let b), .removing(let a, let b),
      .union(let a, let b), .subtracting(let a, let b):
      return a.registers.union(b.registers)
    case .conditional(let a, let b, let c):
      return a.registers.union(b.registers).union(c.registers)
    case .standing(_, _, let elements):
      return elements.reduce(into: []) { $0.formUnion($1.registers) }
    case .setOf(let register, _, let a), .forAll(let register, _, let a),
      .exists(let register, _, let a):
      return a.registers.subtracting([register])
    }
  }
}

extension Node {
  /// Sorts of which the expression names an element, or compares elements by order.
  fileprivate func namedElements(_ spec: SpecDescription) -> Set<SortID> {
    var found: Set<SortID> = []
    visit { node in
      switch node {
      case .literal(_, .element(let sort)): found.insert(sort)
      case .literal(let value, let type) where value != 0:
        if let element = ElementValue(type), value >= element.offset {
          found.insert(element.sort)
        }
        if case .set(let sort) = type { found.insert(sort) }
      case .less(let a, let b), .add(let a, let b), .subtract(let a, let b):
        for part in [a, b] { if let sort = part.elementSort(spec) { found.insert(sort) } }
      default: break
      }
    }
    return found
  }

  private func elementSort(_ spec: SpecDescription) -> SortID? {
    switch self {
    case .bound(let bound): ElementValue(bound.type)?.sort
    case .local(let local): ElementValue(local.type)?.sort
    case .currentThread: .thread
    case .unwrapped(_, _, let type): ElementValue(type)?.sort
    case .literal(_, let type): ElementValue(type)?.sort
    case .constant(let id, _):
      spec.constants.first { $0.id == id }.flatMap { ElementValue($0.value)?.sort }
    case .read(let id, _):
      spec.variables.first { $0.declaration.id == id }.flatMap {
        ElementValue($0.declaration.type)?.sort
      }
    case .conditional(_, let a, _), .some(let a): a.elementSort(spec)
    default: nil
    }
  }
}
