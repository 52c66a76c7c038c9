import ConformanceKit
import SpecLanguage
import SpecProgram

/// How races are chosen.
public struct RaceOptions: Sendable {
  /// How many calls each thread makes: 1 or 2.
  public var calls: Int
  /// In how many states each pair of calls is tried, for each two ways that they take alone.
  public var statesPerPair: Int
  /// How many calls come afterwards, to see where the race led.
  public var probes: Int
  /// Boolean variables of the spec that say that the system reports something broken.
  public var condoned: [String]
  public var seed: UInt64
  /// How many states of the spec are looked at for one race.
  public var mostStates: Int

  public init(
    calls: Int = 1, statesPerPair: Int = 3, probes: Int = 4, condoned: [String] = [],
    seed: UInt64 = 1, mostStates: Int = 20_000
  ) {
    self.calls = calls
    self.statesPerPair = statesPerPair
    self.probes = probes
    self.condoned = condoned
    self.seed = seed
    self.mostStates = mostStates
  }
}

/// Pairs of calls that two threads make at once, with all that the spec lets come of them.
///
/// A pair is raced in the first states in which both calls do something, or one of them lets the
/// other do it, and again in the first in which one of them takes other steps. What comes
/// afterwards shows where the race led; all combinations of answers are found by carrying out every
/// order of the calls' steps.
public struct RacePlan: Sendable {
  /// One race.
  struct Race: Sendable {
    let access: [Int]
    let threads: [[Int]]
    let probes: [Int]
    let allowed: [ConformanceTest.Race.Answers]
    let condones: Bool
  }

  private(set) var races: [Race] = []
  /// How many pairs have no test, because a call may wait for ever or there are too many ways.
  public private(set) var leftOut = 0

  /// How many races there are.
  public var count: Int { races.count }
}

/// Makes a plan.
struct RacePlanner<E: Engine> {
  private let machine: Mealy
  private let known: KnownStates<E>
  private let callers: ParallelCallers<E>
  private let answers: [SeenAnswer]
  private let options: RaceOptions
  private let condoned: CondonedStates
  private var numbers: SeededNumbers
  private var stepsFrom: [Int: [Set<Int>]] = [:]

  /// - Throws: `unknown` for a condoned name that is no variable.
  init(
    _ engine: E, _ writer: SuiteWriter, _ options: RaceOptions
  ) throws(MachineError) {
    let caller = LoneCaller(engine, writer.machine.inputs, deferred: writer.alphabet.deferred)
    known = KnownStates(caller)
    callers = ParallelCallers(caller, mostStates: options.mostStates)
    machine = writer.certain.machine
    answers = writer.machine.answers
    self.options = options
    numbers = SeededNumbers(seed: options.seed)
    condoned = try CondonedStates(options.condoned, engine.program)
  }

  /// Whether the call does something in the state: it is not refused.
  private func acts(_ state: Int, _ input: Int) -> Bool {
    guard machine.next(state, input) != nil else { return false }
    return answers[machine.output(state, input)].outcome.kind != .errno
  }

  /// Whether the two meet in the state: each acts there, or after the other.
  private func meets(_ state: Int, _ left: Int, _ right: Int) -> Bool {
    func acts(after other: Int, _ input: Int) -> Bool {
      if self.acts(state, input) { return true }
      guard self.acts(state, other), let next = machine.next(state, other) else { return false }
      return self.acts(next, input)
    }
    return acts(after: right, left) && acts(after: left, right)
  }

  mutating func plan() throws(SpecError) -> (races: [RacePlan.Race], leftOut: Int) {
    let accesses = machine.accessSequences
    var races: [RacePlan.Race] = []
    var leftOut = 0
    for left in 0..<machine.inputCount {
      for right in left..<machine.inputCount {
        var found: [[Set<Int>]: Int] = [:]
        var failed = 0
        for (state, access) in accesses.enumerated() {
          // A pair that may wait in two states waits in most.
          guard failed < 2 else { break }
          guard let access, meets(state, left, right) else { continue }
          let steps = try steps(access, state)
          let ways = [steps[left], steps[right]]
          guard found[ways, default: 0] < options.statesPerPair else { continue }
          let threads = [sequence(state, left), sequence(state, right)]
          if let race = try race(access, state, threads) {
            races.append(race)
            found[ways, default: 0] += 1
          } else {
            failed += 1
          }
        }
        if found.isEmpty, failed > 0 { leftOut += 1 }
      }
    }
    return (races, leftOut)
  }

  /// For each input the steps that its call takes from the state, when nobody else calls.
  private mutating func steps(_ access: [Int], _ state: Int) throws(SpecError) -> [Set<Int>] {
    if let known = stepsFrom[state] { return known }
    var steps = [Set<Int>](repeating: [], count: machine.inputCount)
    for start in try known.after(access) {
      for (input, ways) in try known.ways(from: start).enumerated() {
        steps[input].formUnion(ways.steps)
      }
    }
    stepsFrom[state] = steps
    return steps
  }

