/// A place where other threads of the simulated machine may come in between.
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
    /// A lock that somebody else holds is waited for.
    case wait
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
  private let scheduler: Scheduler?

  /// For one thread.
  public init() { scheduler = nil }

  /// For the threads of a scheduler.
  public init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  @inline(__always)
  func point(_ kind: StepPoint.Kind, _ what: @autoclosure () -> String) {
    if let scheduler, scheduler.isRunning { scheduler.yield(kind, what) }
  }

  /// Something is tried again: whoever is in its way goes on first.
  func giveWay(_ what: @autoclosure () -> String) {
    if let scheduler, scheduler.isRunning { scheduler.giveWay(what) }
  }

  /// Waits until the condition holds. False: nobody is left who could make it hold.
  func wait(_ what: @autoclosure () -> String, until isMet: () -> Bool) -> Bool {
    while !isMet() {
      guard let scheduler, scheduler.isRunning, scheduler.wait(what) else {
        return false
      }
    }
    return true
  }
}
