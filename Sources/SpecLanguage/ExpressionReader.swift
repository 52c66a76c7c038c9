/// Turns expressions into words, with the names that a spec's declarations gave.
public struct ExpressionReader: Sendable {
  private let names: [VariableID: String]
  private let constants: [ConstantID: String]
  private let truths: Set<VariableID>
  private let lockOwners: Set<VariableID>
  private var bound: [BoundID: String] = [:]

  public init(_ spec: SpecDescription) {
    names = Dictionary(
      spec.variables.map { ($0.declaration.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    constants = Dictionary(
      spec.constants.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    truths = Set(
      spec.variables.filter { $0.declaration.type == .bool }.map(\.declaration.id))
    lockOwners = Set(spec.locks.map(\.owner.id))
  }

  /// A reader that calls a bound name as given.
  public func naming(_ id: BoundID, _ name: String) -> ExpressionReader {
    var copy = self
    copy.bound[id] = name
    return copy
  }

  /// A reader with a fresh name for a bound variable, and that name.
  public func binding(_ id: BoundID) -> (ExpressionReader, String) {
    let letter = id.type.letter
    var name = letter
    var suffix = 1
    while bound.values.contains(name) {
      suffix += 1
      name = "\(letter)\(String(repeating: "′", count: suffix - 1))"
    }
    return (naming(id, name), name)
  }

  /// The expression in words.
  public func text(_ node: Node) -> String { text(node, 0) }

  /// A condition as a whole sentence: `vm_dead is true` rather than `vm_dead`.
  public func condition(_ node: Node) -> String { condition(node, 0) }

  private func condition(_ node: Node, _ outer: Int) -> String {
    switch node {
    case .read(let id, _) where truths.contains(id): return "\(text(node, 5)) is true"
    case .local(let local) where local.type == .bool: return "“\(local.name)” is true"
    default: return text(node, outer)
    }
  }

  /// Binding strength: 0 outermost, 1 implication, 2 or, 3 and, 4 comparison, 5 sum.
  private func text(_ node: Node, _ outer: Int) -> String {
    switch node {
    case .literal(let value, let type): return Reading.value(value, of: type)
    case .outcome(let outcome): return outcome.text
    case .parameter(let name): return name
    case .constant(let id, let key): return "\(constants[id] ?? "table")(\(text(key, 0)))"
    case .read(let id, let indices): return read(id, indices)
    case .bound(let id): return bound[id] ?? id.type.letter
    case .local(let local): return "“\(local.name)”"
    case .currentThread: return "this thread"
    case .standing(let place, let details): return "some thread \(standing(place, details))"
    case .not(let inner): return negation(inner)
    case .and(let parts): return join(parts, " and ", 3, outer)
    case .or(let parts): return alternatives(parts, outer)
    case .implies(let a, let b):
      return wrap("if \(condition(a, 2)) then \(condition(b, 1))", 1, outer)
    case .equal(let a, let b): return equality(a, b, "is")
    case .less(let a, let b): return order(a, b, holds: true)
    case .add(let a, let b): return wrap("\(text(a, 5)) + \(text(b, 5))", 5, outer)
    case .subtract(let a, let b): return wrap("\(text(a, 5)) − \(text(b, 6))", 5, outer)
    case .conditional(let c, let a, let b):
      return wrap("\(text(a, 5)) if \(text(c, 2)), else \(text(b, 5))", 1, outer)
    case .some(let inner), .unwrapped(let inner, _, _): return text(inner, outer)
    case .remainder(let a, let by): return wrap("\(text(a, 6)) mod \(by)", 5, outer)
    case .forAll(let id, let body):
      let (inner, name) = binding(id)
      return wrap("for every \(sort(id)) \(name), \(inner.condition(body, 1))", 1, outer)
    case .exists(let id, let body):
      let (inner, name) = binding(id)
      return wrap("for some \(sort(id)) \(name), \(inner.condition(body, 1))", 1, outer)
    default: return setText(node)
    }
  }

  private func setText(_ node: Node) -> String {
    switch node {
    case .fullSet(let sort): return "every \(sort.name)"
    case .contains(let set, let element): return "\(text(element, 5)) is in \(text(set, 5))"
    case .inserting(let element, let set): return "\(text(set, 5)) with \(text(element, 5))"
    case .removing(let element, let set): return "\(text(set, 5)) without \(text(element, 5))"
    case .union(let a, let b): return "\(text(a, 5)) together with \(text(b, 5))"
    case .subtracting(let a, let b): return "\(text(b, 5)) without those in \(text(a, 5))"
    case .setOf(let id, let body):
      let (inner, name) = binding(id)
      return "every \(sort(id)) \(name) such that \(inner.text(body, 2))"
    case .count(let set): return "the number of elements in \(text(set, 5))"
    default: return "?"
    }
  }

  private func wrap(_ text: String, _ strength: Int, _ outer: Int) -> String {
    strength < outer ? "(\(text))" : text
  }

  private func join(_ parts: [Node], _ word: String, _ strength: Int, _ outer: Int) -> String {
    wrap(parts.map { condition($0, strength + 1) }.joined(separator: word), strength, outer)
  }

  /// `td is created or runnable` rather than `td is created or td is runnable`.
  private func alternatives(_ parts: [Node], _ outer: Int) -> String {
    guard parts.count > 1, case .equal(let subject, _) = parts[0] else {
      return join(parts, " or ", 2, outer)
    }
    var values: [String] = []
    for part in parts {
      guard case .equal(subject, let value) = part else { return join(parts, " or ", 2, outer) }
      values.append(text(value, 5))
    }
    return wrap("\(text(subject, 5)) is \(values.joined(separator: " or "))", 2, outer)
  }

  private func negation(_ inner: Node) -> String {
    switch inner {
    case .equal(let a, let b): return equality(a, b, "is not")
    case .not(let twice): return text(twice, 4)
    case .less(let a, let b): return order(a, b, holds: false)
    case .read: return "\(text(inner, 5)) is false"
    case .local: return "\(text(inner, 5)) is false"
    case .standing(let place, let details): return "no thread \(standing(place, details))"
    case .contains(let set, let element): return "\(text(element, 5)) is not in \(text(set, 5))"
    case .exists(let id, let body):
      let (inner, name) = binding(id)
      return "for no \(sort(id)) \(name), \(inner.condition(body, 1))"
    default: return "not (\(text(inner, 0)))"
    }
  }

  /// A comparison with the constant, if any, on the right.
  private func order(_ a: Node, _ b: Node, holds: Bool) -> String {
    if case .literal = a { return "\(text(b, 5)) \(holds ? ">" : "≤") \(text(a, 5))" }
    return "\(text(a, 5)) \(holds ? "<" : "≥") \(text(b, 5))"
  }

  private func equality(_ a: Node, _ b: Node, _ verb: String) -> String {
    if case .read(let id, let indices) = a, lockOwners.contains(id) {
      let place = names[id].map { $0 + index(indices) } ?? "the lock"
      let held = if case .literal(0, _) = b { verb == "is not" } else { verb == "is" }
      if case .some(.currentThread) = b { return "\(place) is held by this thread" }
      return "\(place) is \(held ? "held" : "free")"
    }
    if case .literal(let value, .bool) = b {
      return "\(text(a, 5)) \(verb) \(value == 0 ? "false" : "true")"
    }
    return "\(text(a, 5)) \(verb) \(text(b, 5))"
  }

  private func read(_ id: VariableID, _ indices: [Node]) -> String {
    (names[id] ?? "?") + index(indices)
  }

  func index(_ indices: [Node]) -> String {
    indices.isEmpty ? "" : "[\(indices.map { text($0, 0) }.joined(separator: ", "))]"
  }

  /// `vcpu->mutex[v]`, `mmu_lock for write`.
  public func text(_ use: LockUse) -> String {
    guard use.lock.readers != nil else { return use.lock.name + index(use.index) }
    // Module locks and the like, outside the order of ranks, are shared or exclusive.
    let words = use.lock.rank == nil ? (" exclusively", " shared") : (" for write", " for read")
    return use.lock.name + index(use.index) + (use.mode == .exclusive ? words.0 : words.1)
  }

  func name(of id: VariableID) -> String { names[id] ?? "?" }

  private func sort(_ id: BoundID) -> String {
    if case .element(let sort) = id.type { return sort.name }
    return "value"
  }
}
