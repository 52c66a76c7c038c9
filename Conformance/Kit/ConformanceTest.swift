/// A test as data: calls with the answers and the sights that they must give.
///
/// It needs no specification to run. In JSON the keys are sorted, so that a committed suite
/// changes only where a test does.
public struct ConformanceTest: Hashable, Sendable, Identifiable {
  /// The version of the format that this kit reads and writes.
  public static let format = 1

  /// The stable name, unique in a suite.
  public var id: String
  /// What the test is for, in one sentence.
  public var purpose: String
  /// Where it was generated from; nil for a test written by hand.
  public var origin: Origin?
  /// What of the specification it exercises: `action KVM_TDX_INIT_VM`, `property S-11`.
  public var covers: [String]
  /// What a backend must offer; without it the test is skipped.
  public var requires: Set<Capability>
  /// What is done, in order; at least one step, unless there is a race.
  public var steps: [Step]
  /// What threads do at once after the steps.
  public var race: Race?
  /// Whether the specification itself lets the system report something broken, such as a WARN.
  public var condones: Bool

  /// A test.
  public init(
    id: String, purpose: String, origin: Origin? = nil, covers: [String] = [],
    requires: Set<Capability> = [], steps: [Step], race: Race? = nil, condones: Bool = false
  ) {
    self.id = id
    self.purpose = purpose
    self.origin = origin
    self.covers = covers
    self.requires = requires
    self.steps = steps
    self.race = race
    self.condones = condones
  }
}

extension ConformanceTest {
  /// How many calls the test makes, those of a race once.
  public var callCount: Int {
    steps.count + (race.map { $0.threads.reduce($0.then.count) { $0 + $1.count } } ?? 0)
  }

  /// The specification that a test was generated from.
  public struct Origin: Hashable, Sendable {
    /// The specification's name, such as `kvm/tdx`.
    public var spec: String
    /// The sizes and parameters it was explored with.
    public var scope: [String: Int]
    /// The specification's fingerprint; a differing one means that the test may be stale.
    public var fingerprint: String?
    /// What the specification lets happen by itself after each call.
    public var deferred: [String]

    /// An origin.
    public init(
      spec: String, scope: [String: Int] = [:], fingerprint: String? = nil,
      deferred: [String] = []
    ) {
      self.spec = spec
      self.scope = scope
      self.fingerprint = fingerprint
      self.deferred = deferred
    }
  }

  /// One call and what it must give.
  public struct Step: Hashable, Sendable {
    /// What is called.
    public var call: Call
    /// The outcomes after which the test goes on; at least one.
    public var expect: [ExpectedOutcome]
    /// Outcomes that are legal too but leave the test's path: it ends inconclusive.
    public var tolerate: [ExpectedOutcome]
    /// Fields that must be written back with these values.
    public var written: [String: Value]
    /// What must be seen after the call.
    public var observe: [ObservationID: Value]
    /// Whether everything that can be seen must look as before the call: for refused calls.
    public var unchanged: Bool

    /// A step.
    public init(
      _ call: Call, expect: [ExpectedOutcome], tolerate: [ExpectedOutcome] = [],
      written: [String: Value] = [:], observe: [ObservationID: Value] = [:],
      unchanged: Bool = false
    ) {
      self.call = call
      self.expect = expect
      self.tolerate = tolerate
      self.written = written
      self.observe = observe
      self.unchanged = unchanged
    }
  }
}

/// Tests that belong together, with what running all of them guarantees.
public struct ConformanceSuite: Hashable, Sendable {
  /// The suite's name.
  public var name: String
  /// What the suite promises to find, and under which assumptions.
  public var guarantee: String
  /// The tests; no two have the same id.
  public var tests: [ConformanceTest]

  /// A suite.
  public init(name: String, guarantee: String, tests: [ConformanceTest]) {
    self.name = name
    self.guarantee = guarantee
    self.tests = tests
  }
}
