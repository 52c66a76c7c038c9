import ConformanceKit

/// A lock that can be busy: the smallest system with an order of calls.
///
/// `lock` answers EBUSY when the lock is held, `unlock` EINVAL when it is not, `count` writes the
/// number of locks back. Faults and blind spots are switched on by the tests.
struct LockBackend: Backend {
  enum Fault {
    case unlockForgets
    case refusalLocks
    case neverAnswers
  }

  var fault: Fault?
  var visible = true
  var dies = false
  /// In how many tests it has its fault.
  var faultLasts = Int.max
  private(set) var resets = 0
  private var held = false
  private var count: Int64 = 0

  init(fault: Fault? = nil, visible: Bool = true, dies: Bool = false) {
    self.fault = fault
    self.visible = visible
    self.dies = dies
  }

  mutating func probe() throws(BackendError) -> Profile {
    Profile(backend: "lock", capabilities: ["locking"])
  }

  mutating func reset() throws(BackendError) {
    resets += 1
    if resets > faultLasts { fault = nil }
    held = false
    count = 0
  }

  mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    if dies { throw BackendError(.lost, "the lock was stolen") }
    if fault == .neverAnswers { return CallResult(.timeout) }
    switch call.name {
    case "lock":
      if held {
        if fault == .refusalLocks { count += 1 }
        return CallResult(.errno(Errno(number: 16)))
      }
      held = true
      count += 1
      return CallResult(.ok(0), written: visible ? ["count": .integer(count)] : [:])
    case "unlock":
      guard held else { return CallResult(.errno(Errno(number: 22))) }
      held = fault == .unlockForgets
      return CallResult(.ok(0))
    default:
      throw BackendError(.unknownCall, "\(call) is not a call of the lock")
    }
  }

  mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    visible ? ["held": .flag(held), "count": .integer(count)] : [:]
  }
}

/// A backend that cannot be copied, as one that owns descriptors is.
struct UniqueBackend: Backend, ~Copyable {
  mutating func probe() throws(BackendError) -> Profile { Profile(backend: "unique") }
  mutating func reset() throws(BackendError) {}
  mutating func perform(_ call: Call) throws(BackendError) -> CallResult { CallResult(.ok(3)) }
  mutating func observe() throws(BackendError) -> [ObservationID: Value] { [:] }
}

extension ExpectedOutcome {
  static let zero = ExpectedOutcome.exactly(.ok(0))
  static let busy = ExpectedOutcome.exactly(.errno(Errno(number: 16)))
  static let invalid = ExpectedOutcome.exactly(.errno(Errno(number: 22)))
}

extension ConformanceTest {
  /// Lock, be refused, unlock, lock again.
  static let lockTwice = ConformanceTest(
    id: "lock-0001", purpose: "a held lock refuses and is free after unlock",
    origin: Origin(spec: "demo/lock", scope: ["threads": 1], fingerprint: "00ff"),
    covers: ["action lock", "action unlock"], requires: ["locking"],
    steps: [
      Step(Call("lock"), expect: [.zero], written: ["count": 1], observe: ["held": true]),
      Step(Call("lock", ["wait": false]), expect: [.busy], unchanged: true),
      Step(Call("unlock"), expect: [.zero], observe: ["held": false]),
      Step(Call("lock"), expect: [.zero], tolerate: [.busy]),
    ])
}

/// Runs one test on a backend.
func run(_ test: ConformanceTest, on backend: LockBackend) throws -> TestReport {
  var backend = backend
  return try Runner(profile: backend.probe()).run(test, on: &backend)
}
