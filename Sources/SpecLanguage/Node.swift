/// The identity of a declared variable, map, lock or ghost.
public struct VariableID: Hashable, Sendable {
  public let raw: Int
}

/// A name bound by a quantifier, an action's argument or a `ForEach`.
public struct BoundID: Hashable, Sendable {
  public let raw: Int
  public let type: ValueType

  public init(raw: Int, type: ValueType) {
    self.raw = raw
    self.type = type
  }
}

/// A variable that belongs to one thread for the duration of one call.
public struct LocalID: Hashable, Sendable {
  public let raw: Int
  public let name: String
  public let type: ValueType

  public init(raw: Int, name: String, type: ValueType) {
    self.raw = raw
    self.name = name
    self.type = type
  }
}

/// The identity of a `Constant` table.
public struct ConstantID: Hashable, Sendable {
  public let raw: Int
}

/// An expression, as data. The one meaning of each case is `SpecProgram`'s interpreter.
public indirect enum Node: Hashable, Sendable {
  case literal(Int, ValueType)
  case outcome(Outcome)
  /// A declared parameter or size, by name: constant once a scope is chosen.
  case parameter(String)
  /// A table over a sort: constant once a scope is chosen.
  case constant(ConstantID, Node)
  case read(VariableID, [Node])
  case bound(BoundID)
  case local(LocalID)
  /// The thread that executes the step.
  case currentThread
  /// Some thread stands there and agrees with all details.
  case standing(Standing, [ThreadDetail])

  case not(Node)
  case and([Node])
  case or([Node])
  case implies(Node, Node)
  case equal(Node, Node)
  case less(Node, Node)
  case add(Node, Node)
  case subtract(Node, Node)
  case conditional(Node, Node, Node)
  /// A value as an optional that is present.
  case some(Node)
  /// The value of an optional or operand that is one: its number less those that come before.
  case unwrapped(Node, skipping: Int, ValueType)
  /// What is left of a number from 0 on after division.
  case remainder(Node, Int)

  case fullSet(SortID)
  case contains(set: Node, element: Node)
  case inserting(Node, into: Node)
  case removing(Node, from: Node)
  case union(Node, Node)
  case subtracting(Node, from: Node)
  case setOf(BoundID, Node)
  case count(Node)

  case forAll(BoundID, Node)
  case exists(BoundID, Node)

  /// The constant truth.
  public static let yes = Node.literal(1, .bool)
  /// The constant falsehood.
  public static let no = Node.literal(0, .bool)
}

extension Node {
  /// The immediate parts, in order.
  public var children: [Node] {
    switch self {
    case .literal, .outcome, .parameter, .bound, .local, .currentThread, .fullSet:
      []
    case .standing(_, let details): details.map(\.element)
    case .constant(_, let a), .not(let a), .some(let a), .count(let a), .setOf(_, let a),
      .unwrapped(let a, _, _), .remainder(let a, _),
      .forAll(_, let a), .exists(_, let a):
      [a]
    case .read(_, let indices), .and(let indices), .or(let indices):
      indices
    case .implies(let a, let b), .equal(let a, let b), .less(let a, let b), .add(let a, let b),
      .subtract(let a, let b), .contains(let a, let b), .inserting(let a, let b),
      .removing(let a, let b), .union(let a, let b), .subtracting(let a, let b):
      [a, b]
    case .conditional(let a, let b, let c):
      [a, b, c]
    }
  }

  /// Visits this node and every part of it, outermost first.
  public func visit(_ body: (Node) -> Void) {
    body(self)
    for child in children { child.visit(body) }
  }

  /// Whether the predicate holds for this node or any part of it.
  public func any(_ predicate: (Node) -> Bool) -> Bool {
    predicate(self) || children.contains { $0.any(predicate) }
  }
}
