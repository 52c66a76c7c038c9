import SpecLanguage

/// An expression with every name resolved to a cell, a register or a number.
///
/// Values are as in `ValueType`: in particular an integer is itself, not its code in the cell.
indirect enum Term: Hashable, Sendable {
  case const(Int)
  case cell(Int)
  /// `count` neighbouring boolean cells, read as a set.
  case set(base: Int, count: Int)
  case indexed(base: Int, [IndexTerm], setCount: Int?)
  case register(Int)
  case thread
  /// Some thread stands at one of these locations.
  case threadAt(Set<Int>)
  /// One of the threads stands at one of these places and agrees with the elements.
  case standing(Range<Int>, [ThreadPlaces], [Term])

  case not(Term)
  case and([Term])
  case or([Term])
  case equal(Term, Term)
  case less(Term, Term)
  case add(Term, Term)
  case subtract(Term, Term)
  case conditional(Term, Term, Term)
  case table([Int], Term)

  case contains(set: Term, element: Term)
  case inserting(Term, into: Term)
  case removing(Term, from: Term)
  case union(Term, Term)
  case subtracting(Term, from: Term)
  case setOf(register: Int, count: Int, Term)
  case count(Term)

  case forAll(register: Int, count: Int, Term)
  case exists(register: Int, count: Int, Term)
}

/// One index of a map: `(value - low) * stride`.
struct IndexTerm: Hashable, Sendable {
  let term: Term
  let low: Int
  let count: Int
  let stride: Int
}

/// One cell of the state.
public struct CellInfo: Sendable {
  public enum Role: Hashable, Sendable {
    case variable(VariableID)
    /// Where a thread stands; 0 is idle.
    case location(thread: Int)
    /// What a thread remembers during a call.
    case frame(thread: Int, slot: Int)
  }

  /// `sept[p0]`, `thread 1 location`.
  public let name: String
  public let role: Role
  /// Of one value in the cell; a member of a set is a boolean.
  public let type: ValueType
  /// The cell's variable is a set and this is the membership of one element.
  public let isMember: Bool
  /// How many values the cell takes; a cell holds 0..<count.
  public let count: Int
  /// The value that 0 stands for.
  public let low: Int
  /// Properties may read it, behaviour may not.
  public let isGhost: Bool
}

/// Where a variable's cells are.
struct VariableLayout: Sendable {
  let base: Int
  /// For each index: smallest value, number of values, distance in cells.
  let indices: [(low: Int, count: Int, stride: Int)]
  /// The number of elements when the variable holds sets.
  let setCount: Int?
  let cellCount: Int
}

/// Resolves names against a program under construction.
struct Resolver {
  let spec: SpecDescription
  let scope: ResolvedScope
  let variables: [VariableID: VariableLayout]
  let outcomes: [Outcome]
  let places: PlaceNames
  /// Registers given to bound names and locals so far.
  var registers: [FrameEntry.Source: Int] = [:]
  var registerCount = 0

  mutating func register(_ source: FrameEntry.Source) -> Int {
    if let known = registers[source] { return known }
    registers[source] = registerCount
    registerCount += 1
    return registerCount - 1
  }

  mutating func resolve(_ node: Node) throws(SpecError) -> Term {
    switch node {
    case .literal(0, .set(let sort)): return try emptySet(sort)
    case .literal(let value, _): return .const(value)
    case .outcome(let outcome): return .const(outcomes.firstIndex(of: outcome) ?? 0)
    case .parameter(let name): return .const(try parameter(name))
    case .constant(let id, let key): return try table(id, key)
    case .read(let variable, let indices): return try read(variable, indices)
    case .bound(let bound): return .register(register(.bound(bound)))
    case .local(let local): return try read(local)
    case .currentThread: return .thread
    case .standing(let place, let details): return try standing(place, details)
    case .not(let a): return .not(try resolve(a))
    case .and(let parts): return .and(try resolve(parts))
    case .or(let parts): return .or(try resolve(parts))
    case .implies(let a, let b): return .or([.not(try resolve(a)), try resolve(b)])
    case .equal(let a, let b): return .equal(try resolve(a), try resolve(b))
    case .less(let a, let b): return .less(try resolve(a), try resolve(b))
    case .add(let a, let b): return .add(try resolve(a), try resolve(b))
    case .subtract(let a, let b): return .subtract(try resolve(a), try resolve(b))
    case .some(let a): return .add(try resolve(a), .const(1))
    case .unwrapped(let a, let skipped, _): return .subtract(try resolve(a), .const(skipped))
    case .remainder(let a, let divisor): return try remainder(a, divisor)
    case .conditional(let a, let b, let c):
      return .conditional(try resolve(a), try resolve(b), try resolve(c))
    case .fullSet, .contains, .inserting, .removing, .union, .subtracting, .setOf, .count:
      return try resolveSet(node)
    case .forAll(let bound, let body):
      return .forAll(
        register: register(.bound(bound)), count: try count(bound), try resolve(body))
    case .exists(let bound, let body):
      return .exists(
        register: register(.bound(bound)), count: try count(bound), try resolve(body))
    }
  }

