import SpecLanguage

/// One statement of an atomic step, after locks and calls have been spelled out.
///
/// All statements of a step read the state before the step; writes happen together at its end.
indirect enum AtomicStatement<E: Sendable>: Sendable {
  case require(E)
  /// Goes to the node `failTo` unless the condition holds; counted under `check`.
  case check(Int, E, failTo: Int)
  case assign(Target<E>, E, SourceLocation)
  case when(E, [AtomicStatement], [AtomicStatement])
  case each(BoundID, [AtomicStatement])
  /// Leaves the step for another node than the next one.
  case exit(Int)
}

/// What an assignment writes.
enum Target<E: Sendable>: Sendable {
  case variable(VariableID, [E])
  case local(LocalID)
}

/// What happens to a lock at a node, for lock order and for people.
struct LockEvent: Hashable, Sendable {
  enum Action: Hashable, Sendable { case acquire, tried, release }
  let action: Action
  let lock: LockDeclaration
  let mode: LockMode
  let all: Bool
}

/// A node of a procedure's control flow.
enum FlowNode<E: Sendable>: Sendable {
  /// A step that others can see: a thread waits here until it can be taken.
  case atomic([AtomicStatement<E>], next: Int)
  /// A branch. It is a step of its own when the condition reads shared state.
  case test(E, shared: Bool, yes: Int, no: Int)
  /// Thread-local or invisible work that belongs to the step before it.
  case silent([AtomicStatement<E>], next: Int)
  /// The head of a `ForEach`: takes an element not yet done, or goes on when all are done.
  case pick(Loop<E>, body: Int, exhausted: Int)
  case end(Outcome)
  case endLocal(LocalID)
}

/// What a `ForEach` goes over.
struct Loop<E: Sendable>: Sendable {
  let bound: BoundID
  /// The elements already taken.
  let done: LocalID
  let ordered: Bool
  let filter: E?
}

/// What people should know of a node.
struct NodeInfo: Sendable {
  /// `KVM_TDX_TERMINATE_VM`, then the actions called, innermost last.
  let path: [String]
  /// What the step does, in a few words.
  let label: String
  let location: SourceLocation?
  let lock: LockEvent?
  /// The called actions whose first step this is: a thread that waits here is not inside them yet.
  var entering: Set<String> = []
  /// The thread may come here again in the same call, any number of times.
  var repeats = false

  /// Whether a thread that stands here has begun the action and not ended it.
  func isInside(_ action: String) -> Bool { path.contains(action) && !entering.contains(action) }
}

/// A procedure as a graph. Nodes are numbered; the numbers are stable for a given spec.
struct Flow<E: Sendable>: Sendable {
  let name: String
  let action: Action
  var nodes: [FlowNode<E>] = []
  var info: [NodeInfo] = []
  var entry = 0
  /// Everything a thread must remember: arguments, loop elements, loop masks, locals.
  var frame: [FrameEntry] = []
}

/// One thing that a thread remembers during a call.
struct FrameEntry: Hashable, Sendable {
  enum Source: Hashable, Sendable {
    case bound(BoundID)
    case local(LocalID)
  }
  let source: Source
  let name: String
  let type: ValueType
}

/// A `Check`, for coverage.
public struct CheckInfo: Hashable, Sendable {
  public let action: String
  public let text: String
  public let outcome: Outcome
  public let location: SourceLocation
  /// Where the facts are: the check's own citations, or else its action's.
  public let citations: [String]
}

extension FlowNode {
  /// Whether a thread can stop here.
  var isBoundary: Bool {
    switch self {
    case .atomic, .pick: true
    case .test(_, let shared, _, _): shared
    case .silent, .end, .endLocal: false
    }
  }

  /// The nodes that can follow.
  var successors: [Int] {
    switch self {
    case .atomic(let body, let next): [next] + body.flatMap(\.exits)
    case .silent(_, let next): [next]
    case .test(_, _, let yes, let no): [yes, no]
    case .pick(_, let body, let exhausted): [body, exhausted]
    case .end, .endLocal: []
    }
  }
}

extension AtomicStatement {
  /// The nodes this statement may leave the step for.
  var exits: [Int] {
    switch self {
    case .check(_, _, let failTo): [failTo]
    case .exit(let node): [node]
    case .when(_, let yes, let no): yes.flatMap(\.exits) + no.flatMap(\.exits)
    case .each(_, let body): body.flatMap(\.exits)
    case .require, .assign: []
    }
  }
}
