import SpecProgram

/// A check that a call came to, and its value.
public struct LookedAt: Hashable, Sendable {
  public let check: CheckInfo
  /// False for the check that refused the call.
  public let holds: Bool

  static func all(_ step: TakenStep) -> [LookedAt] {
    step.passed.map { LookedAt(check: $0, holds: true) }
      + (step.refusedBy.map { [LookedAt(check: $0, holds: false)] } ?? [])
  }
}
