/// What a thread of the simulated machine is about to do: the places where others may come in
/// between.
public struct StepPoint: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    /// A lock is asked for.
    case acquire
    /// A lock is given back.
    case release
    /// Something changes that others can see.
    case effect
    /// A SEAMCALL begins.
    case seamcall
  }

  public let kind: Kind
  public let what: String

  public init(_ kind: Kind, _ what: String) {
    self.kind = kind
    self.what = what
  }
}

/// Who may run. Code of the simulator runs on whichever thread holds the baton, and hands it on at
/// every ``StepPoint`` only; so its state needs no other protection.
///
/// Without other threads a point costs one comparison.
public final class Baton: @unchecked Sendable {
  /// Called at each point when there are other threads.
  private let yield: (@Sendable (StepPoint) -> Void)?

  /// For one thread.
  public init() { yield = nil }

  /// For several: `yield` returns when it is this thread's turn again.
  public init(yield: @escaping @Sendable (StepPoint) -> Void) { self.yield = yield }

  @inline(__always)
  func point(_ kind: StepPoint.Kind, _ what: @autoclosure () -> String) {
    if let yield { yield(StepPoint(kind, what())) }
  }
}
