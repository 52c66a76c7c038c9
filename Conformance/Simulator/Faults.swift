/// A mistake that is switched on in a simulator: an operator applied at a place.
///
/// Places are named where the code passes them: the status of a check, the name of a lock or of an
/// effect. The classes are those of peers §4.3.
public struct Fault: Hashable, Sendable {
  /// What the mistake does at its place.
  public enum Operator: String, Hashable, Sendable, CaseIterable {
    /// A check never refuses.
    case missingCheck
    /// A check answers with another status or errno.
    case wrongAnswer
    /// A check comes after the one that follows it.
    case lateCheck
    /// A check refuses from the fourth time on, whatever the state.
    case extraRefusal
    /// A step of the call's effect is left out.
    case missingEffect
    /// A step of the call's effect is left out from the fourth time on.
    case effectStops
    /// A lock is not taken.
    case lockNotTaken
    /// A lock is taken shared where it has to be exclusive.
    case lockWeakened
    /// A lock is taken exclusive where shared is enough.
    case lockStrengthened
    /// A lock is released right after it was taken: what was checked can change before it is used.
    case lockDroppedEarly
    /// A lock stays taken when the call fails.
    case lockKeptOnFailure
    /// A limit is one too high.
    case limitTooHigh
  }

  /// The call: `MEM.RANGE.BLOCK`, `KVM_TDX_INIT_VM`.
  public let call: String
  public let kind: Operator
  /// The check, lock, effect or limit.
  public let place: String

  public init(_ call: String, _ kind: Operator, _ place: String) {
    self.call = call
    self.kind = kind
    self.place = place
  }

  /// `MEM.RANGE.BLOCK/missingEffect/bepoch`: stable, unique.
  public var id: String { "\(call)/\(kind.rawValue)/\(place)" }
}

/// The fault of one simulator, if any, and how often its place was passed.
struct ActiveFault {
  let fault: Fault?
  /// How often the place was passed.
  private(set) var passes = 0

  init(_ fault: Fault?) { self.fault = fault }

  /// What the fault does at a place; nil almost always.
  mutating func at(_ call: String, _ place: String) -> Fault.Operator? {
    guard let fault, fault.call == call, fault.place == place else { return nil }
    passes += 1
    switch fault.kind {
    case .extraRefusal, .effectStops: return passes > 3 ? fault.kind : nil
    default: return fault.kind
    }
  }
}