  /// A local that nothing sets is in no frame; it holds what every local holds at first.
  private mutating func read(_ local: LocalID) throws(SpecError) -> Term {
    if let known = registers[.local(local)] { return .register(known) }
    return try resolve(local.type == .outcome ? .outcome(.ok) : .literal(0, local.type))
  }

  /// A number would not say how many members the set may get.
  private func emptySet(_ sort: SortID) throws(SpecError) -> Term {
    let all = Term.const(try scope.everything(of: sort))
    return .subtracting(all, from: all)
  }

  private mutating func resolve(_ nodes: [Node]) throws(SpecError) -> [Term] {
    var terms: [Term] = []
    for node in nodes { terms.append(try resolve(node)) }
    return terms
  }

  private mutating func resolveSet(_ node: Node) throws(SpecError) -> Term {
    switch node {
    case .fullSet(let sort): return .const(try scope.everything(of: sort))
    case .contains(let set, let element):
      return .contains(set: try resolve(set), element: try resolve(element))
    case .inserting(let element, let set):
      return .inserting(try resolve(element), into: try resolve(set))
    case .removing(let element, let set):
      return .removing(try resolve(element), from: try resolve(set))
    case .union(let a, let b): return .union(try resolve(a), try resolve(b))
    case .subtracting(let a, let b):
      return .subtracting(try resolve(a), from: try resolve(b))
    case .setOf(let bound, let body):
      if case .element(let sort) = bound.type { _ = try scope.everything(of: sort) }
      return .setOf(
        register: register(.bound(bound)), count: try count(bound), try resolve(body))
    case .count(let set): return .count(try resolve(set))
    default: return .const(0)
    }
  }

  func count(_ bound: BoundID) throws(SpecError) -> Int { try scope.span(of: bound.type).count }

  private func parameter(_ name: String) throws(SpecError) -> Int {
    if let value = scope.value(of: name) { return value }
    throw SpecError(
      "TDX1004", "the parameter \(name) is used but not declared",
      suggestion: "keep it in a stored property of the spec")
  }

  private mutating func table(_ id: ConstantID, _ key: Node) throws(SpecError) -> Term {
    guard let constant = spec.constants.first(where: { $0.id == id }) else {
      throw SpecError(
        "TDX1006", "a Constant is used but not declared",
        suggestion: "keep it in a stored property of the spec")
    }
    let span = try scope.span(of: constant.value)
    let sizes = scope.sizes(values: span.count)
    var values: [Int] = []
    for key in 0..<(try scope.size(of: constant.key)) {
      let value = constant.table(key, sizes)
      guard value >= span.low, value - span.low < span.count else {
        throw SpecError(
          "TDX1007", "a Constant gives \(value) for element \(key), outside its type")
      }
      values.append(value)
    }
    return .table(values, try resolve(key))
  }

  private mutating func read(
    _ variable: VariableID, _ indices: [Node]
  ) throws(SpecError) -> Term {
    guard let layout = variables[variable] else {
      throw SpecError(
        "TDX1008", "a variable is used but not declared",
        suggestion: "keep it in a stored property of the spec or of a SpecPart in it")
    }
    if indices.isEmpty {
      if let count = layout.setCount { return .set(base: layout.base, count: count) }
      return .cell(layout.base)
    }
    var terms: [IndexTerm] = []
    for (node, index) in zip(indices, layout.indices) {
      terms.append(
        IndexTerm(
          term: try resolve(node), low: index.low, count: index.count, stride: index.stride))
    }
    return .indexed(base: layout.base, terms, setCount: layout.setCount)
  }
}
