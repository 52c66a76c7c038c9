/// Anything that denotes a value in the current state.
public protocol Readable<Value>: Sendable {
  associatedtype Value: Domain
  var node: Node { get }
}

/// Anything that a step can write.
public protocol Writable<Value>: Readable {
  func assignment(_ value: Node, at location: SourceLocation) -> Statement
}

/// A typed expression.
public struct Expr<Value: Domain>: Readable {
  public let node: Node
  public init(_ node: Node) { self.node = node }
}

/// A condition on the state.
public typealias Condition = Expr<Bool>

infix operator <- : AssignmentPrecedence

precedencegroup ImplicationPrecedence {
  lowerThan: LogicalDisjunctionPrecedence
  higherThan: TernaryPrecedence
  associativity: right
}
infix operator ==> : ImplicationPrecedence

// MARK: Comparison

public func == <L: Readable>(left: L, right: L.Value) -> Condition {
  Condition(.equal(left.node, right.literal))
}
public func != <L: Readable>(left: L, right: L.Value) -> Condition {
  Condition(.not(.equal(left.node, right.literal)))
}
public func == <L: Readable, R: Readable>(left: L, right: R) -> Condition
where L.Value == R.Value {
  Condition(.equal(left.node, right.node))
}
public func != <L: Readable, R: Readable>(left: L, right: R) -> Condition
where L.Value == R.Value {
  Condition(.not(.equal(left.node, right.node)))
}
/// An optional compared with a value that is there.
public func == <L: Readable, R: Readable>(left: L, right: R) -> Condition
where L.Value == R.Value? {
  Condition(.equal(left.node, .some(right.node)))
}
public func != <L: Readable, R: Readable>(left: L, right: R) -> Condition
where L.Value == R.Value? {
  Condition(.not(.equal(left.node, .some(right.node))))
}
public func < <L: Readable<Int>>(left: L, right: Int) -> Condition {
  Condition(.less(left.node, right.literal))
}
public func < <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Condition {
  Condition(.less(left.node, right.node))
}
public func > <L: Readable<Int>>(left: L, right: Int) -> Condition {
  Condition(.less(right.literal, left.node))
}
public func > <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Condition {
  Condition(.less(right.node, left.node))
}
public func <= <L: Readable<Int>>(left: L, right: Int) -> Condition { !(left > right) }
public func >= <L: Readable<Int>>(left: L, right: Int) -> Condition { !(left < right) }
public func <= <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Condition {
  !(left > right)
}
public func >= <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Condition {
  !(left < right)
}

// MARK: Logic

public func && <L: Readable<Bool>, R: Readable<Bool>>(left: L, right: R) -> Condition {
  if case .and(let parts) = left.node { return Condition(.and(parts + [right.node])) }
  return Condition(.and([left.node, right.node]))
}
public func || <L: Readable<Bool>, R: Readable<Bool>>(left: L, right: R) -> Condition {
  if case .or(let parts) = left.node { return Condition(.or(parts + [right.node])) }
  return Condition(.or([left.node, right.node]))
}
public prefix func ! <L: Readable<Bool>>(operand: L) -> Condition {
  Condition(.not(operand.node))
}
/// Implication; binds weaker than `||` and to the right.
public func ==> <L: Readable<Bool>, R: Readable<Bool>>(left: L, right: R) -> Condition {
  Condition(.implies(left.node, right.node))
}

// MARK: Arithmetic

public func + <L: Readable<Int>>(left: L, right: Int) -> Expr<Int> {
  Expr(.add(left.node, right.literal))
}
public func + <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Expr<Int> {
  Expr(.add(left.node, right.node))
}
public func - <L: Readable<Int>>(left: L, right: Int) -> Expr<Int> {
  Expr(.subtract(left.node, right.literal))
}
public func - <L: Readable<Int>, R: Readable<Int>>(left: L, right: R) -> Expr<Int> {
  Expr(.subtract(left.node, right.node))
}

// MARK: Assignment

