/// Places in procedures, by the names that a spec gave to actions and steps.
public enum Standing: Hashable, Sendable {
  /// The action has begun and not ended.
  case inside(String)
  /// The same, or its first step comes next.
  case calling(String)
  /// The step comes next.
  case at(String)
  /// The first step was taken, and the last one can follow without it.
  case between(String, String)
}

/// What else is asked of a thread that stands somewhere.
public struct ThreadDetail: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// The thread is the element, or the element of this sort that it remembers is.
    case has
    /// A `ForEach` that the thread is in has taken the element.
    case taken
    /// A set that the thread remembers, its argument or a local, has the element.
    case member
    /// The answer of a call that the thread remembers is the outcome.
    case answered
    /// What the author called so, an argument or a local of this type, has the value.
    case named(String, ValueType)
    /// The set that the author called so has the element.
    case memberOf(String)
  }
  public let kind: Kind
  /// The element's sort; none for an outcome and for a value that is no element.
  public let sort: SortID?
  public let element: Node
}

/// What can be asked of a thread: an element, which is the thread itself or one that it
/// remembers, `taken(p)`, `among(p)`, `answered(.EBUSY)`, or `remembering("retries")`.
public protocol ThreadQuestion: Sendable {
  var detail: ThreadDetail { get }
}

extension Expr: ThreadQuestion where Value: Sort {
  public var detail: ThreadDetail {
    ThreadDetail(kind: .has, sort: Value.sort, element: node)
  }
}

/// An element that a loop has taken.
public struct TakenElement: ThreadQuestion {
  public let detail: ThreadDetail
}

/// A `ForEach` that the thread is in has come to the element, or is past it.
public func taken<S: Sort>(_ element: Expr<S>) -> TakenElement {
  TakenElement(detail: ThreadDetail(kind: .taken, sort: S.sort, element: element.node))
}

/// An element of a set that a thread remembers.
public struct RememberedMember: ThreadQuestion {
  public let detail: ThreadDetail
}

/// A set that the thread remembers, its argument or a local, has the element:
/// `at("stores the attribute", among(p))`.
public func among<S: Sort>(_ element: Expr<S>) -> RememberedMember {
  RememberedMember(
    detail: ThreadDetail(kind: .member, sort: S.sort, element: element.node))
}

/// The same of a set by its name, where a thread remembers several of the sort.
public func among<S: Sort>(_ name: String, _ element: Expr<S>) -> RememberedMember {
  RememberedMember(
    detail: ThreadDetail(kind: .memberOf(name), sort: S.sort, element: element.node))
}

/// The value of an argument or a local that a thread remembers.
public struct RememberedValue: ThreadQuestion {
  public let detail: ThreadDetail
}

/// The thread remembers a condition of this name that has the value.
public func remembering(_ name: String, _ value: Bool = true) -> RememberedValue {
  RememberedValue(
    detail: ThreadDetail(kind: .named(name, .bool), sort: nil, element: value.literal))
}

/// The thread remembers a value of this name that is the case.
public func remembering<V: EnumDomain>(_ name: String, _ value: V) -> RememberedValue {
  RememberedValue(
    detail: ThreadDetail(kind: .named(name, V.valueType), sort: nil, element: value.literal))
}

/// The thread remembers an optional of this name that is the element.
public func remembering<S: Sort>(_ name: String, _ element: Expr<S>) -> RememberedValue {
  let type = ValueType.optional(S.valueType)
  return RememberedValue(
    detail: ThreadDetail(kind: .named(name, type), sort: nil, element: .some(element.node)))
}

/// The answer of a call that a thread remembers.
public struct RememberedAnswer: ThreadQuestion {
  public let detail: ThreadDetail
}

/// The thread keeps this answer of a call, because a later step of its own looks at it.
public func answered(_ outcome: Outcome) -> RememberedAnswer {
  RememberedAnswer(
    detail: ThreadDetail(kind: .answered, sort: nil, element: outcome.literal))
}

private func standing(_ place: Standing, _ questions: [any ThreadQuestion]) -> Condition {
  Condition(.standing(place, questions.map(\.detail)))
}

/// Some thread is inside the named action: it has taken a step of it and not the last one.
///
/// Elements say which thread: `inside("KVM_RUN", v)` is one that remembers `v`, its argument or
/// the element that a loop is at. An element of the role's sort is the thread itself:
/// `forAll(HostThread.self) { t in inside("KVM_RUN", t, v) ==> … }`. A thread that does not need
/// the element any more has forgotten it; one that remembers two of a sort is a mistake, as is a
/// place where no thread remembers one.
public func inside(_ action: String, _ about: any ThreadQuestion...) -> Condition {
  standing(.inside(action), about)
}

/// Some thread is inside the named action or about to take its first step; see `inside`.
public func calling(_ action: String, _ about: any ThreadQuestion...) -> Condition {
  standing(.calling(action), about)
}

/// Some thread stands at the named step and has not taken it yet; see `inside`.
public func at(_ step: String, _ about: any ThreadQuestion...) -> Condition {
  standing(.at(step), about)
}

/// Some thread has taken the first step and is on a way to the last one; see `inside`.
///
/// These are the places from which the last step can be next without passing the first again, as
/// far as the order of steps tells. Values are not looked at: a step that a condition rules out
/// counts as a way.
public func between(
  _ first: String, _ last: String, _ about: any ThreadQuestion...
) -> Condition {
  standing(.between(first, last), about)
}