  /// The call, and as many more as each thread makes, such as act where the call leads.
  private mutating func sequence(_ state: Int, _ input: Int) -> [Int] {
    var sequence = [input]
    var state = machine.next(state, input) ?? state
    while sequence.count < options.calls {
      let acting = (0..<machine.inputCount).filter { acts(state, $0) }
      guard !acting.isEmpty else { break }
      let next = acting[numbers.below(acting.count)]
      sequence.append(next)
      state = machine.next(state, next) ?? state
    }
    return sequence
  }

  /// What to call afterwards: calls that act where one order of the threads leads.
  private mutating func probes(_ state: Int, _ threads: [[Int]]) -> [Int] {
    guard
      var state = machine.run(threads.joined(), from: state) ?? machine.run(threads[0], from: state)
    else { return [] }
    var probes: [Int] = []
    while probes.count < options.probes {
      let all = machine.defined(state).filter { !probes.contains($0) }
      let acting = all.filter { acts(state, $0) }
      let choice = acting.isEmpty ? all : acting
      guard !choice.isEmpty else { break }
      let next = choice[numbers.below(choice.count)]
      probes.append(next)
      state = machine.next(state, next) ?? state
    }
    return probes
  }

  private mutating func race(
    _ access: [Int], _ state: Int, _ threads: [[Int]]
  ) throws(SpecError) -> RacePlan.Race? {
    var ends: Set<ParallelCallers<E>.End> = []
    for start in try known.after(access) {
      guard let found = try callers.ends(from: start, threads[0], threads[1]) else { return nil }
      ends.formUnion(found)
    }
    guard !ends.isEmpty else { return nil }
    var probes = probes(state, threads)
    while true {
      if let race = try race(access, threads, probes, ends) { return race }
      guard !probes.isEmpty else { return nil }
      probes.removeLast()
    }
  }

  private func race(
    _ access: [Int], _ threads: [[Int]], _ probes: [Int], _ ends: Set<ParallelCallers<E>.End>
  ) throws(SpecError) -> RacePlan.Race? {
    var allowed: Set<ConformanceTest.Race.Answers> = []
    var condones = false
    for end in ends {
      guard let ways = try known.answers(probes, from: end.state) else { return nil }
      condones = condones || isCondoned(end.state)
      for (answers, states) in ways {
        condones = condones || states.contains(where: isCondoned)
        allowed.insert(
          .init(
            threads: end.outcomes.map { $0.map(\.expected) },
            then: answers.map(\.expected)))
      }
    }
    return RacePlan.Race(
      access: access, threads: threads, probes: probes,
      allowed: allowed.sorted { $0.description < $1.description }, condones: condones)
  }

  private func isCondoned(_ state: PackedState) -> Bool {
    condoned.contains(state, known.caller)
  }
}

extension SpecLanguage.Outcome {
  /// As a test expects it.
  fileprivate var expected: ExpectedOutcome {
    SeenAnswer(outcome: self, observed: [:]).expected
  }
}

extension RacePlan {
  /// Every race of the machine that the options ask for.
  public init<E: Engine>(
    _ engine: E, _ writer: SuiteWriter, _ options: RaceOptions
  ) throws(MachineError) {
    var planner = try RacePlanner(engine, writer, options)
    do throws(SpecError) { (races, leftOut) = try planner.plan() } catch { throw .spec(error) }
  }
}

extension SuiteWriter {
  /// The suite of the races.
  public func suite(_ plan: RacePlan, _ criterion: Criterion) -> ConformanceSuite {
    let tests = plan.races.enumerated().map { number, race in
      var test = test("race", number, race.access)
      let calls = race.threads.map { $0.map { machine.inputs[$0].call } }
      let names = calls.map { $0.map(\.name).joined(separator: ", ") }
      test.purpose = names.joined(separator: " | ") + " after \(race.access.count) calls"
      test.race = ConformanceTest.Race(
        threads: calls, then: race.probes.map { machine.inputs[$0].call }, allowed: race.allowed)
      test.condones = race.condones
      let raced = race.threads.joined().map { program.actionName(machine.inputs[$0].procedure) }
      test.covers = Set(test.covers + raced.map { "action \($0)" }).sorted()
      return test
    }
    let assumptions = hypotheses.map { "(\($0))" }.joined(separator: " ")
    return ConformanceSuite(
      name: suiteName(criterion), guarantee: "\(plan.guarantee), if \(assumptions)", tests: tests)
  }
}

extension RacePlan {
  /// What running the races shows.
  public var guarantee: String {
    "makes \(count) pairs of calls at once, each in every way that the backend knows to put them "
      + "together; \(leftOut) pairs have no test, because a call may wait for ever or can end in "
      + "too many ways"
  }
}
