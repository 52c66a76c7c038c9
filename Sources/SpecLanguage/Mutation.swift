/// A bug put into a spec on purpose, with the property that must notice it.
///
/// A spec whose seeded bugs go unnoticed says little; `tdxspec mutate` measures that.
public struct Mutation: Sendable {
  public let id: String
  /// What is wrong then, in one sentence.
  public let text: String
  /// Ids of the properties that must break; none when the change is harmless.
  public let caughtBy: [String]
  /// The smallest named scope that shows it; the default sizes when `nil`.
  public let scope: String?
  public let edits: [Edit]
  public let citations: [String]
  public let location: SourceLocation

  /// - Parameters:
  ///   - caughtBy: ids of properties that hold without the mutation; empty for a change that must
  ///     *not* be noticed.
  ///   - scope: the smallest named scope that shows it.
  public init(
    _ id: String, _ text: String, caughtBy: [String], at scope: String? = nil,
    cites citations: String..., file: String = #fileID, line: Int = #line,
    @ListBuilder<Edit> _ edits: () -> [Edit]
  ) {
    self.id = id
    self.text = text
    self.caughtBy = caughtBy
    self.scope = scope
    self.edits = edits()
    self.citations = citations
    location = SourceLocation(file: file, line: line)
  }
}

/// One change to a spec's actions: what it looks for, where, and what it puts there.
public struct Edit: Sendable {
  public enum Target: Sendable {
    /// A `Step` of this name.
    case step(String)
    /// A `Check` or `Require` whose condition reads like this, or a part of a conjunction.
    case condition(String)
    /// A `Check` that answers this when its condition fails.
    case refusal(Outcome)
    /// A `Call` of this action.
    case call(String)
    /// A `Holding`, `TryHolding` or `TryAcquireAll` of this lock.
    case lock(LockDeclaration)
  }

  public enum Change: Sendable {
    /// What was found goes; what a lock guarded stays.
    case remove
    case replace([Statement])
    /// The lock is taken shared instead.
    case share
  }

  public let target: Target
  /// Only within this action, called or calling; everywhere when `nil`.
  public let action: String?
  public let change: Change
}

/// The step does not happen.
public func Without(step name: String, in action: String? = nil) -> Edit {
  Edit(target: .step(name), action: action, change: .remove)
}

/// The condition, as `tdxspec read` spells it, is not looked at.
public func Without(check condition: String, in action: String? = nil) -> Edit {
  Edit(target: .condition(condition), action: action, change: .remove)
}

/// The check that would answer this is not made.
public func Without(refusal outcome: Outcome, in action: String? = nil) -> Edit {
  Edit(target: .refusal(outcome), action: action, change: .remove)
}

/// The call is left out.
public func Without(call name: String, in action: String? = nil) -> Edit {
  Edit(target: .call(name), action: action, change: .remove)
}

/// What happens under the lock happens without it.
public func Without(lock: some Lockable, in action: String? = nil) -> Edit {
  Edit(target: .lock(lock.use(.exclusive).lock), action: action, change: .remove)
}

/// What happens under any lock of the family happens without it.
public func Without<S: Sort>(locks: Locks<S>, in action: String? = nil) -> Edit {
  Edit(target: .lock(locks.lock), action: action, change: .remove)
}

/// The lock is taken shared.
public func Shared(_ lock: RWLock, in action: String? = nil) -> Edit {
  Edit(target: .lock(lock.use(.exclusive).lock), action: action, change: .share)
}

/// Other statements take the place of the step.
public func Replacing(
  step name: String, in action: String? = nil, @StatementBuilder with body: () -> [Statement]
) -> Edit {
  Edit(target: .step(name), action: action, change: .replace(body()))
}
