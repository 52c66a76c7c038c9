/// A mistake that is switched on in a simulator: an operator applied at a place.
///
/// Places are named where the code passes them: the status or the subject of a check, the name of
/// a lock, of an effect or of a limit.
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
    /// A check refuses whatever the state, once any check has refused.
    case extraGuard
    /// A step of the call's effect is left out.
    case missingEffect
    /// A step of the call's effect is left out from the fourth time on.
    case effectStops
    /// A step that counts is done twice.
    case effectTwice
    /// A lock is not taken.
    case lockNotTaken
    /// A lock is taken shared where it has to be exclusive.
    case lockWeakened
    /// A lock is taken exclusive where shared is enough.
    case lockStrengthened
    /// A lock is released right after it was taken: what was checked can change before it is used.
    case lockDroppedEarly
    /// A lock is taken after the one that follows it.
    case lockSwapped
    /// A lock that is only tried is waited for.
    case lockWaits
    /// A lock stays taken when the call fails.
    case lockKeptOnFailure
    /// A limit is one too high.
    case limitTooHigh
  }

  /// What is passed at a place.
  enum Subject {
    case check
    case effect
    case lock
    case limit
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

  /// What it does, in one line.
  public var summary: String {
    switch kind {
    case .missingCheck: "\(call) does not check '\(place)'"
    case .wrongAnswer: "\(call) gives another answer where '\(place)' is refused"
    case .lateCheck: "\(call) checks '\(place)' after the check that follows it"
    case .extraRefusal: "\(call) refuses with '\(place)' from its fourth time on"
    case .extraGuard: "\(call) refuses with '\(place)' once any call was refused"
    case .missingEffect: "\(call) leaves '\(place)' out"
    case .effectTwice: "\(call) does '\(place)' twice"
    case .effectStops: "\(call) leaves '\(place)' out from its fourth time on"
    case .lockNotTaken: "\(call) does not take \(place)"
    case .lockWeakened: "\(call) takes \(place) shared instead of exclusively"
    case .lockStrengthened: "\(call) takes \(place) exclusively instead of shared"
    case .lockDroppedEarly: "\(call) releases \(place) right after taking it"
    case .lockSwapped: "\(call) takes \(place) after the lock that follows it"
    case .lockWaits: "\(call) waits for \(place) instead of answering that it is busy"
    case .lockKeptOnFailure: "\(call) does not release \(place) when it fails"
    case .limitTooHigh: "\(call) takes the limit '\(place)' one too high"
    }
  }
}

extension Fault {
  /// The ids of faults, nil for none.
  static func text(_ faults: [Fault]) -> String? {
    faults.isEmpty ? nil : faults.map(\.id).joined(separator: ", ")
  }
}

extension Fault {
  /// Whether it is at a lock.
  public var isOfLock: Bool { kind.subject == .lock }
}

extension FaultPlace {
  /// Whether it is a lock.
  public var isLock: Bool { kind.subject == .lock }
}

extension Fault.Operator {
  /// At what it can be.
  var subject: Fault.Subject {
    switch self {
    case .missingCheck, .wrongAnswer, .lateCheck, .extraRefusal, .extraGuard: .check
    case .missingEffect, .effectStops, .effectTwice: .effect
    case .limitTooHigh: .limit
    default: .lock
    }
  }
}

extension FaultPlace.Kind {
  var subject: Fault.Subject {
    switch self {
    case .check: .check
    case .effect: .effect
    case .limit: .limit
    default: .lock
    }
  }
}

/// Where faults can be.
public struct FaultPlace: Hashable, Sendable, Comparable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case check
    case effect
    /// A lock of the module, which is only tried: shared, exclusive, or without modes.
    case triedShared
    case triedExclusive
    case triedMutex
    /// A lock of the kernel, which is waited for.
    case waitedShared
    case waitedExclusive
    case limit
  }

  public let call: String
  public let kind: Kind
  public let name: String

  public static func < (left: FaultPlace, right: FaultPlace) -> Bool {
    (left.call, left.kind.rawValue, left.name) < (right.call, right.kind.rawValue, right.name)
  }

  /// What can be wrong there.
  public var operators: [Fault.Operator] {
    switch kind {
    case .check:
      [.missingCheck] + (isOfUltravisor ? [] : [.wrongAnswer])
        + [.lateCheck, .extraRefusal, .extraGuard]
    case .effect: [.missingEffect, .effectStops] + (isCount ? [.effectTwice] : [])
    case .triedMutex: Self.lockOperators + [.lockWaits]
    case .triedShared: Self.lockOperators + [.lockWaits, .lockStrengthened]
    case .triedExclusive: Self.lockOperators + [.lockWaits, .lockWeakened]
    case .waitedShared: Self.lockOperators + [.lockStrengthened]
    case .waitedExclusive: Self.lockOperators + [.lockWeakened]
    case .limit: [.limitTooHigh]
    }
  }

  /// Which code it refuses with is not public, and nothing that KVM does depends on it
  /// (s390-pv §8).
  private var isOfUltravisor: Bool { call.hasPrefix("UVC.") }

  private static let counts: Set<String> = [
    "users", "put", "refcount", "chldcnt", "num_vcpus", "num_assoc_vcpus", "epoch", "binding",
    "invalidate_begin", "invalidate_end", "hkid", "hkid free", "vcpu", "protected_count",
    "transient count", "need_cleanup",
  ]

  /// Doing it twice is something else than doing it once.
  private var isCount: Bool { kind == .effect && Self.counts.contains(name) }

  private static let lockOperators: [Fault.Operator] = [
    .lockNotTaken, .lockDroppedEarly, .lockSwapped, .lockKeptOnFailure,
  ]

  /// The faults of this place.
  public var faults: [Fault] { operators.map { Fault(call, $0, name) } }
}

/// The faults of one simulator, if any, and how often their places were passed.
struct ActiveFaults {
  let faults: [Fault]
  /// Told of every place that is passed, when there is one.
  let survey: FaultSurvey?
  /// How often each fault's place was passed.
  private var passes: [Int]
  /// A check has refused.
  var hasRefused = false

  init(_ faults: [Fault], _ survey: FaultSurvey? = nil) {
    self.faults = faults
    self.survey = survey
    passes = Array(repeating: 0, count: faults.count)
  }

  var isActive: Bool { !faults.isEmpty || survey != nil }

  /// What the faults do at a place; nil almost always.
  @inline(__always)
  mutating func at(
    _ kind: FaultPlace.Kind, _ call: String, _ place: @autoclosure () -> String
  ) -> Fault.Operator? {
    guard survey != nil || faults.contains(where: { $0.call == call }) else { return nil }
    return pass(kind, call, place())
  }

  private mutating func pass(
    _ kind: FaultPlace.Kind, _ call: String, _ place: String
  ) -> Fault.Operator? {
    survey?.note(FaultPlace(call: call, kind: kind, name: place))
    for (number, fault) in faults.enumerated()
    where fault.call == call && fault.place == place && fault.kind.subject == kind.subject {
      passes[number] += 1
      switch fault.kind {
      case .extraRefusal, .effectStops:
        if passes[number] > 3 { return fault.kind }
      case .extraGuard:
        if hasRefused { return fault.kind }
      default: return fault.kind
      }
    }
    return nil
  }
}

/// Collects the places that runs of a simulator pass.
public final class FaultSurvey: @unchecked Sendable {
  public private(set) var places: Set<FaultPlace> = []

  public init() {}

  func note(_ place: FaultPlace) { places.insert(place) }

  /// The places since the last time, which are forgotten.
  public func take() -> Set<FaultPlace> {
    defer { places = [] }
    return places
  }
}
