import ConformanceKit
import Dispatch
import SpecLanguage
import Synchronization

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

  /// Looks at the lives on all processors; which tests come of it does not depend on them.
  public init(_ spec: SpecDescription, _ options: Options) {
    name = spec.name
    let lives = Life.all(of: spec.name).filter {
      options.environments.isEmpty || options.environments.contains($0.environment)
    }
    let found = Mutex([LifeTests?](repeating: nil, count: lives.count))
    DispatchQueue.concurrentPerform(iterations: lives.count) { number in
      let made = LifeTests(lives[number], spec, options)
      found.withLock { $0[number] = made }
    }
    let all = found.withLock { $0.compactMap { $0 } }
    tried = all.reduce(0) { $0 + $1.tried }
    roomless = all.reduce(0) { $0 + $1.roomless }
    let tests = all.flatMap(\.tests)
    let kept = options.isThorough ? Array(tests.indices) : SmallestCover(tests).kept
    for number in kept { append(tests[number], options) }
    calls = Set(kept.flatMap { tests[$0].shown.map { $0[0] } }).count
    reasons = Set(kept.flatMap { tests[$0].shown.map { $0[1] } }).count
  }

  private mutating func append(_ made: LifeTests.Test, _ options: Options) {
    let digits = "\(tests.count + 1)"
    let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    var requires: Set<Capability> = []
    if options.seesSeamcalls, made.environment == "kvm-7.3-tdx-standin" {
      requires.insert("seamcall-log")
    }
    tests.append(
      ConformanceTest(
        id: "\(made.name)-\(number)", purpose: made.purpose,
        covers: made.steps.map { "action \($0.call.name)" }.uniqued.sorted(),
        requires: requires, steps: made.steps, condones: made.condones))
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
