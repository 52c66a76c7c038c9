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
    fileprivate(set) var steps: [ConformanceTest.Step]
    fileprivate(set) var condones: Bool
    /// Hashes of what each call shows, as in ``DeviationTest``.
    fileprivate(set) var shown: [[UInt64]]
    fileprivate(set) var counted: Set<UInt64>
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
  /// The test with the calls aside at a place.
  private var aside: [Int: AsideTest] = [:]

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

  /// Why a call is refused, and which of its arguments are others than in the life.
  private struct Fault: Hashable {
    let refusal: Refusal
    let arguments: Set<String>
  }

  /// - Returns: a call for each reason to be refused at the place, by each argument.
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
    var faults: Set<Fault> = []
    let tried = own.flatMap(\.steps).filter { $0.isAside && !$0.isLook }.map(\.call)
    return tried.filter { call in
      guard let refusal = refusals[call] else { return false }
      let changed = call.arguments.filter {
        $0.key != "new" && life.calls[place].arguments[$0.key] != $0.value
      }
      return faults.insert(Fault(refusal: refusal, arguments: Set(changed.keys))).inserted
    }
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
    let test = DeviationTest(
      deviation, life, programs, sight, keepsAll: worth == .anything
    ) { !seen.contains($0) }
    guard let test else {
      roomless += 1
      return nil
    }
    guard worth == .anything || isWorthIt(test, deviation) else { return test }
    for shown in test.shown { self.seen.formUnion(shown) }
    let made = Test(
      name: deviation.name, purpose: deviation.purpose, environment: life.environment,
      steps: test.steps, condones: test.condones, shown: test.shown,
      counted: test.counted, isNeeded: worth == .anything)
    append(made, AsideTest(test), at: deviation.place)
    return test
  }

  /// Calls that change nothing can be made in one test with others at their place.
  private mutating func append(_ test: Test, _ parts: AsideTest?, at place: Int?) {
    if let place, let parts {
      if var known = aside[place], known.take(parts) {
        tests[known.number].steps = known.steps
        tests[known.number].shown += test.shown
        tests[known.number].counted.formUnion(test.counted)
        tests[known.number].condones = tests[known.number].condones || test.condones
        aside[place] = known
        return
      }
      aside[place] = parts
      aside[place]?.number = tests.count
    }
    tests.append(test)
  }

  /// Calls aside are cheap: there each call and answer counts. A whole life is worth it for a new
  /// reason, and for whatever is new when a suite is thorough.
  private func isWorthIt(_ test: DeviationTest, _ deviation: Deviation) -> Bool {
    test.shown.contains { shown in
      if options.isThorough { return shown.contains { !seen.contains($0) } }
      guard deviation.steps.contains(where: \.isAside) else { return !seen.contains(shown[1]) }
      return deviation.counted(shown).contains { !seen.contains($0) }
    }
  }
}
