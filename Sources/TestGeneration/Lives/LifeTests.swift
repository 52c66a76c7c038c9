import ConformanceKit
import SpecLanguage
import TraceValidation

/// The tests that one life gives: it, and what deviates from it and shows something new.
struct LifeTests: Sendable {
  /// A test before it has a number.
  struct Test: Sendable {
    let name: String
    let purpose: String
    let environment: String
    let steps: [ConformanceTest.Step]
    let condones: Bool
    /// Hashes of what each call shows, as in ``DeviationTest``.
    let shown: [[UInt64]]
    let counted: Set<UInt64>
    /// It is kept whatever it shows.
    let isNeeded: Bool
  }

  private(set) var tests: [Test] = []
  /// How many sequences were carried out, and how many the spec has no room for.
  private(set) var tried = 0
  private(set) var roomless = 0

  private let life: Life
  private let options: DeviationSuite.Options
  private var seen: Set<UInt64> = []

  /// What a test is kept for.
  private enum Worth {
    case newAnswers
    case anything
  }

  init(_ life: Life, _ spec: SpecDescription, _ options: DeviationSuite.Options) {
    self.life = life
    self.options = options
    let programs = ReplayPrograms(spec)
    let deviations = Deviations(life)
    let straight = add(deviations.straight, programs)
    add(deviations.often, programs, for: .anything)
    add(deviations.order, programs)
    if let straight { add(deviations.failures(straight.leaves), programs) }
    var refusals: [[Call]] = []
    for place in life.calls.indices {
      refusals.append(addOwn(place, deviations, programs))
      let isLate = place + 3 >= life.calls.count
      if options.isThorough || isLate || place % 5 == 4 {
        add(deviations.asides(at: place), programs)
      }
    }
    for deviation in deviations.refused(refusals) { add(deviation, programs, for: .anything) }
    add(deviations.replacements, programs)
    for distance in options.isThorough ? [2, 4, 8, 16] : [3, 9] {
      add(deviations.early(distance), programs)
    }
    add(deviations.walks(options.walks, seed: options.seed), programs)
  }

  /// - Returns: a call for each reason to be refused at the place.
  private mutating func addOwn(
    _ place: Int, _ deviations: Deviations, _ programs: ReplayPrograms
  ) -> [Call] {
    var refusals: [Call: Refusal] = [:]
    let own = deviations.own(at: place)
    for deviation in own {
      guard let test = add(deviation, programs) else { continue }
      refusals.merge(test.refusals) { first, _ in first }
    }
    add(deviations.pairs(at: place, refusals), programs)
    var reasons: Set<Refusal> = []
    let tried = own.flatMap(\.steps).filter(\.isAside).map(\.call)
    return tried.filter { call in refusals[call].map { reasons.insert($0).inserted } ?? false }
  }

  private mutating func add(_ some: [Deviation], _ programs: ReplayPrograms) {
    for deviation in some { add(deviation, programs) }
  }

  /// - Returns: what the spec says of the sequence; nil when it has no room for it.
  @discardableResult
  private mutating func add(
    _ deviation: Deviation, _ programs: ReplayPrograms, for worth: Worth = .newAnswers
  ) -> DeviationTest? {
    tried += 1
    let sight = DeviationTest.Sight(
      seamcalls: options.seesSeamcalls, written: options.seesWritten)
    let seen = self.seen
    let test = DeviationTest(deviation, life, programs, sight) { shown in
      let counted = deviation.countsValues ? shown.prefix(2) : shown.suffix(2)
      return worth == .anything || counted.contains { !seen.contains($0) }
    }
    guard let test else {
      roomless += 1
      return nil
    }
    guard worth == .anything || isWorthIt(test, deviation) else { return test }
    for shown in test.shown { self.seen.formUnion(shown) }
    tests.append(
      Test(
        name: deviation.name, purpose: deviation.purpose, environment: life.environment,
        steps: test.steps, condones: test.condones, shown: test.shown,
        counted: test.counted, isNeeded: worth == .anything))
    return test
  }

  /// Calls aside are cheap: there each call and answer counts. A whole life is worth it for a new
  /// reason, and for whatever is new when a suite is thorough.
  private func isWorthIt(_ test: DeviationTest, _ deviation: Deviation) -> Bool {
    test.shown.contains { shown in
      if options.isThorough { return shown.contains { !seen.contains($0) } }
      guard deviation.steps.contains(where: \.isAside) else { return !seen.contains(shown[1]) }
      let counted = deviation.countsValues ? shown.prefix(2) : shown.suffix(2)
      return counted.contains { !seen.contains($0) }
    }
  }
}
