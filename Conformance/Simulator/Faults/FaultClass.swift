/// Kinds of mistakes, as a list of faults is balanced by them (peers §4.3).
public enum FaultClass: String, Hashable, Sendable, CaseIterable {
  case wrongAnswer = "wrong answer"
  /// The object goes on in another state than it should.
  case wrongNextState = "wrong next state"
  case missingGuard = "missing guard"
  case extraGuard = "extra guard"
  case swappedGuards = "guards swapped"
  case missingSideEffect = "missing side effect"
  /// It shows only after some calls.
  case hiddenState = "hidden state"
  /// What was taken away is still referred to.
  case staleReference = "stale reference"
  case lockNotTaken = "lock not taken"
  case lockOrder = "lock order swapped"
  case waitsForLock = "lock waited for"
  /// A lock excludes more than it must.
  case tooStrict = "lock too strict"
  case missingRollback = "missing rollback"
  /// What was checked changes before it is used.
  case changedAfterCheck = "changed after the check"
  case countLeak = "count leaks"
  case offByOne = "off by one"
  case splitOrMerge = "split or merge"
}

extension Fault {
  private static let states: Set<String> = [
    "state", "mp_state", "lifecycle", "op_state", "entry", "KOT", "key", "attribute",
    "attributes", "irqchip", "PAMT", "fatal", "accept", "pre_fault_allowed", "slot", "handle",
    "stage", "dump", "page", "aside",
  ]
  private static let references: Set<String> = [
    "unbind", "bindings", "binding", "gmem.file", "cpu_list", "spte", "mirror", "table", "INVEPT",
    "ASID flush", "association", "last_tdvpr", "truncate", "unmap", "invalid", "TRACK", "kick",
    "configuration", "cpu", "notifier", "PG_arch_1",
  ]
  private static let numbers: Set<String> = [
    "users", "put", "refcount", "chldcnt", "num_vcpus", "num_assoc_vcpus", "hkid free", "hkid",
    "protected_count", "transient count", "need_cleanup",
  ]

  /// The class that the fault counts for: by its operator, and for effects by what is left out.
  public var faultClass: FaultClass {
    if call == "MEM.PAGE.PROMOTE" || call == "MEM.PAGE.DEMOTE" { return .splitOrMerge }
    switch kind {
    case .missingCheck: return .missingGuard
    case .wrongAnswer: return .wrongAnswer
    case .lateCheck: return .swappedGuards
    case .extraRefusal, .effectStops: return .hiddenState
    case .extraGuard: return .extraGuard
    case .effectTwice: return .countLeak
    case .lockNotTaken: return .lockNotTaken
    case .lockSwapped: return .lockOrder
    case .lockWaits: return .waitsForLock
    case .lockKeptOnFailure: return .missingRollback
    case .lockDroppedEarly, .lockWeakened: return .changedAfterCheck
    case .lockStrengthened: return .tooStrict
    case .limitTooHigh: return .offByOne
    case .missingEffect:
      if Self.states.contains(place) { return .wrongNextState }
      if Self.references.contains(place) { return .staleReference }
      return Self.numbers.contains(place) ? .countLeak : .missingSideEffect
    }
  }
}