public func <- <W: Writable>(target: W, value: W.Value) -> Assignment {
  Assignment { target.assignment(value.literal, at: $0) }
}
public func <- <W: Writable, R: Readable>(target: W, value: R) -> Assignment
where W.Value == R.Value {
  Assignment { target.assignment(value.node, at: $0) }
}
public func <- <W: Writable, R: Readable>(target: W, value: R) -> Assignment
where W.Value == R.Value? {
  Assignment { target.assignment(.some(value.node), at: $0) }
}

/// `target <- value`, before the builder has told it its line.
public struct Assignment {
  let make: (SourceLocation) -> Statement
}

// MARK: Membership and sets

extension Readable {
  /// Whether the value is one of those listed: `td.in(.created, .runnable)`.
  public func `in`(_ values: Value...) -> Condition {
    Condition(.or(values.map { .equal(node, $0.literal) }))
  }

  public func contains<S: Sort>(_ element: Expr<S>) -> Condition where Value == SetOf<S> {
    Condition(.contains(set: node, element: element.node))
  }
  public func inserting<S: Sort>(_ element: Expr<S>) -> Expr<Value> where Value == SetOf<S> {
    Expr(.inserting(element.node, into: node))
  }
  public func removing<S: Sort>(_ element: Expr<S>) -> Expr<Value> where Value == SetOf<S> {
    Expr(.removing(element.node, from: node))
  }
  public func union<S: Sort>(_ other: some Readable<SetOf<S>>) -> Expr<Value>
  where Value == SetOf<S> {
    Expr(.union(node, other.node))
  }
  public func subtracting<S: Sort>(_ other: some Readable<SetOf<S>>) -> Expr<Value>
  where Value == SetOf<S> {
    Expr(.subtracting(other.node, from: node))
  }
  /// How many elements the set has.
  public func count<S: Sort>() -> Expr<Int> where Value == SetOf<S> {
    Expr(.count(node))
  }
}

// MARK: Quantifiers

/// Holds when the condition holds for every element of the sort.
public func forAll<S: Sort>(
  _ sort: S.Type, @ConditionBuilder _ body: (Expr<S>) -> Condition
) -> Condition {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  return Condition(.forAll(bound, body(Expr(.bound(bound))).node))
}

/// Holds when the condition holds for at least one element of the sort.
public func exists<S: Sort>(
  _ sort: S.Type, @ConditionBuilder _ body: (Expr<S>) -> Condition
) -> Condition {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  return Condition(.exists(bound, body(Expr(.bound(bound))).node))
}

/// The elements for which the condition holds.
public func those<S: Sort>(
  _ sort: S.Type, where body: (Expr<S>) -> Condition
) -> Expr<SetOf<S>> {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  return Expr(.setOf(bound, body(Expr(.bound(bound))).node))
}

/// One of two values.
public func choose<V: Domain>(
  _ condition: some Readable<Bool>, _ yes: some Readable<V>, else no: some Readable<V>
) -> Expr<V> {
  Expr(.conditional(condition.node, yes.node, no.node))
}

/// One of two constants.
public func choose<V: Domain>(_ condition: some Readable<Bool>, _ yes: V, else no: V) -> Expr<V> {
  Expr(.conditional(condition.node, yes.literal, no.literal))
}

/// A constant, or another value: chains of these are a case distinction.
public func choose<V: Domain>(
  _ condition: some Readable<Bool>, _ yes: V, else no: some Readable<V>
) -> Expr<V> {
  Expr(.conditional(condition.node, yes.literal, no.node))
}

/// Several conditions under each other are a conjunction.
@resultBuilder
public enum ConditionBuilder {
  public static func buildExpression<R: Readable<Bool>>(_ condition: R) -> [Node] {
    [condition.node]
  }
  public static func buildBlock(_ parts: [Node]...) -> [Node] { parts.flatMap { $0 } }
  public static func buildFinalResult(_ parts: [Node]) -> Condition {
    Condition(parts.count == 1 ? parts[0] : .and(parts))
  }
}
