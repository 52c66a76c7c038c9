import ConformanceKit
import SpecProgram
import TraceValidation

/// A suite of SEAMCALLs: lives of TDs and what deviates from them, each call with the status, the
/// operand and the registers that the spec gives, and at the end of each test what can be seen.
public struct ModuleSuite {
  public private(set) var tests: [ConformanceTest] = []
  /// How many calls were looked at, and different kinds of answers that tests show.
  public private(set) var looked = 0
  public private(set) var kinds = 0
  /// How many pairs of calls are made at once.
  public private(set) var races = 0

  private let fresh: ModuleOracle
  private let spec: String
  private let isThorough: Bool
  private var seen: Set<String> = []

  /// - Parameters:
  ///   - program: the spec at the recordings' sizes.
  ///   - isThorough: what a test shows anew at its place counts, instead of what no test has shown.
  ///   - walks: lives with several deviations: how many for each life, and from which seed.
  /// - Throws: when the spec has not the recordings' sizes.
  public init(_ program: Program, isThorough: Bool, walks: Int, seed: UInt64) throws(TraceError) {
    fresh = try ModuleOracle(program)
    spec = program.spec.name
    self.isThorough = isThorough
    for life in ModuleLife.all {
      add(life.calls, "\(life.name)-life", "the life as it is")
      let often = life.calls.flatMap { [Call](repeating: $0, count: 5) }
      add(often, "\(life.name)-often", "each call five times", isNeeded: true)
      for place in life.calls.indices { addAsides(life, place) }
      for calls in Self.orders(life.calls) { add(calls, "\(life.name)-order", "calls moved") }
      for place in life.calls.indices { addReplacements(life, place) }
      var numbers = SeededNumbers(seed: seed)
      for _ in 0..<walks {
        add(Self.walk(life.calls, &numbers), "\(life.name)-walk", "several deviations at once")
      }
    }
    guard let locks = ModuleLocks(program.spec) else {
      throw TraceError(.unusable, "\(spec) has no table of the locks that leaves take")
    }
    var races = ModuleRaces(fresh, locks, isThorough: isThorough)
    for life in ModuleLife.all { races.add(life) }
    for race in races.tests { append(race) }
    self.races = races.tests.count
  }

  /// A call is missing, is made twice, or is made before the one before it.
  private static func orders(_ calls: [Call]) -> [[Call]] {
    calls.indices.flatMap { place -> [[Call]] in
      var (without, twice, swapped) = (calls, calls, calls)
      without.remove(at: place)
      twice.insert(calls[place], at: place)
      if place > 0 { swapped.swapAt(place - 1, place) }
      return place > 0 ? [without, twice, swapped] : [without, twice]
    }
  }

  private static func walk(_ life: [Call], _ numbers: inout SeededNumbers) -> [Call] {
    var calls = life
    for _ in 0..<(2 + numbers.below(6)) {
      let place = numbers.below(calls.count)
      switch numbers.below(4) {
      case 0: calls.remove(at: place)
      case 1: calls.swapAt(place, numbers.below(calls.count))
      case 2: calls.insert(calls[numbers.below(calls.count)], at: place)
      default:
        let leaf = ModuleVariants.leaves[numbers.below(ModuleVariants.leaves.count)]
        let changes = ModuleVariants.changes(of: leaf)
        calls.insert(changes[numbers.below(changes.count)], at: place)
      }
    }
    return calls
  }

  /// At every so many places all calls are made that show something of the place.
  private static let looks = 24

  // MARK: Tests

  /// Every leaf with other operands, where that changes nothing, before a call of a life. A guest
  /// that runs holds locks: what is answered meanwhile counts apart.
  private mutating func addAsides(_ life: ModuleLife, _ place: Int) {
    var test = ModuleTest(fresh)
    for call in life.calls[..<place] { test.make(call) }
    let before = test.steps.count
    let isLookedAt = isThorough || place % Self.looks == 0
    // Each value of each operand once, where the others are right: next to a limit answers may be
    // alike for different reasons.
    for change in ModuleVariants.changes(of: life.calls[place]) {
      let call = test.onHostLP(change)
      looked += 1
      test.makeAside(call) { _ in seen.insert("\(call)").inserted }
    }
    let guests = test.hasGuest ? "while a guest runs: " : ""
    for leaf in ModuleVariants.leaves.flatMap({ [$0] + ModuleVariants.changes(of: $0) }) {
      let call = test.onHostLP(leaf)
      looked += 1
      test.makeAside(call) { kind in
        let isNew = seen.insert(guests + kind).inserted
        guard isLookedAt else { return isNew }
        return seen.insert("\(life.name) \(place): \(kind)").inserted
      }
    }
    guard test.steps.count > before else { return }
    for call in life.calls[place...].prefix(6) { test.make(call) }
    append(test, "\(life.name)-aside", "calls that change nothing, before call \(place + 1)")
  }

  /// A call of a life with another operand, where that succeeds.
  private mutating func addReplacements(_ life: ModuleLife, _ place: Int) {
    for change in ModuleVariants.changes(of: life.calls[place]) {
      var calls = life.calls
      calls[place] = change
      add(calls, "\(life.name)-value", "\(change)")
    }
  }

  private mutating func add(
    _ calls: [Call], _ name: String, _ purpose: String, isNeeded: Bool = false
  ) {
    looked += calls.count
    var test = ModuleTest(fresh)
    for call in calls { test.make(call) }
    let shown = isThorough ? test.shown : test.kinds
    guard isNeeded || shown.contains(where: { !seen.contains($0) }) else { return }
    seen.formUnion(shown)
    append(test, name, purpose)
  }

  private mutating func append(_ test: ModuleTest, _ name: String, _ purpose: String) {
    kinds = seen.count
    append(
      ConformanceTest(
        id: name, purpose: purpose,
        covers: test.steps.map { "action \($0.call.name)" }.uniqued.sorted(),
        steps: test.looking))
  }

  /// Numbers the test.
  private mutating func append(_ test: ConformanceTest) {
    let digits = "\(tests.count + 1)"
    let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    var test = test
    test.id += "-\(number)"
    tests.append(test)
  }

  /// What running the tests shows.
  public var guarantee: String {
    "shows \(kinds) kinds of answers, each by its leaf, check and place in a TD's life, along "
      + "\(tests.count - races) deviations from \(ModuleLife.all.count) lives, and what may come "
      + "of \(races) pairs of calls at once"
  }

  /// What that takes for granted.
  public var hypotheses: [String] {
    [
      "a fresh start brings the module to its state after initialisation",
      "nothing but the calls is made on the machine",
    ]
  }

  public var suite: ConformanceSuite {
    let assumptions = hypotheses.map { "(\($0))" }.joined(separator: " ")
    return ConformanceSuite(
      name: "\(spec) deviations", guarantee: "\(guarantee), if \(assumptions)", tests: tests)
  }
}
