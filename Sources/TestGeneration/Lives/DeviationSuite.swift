import ConformanceKit
import SpecLanguage
import TraceValidation

/// A suite in the words of recordings: lives of VMs and what deviates from them, each call with
/// the answer, the SEAMCALLs and the fields written back that the spec gives.
///
/// Values of arguments are put into the spec's classes by the reader of recorded calls, so that
/// any value can be used; the spec is carried out along each sequence.
public struct DeviationSuite {
  /// How much is tried.
  public struct Options: Sendable {
    /// Only lives of these environments; empty for all.
    public var environments: Set<String> = []
    /// Everything that a deviation shows counts as new, instead of what a spec tells apart.
    public var isThorough = false
    /// Tests look at SEAMCALLs.
    public var seesSeamcalls = false
    /// Tests look at what is written back.
    public var seesWritten = false
    /// Lives with several deviations each: how many for each life, and from which seed.
    public var walks = 20
    public var seed: UInt64 = 1

    public init() {}
  }

  public private(set) var tests: [ConformanceTest] = []
  /// How many sequences were carried out, and how many the spec has no room for.
  public private(set) var tried = 0
  public private(set) var roomless = 0
  /// Different calls with their answers, and different reasons with SEAMCALLs.
  public private(set) var calls = 0
  public private(set) var reasons = 0

  private let name: String
  private let programs: ReplayPrograms
  private let options: Options
  private var seen: Set<UInt64> = []

  public init(_ spec: SpecDescription, _ options: Options) {
    name = spec.name
    programs = ReplayPrograms(spec)
    self.options = options
    for life in Life.all(of: spec.name)
    where options.environments.isEmpty || options.environments.contains(life.environment) {
      add(life)
    }
  }

  private mutating func add(_ life: Life) {
    let deviations = Deviations(life)
    let straight = add(deviations.straight, life)
    add(deviations.order, life)
    if let straight { add(deviations.failures(straight.leaves), life) }
    for place in life.calls.indices {
      addOwn(place, deviations)
      let isLate = place + 3 >= life.calls.count
      if options.isThorough || isLate || place % 5 == 4 {
        add(deviations.asides(at: place), life)
      }
    }
    add(deviations.replacements, life)
    for distance in options.isThorough ? [2, 4, 8, 16] : [3, 9] {
      add(deviations.early(distance), life)
    }
    add(deviations.walks(options.walks, seed: options.seed), life)
  }

  private mutating func addOwn(_ place: Int, _ deviations: Deviations) {
    var refusals: [Call: Refusal] = [:]
    for deviation in deviations.own(at: place) {
      guard let test = add(deviation, deviations.life) else { continue }
      refusals.merge(test.refusals) { first, _ in first }
    }
    add(deviations.pairs(at: place, refusals), deviations.life)
  }

  private mutating func add(_ some: [Deviation], _ life: Life) {
    for deviation in some { add(deviation, life) }
  }

  /// - Returns: what the spec says of the sequence; nil when it has no room for it.
  @discardableResult
  private mutating func add(_ deviation: Deviation, _ life: Life) -> DeviationTest? {
    tried += 1
    let sight = DeviationTest.Sight(
      seamcalls: options.seesSeamcalls, written: options.seesWritten)
    let seen = self.seen
    let test = DeviationTest(deviation, life, programs, sight) { shown in
      shown.prefix(2).contains { !seen.contains($0) }
    }
    guard let test else {
      roomless += 1
      return nil
    }
    guard isWorthIt(test, deviation) else { return test }
    for shown in test.shown {
      if self.seen.insert(shown[0]).inserted { calls += 1 }
      if self.seen.insert(shown[1]).inserted { reasons += 1 }
      self.seen.insert(shown[2])
    }
    append(test, deviation, life)
    return test
  }

  /// Calls aside are cheap: there each call and answer counts. A whole life is worth it for a new
  /// reason, and for whatever is new when a suite is thorough.
  private func isWorthIt(_ test: DeviationTest, _ deviation: Deviation) -> Bool {
    test.shown.contains { shown in
      if options.isThorough { return shown.contains { !seen.contains($0) } }
      let isAside = deviation.steps.contains(where: \.isAside)
      return !seen.contains(shown[1]) || isAside && !seen.contains(shown[0])
    }
  }

  private mutating func append(_ test: DeviationTest, _ deviation: Deviation, _ life: Life) {
    let digits = "\(tests.count + 1)"
    let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    var requires: Set<Capability> = []
    if options.seesSeamcalls, life.environment == "kvm-7.3-tdx-standin" {
      requires.insert("seamcall-log")
    }
    tests.append(
      ConformanceTest(
        id: "\(deviation.name)-\(number)", purpose: deviation.purpose,
        covers: test.steps.map { "action \($0.call.name)" }.uniqued.sorted(),
        requires: requires, steps: test.steps))
  }

  /// What running the tests shows.
  public var guarantee: String {
    "makes \(calls) different calls with their answers, of \(reasons) kinds that a check, an "
      + "answer and SEAMCALLs make, along \(tests.count) of \(tried) deviations from the lives"
  }

  /// What that takes for granted.
  public var hypotheses: [String] {
    [
      "a fresh start brings the implementation to its initial state",
      "one process calls, and waits for each answer",
      "values that the reader of recorded calls puts into one class are answered alike where no "
        + "test has them",
    ]
  }

  public var suite: ConformanceSuite {
    let assumptions = hypotheses.map { "(\($0))" }.joined(separator: " ")
    return ConformanceSuite(
      name: "\(name) deviations", guarantee: "\(guarantee), if \(assumptions)", tests: tests)
  }
}
