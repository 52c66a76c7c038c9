import Catalogue
import ConformanceKit
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration

/// Suites of a real spec against implementations that are right, and wrong in one place.
@Suite struct KillTests {
  /// A part of kvm/tdx whose states can all be told apart.
  private struct Made {
    let writer: SuiteWriter
    let program: Program
    var machine: ObservableMachine { writer.machine }

    init(_ calls: [String]) throws {
      let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
      program = try Program(
        spec, try ResolvedScope(spec, scope: "small", overrides: ["ARGUMENTS": 1]))
      let options = MachineOptions(calls: calls)
      let alphabet = try CallAlphabet(program, options)
      let engine = try GuardTable(try GroundProgram(program), monitors: [])
      writer = SuiteWriter(
        try ObservableMachine(engine, alphabet, options), alphabet, program, scope: "small")
    }

    func suite(_ criterion: Criterion) throws -> ConformanceSuite {
      writer.suite(try CallPlan(writer, PlanOptions(criterion)), criterion)
    }
  }

  private static let calls = [
    "KVM_CREATE_VM", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_TDX_INIT_VCPU", "close(vcpu)",
    "close(vm)",
  ]

  private func killed(
    _ suite: ConformanceSuite, _ table: Mealy, _ machine: ObservableMachine
  )
    throws -> Bool
  {
    var backend = TableBackend(machine, table: table)
    let runner = Runner(profile: try backend.probe())
    for test in suite.tests {
      // What the specification leaves open is unknown to the table.
      do throws(BackendError) {
        if try runner.run(test, on: &backend).verdict.isFailure { return true }
      } catch {
        return true
      }
    }
    return false
  }

  @Test func rightImplementationsPass() throws {
    let made = try Made(Self.calls)
    for criterion: Criterion in [
      .tour, .nSwitch(1), .tuples(2), .certified(k: 0, adaptive: true),
      .certified(k: 1, adaptive: false),
    ] {
      var backend = TableBackend(made.machine)
      let suite = try made.suite(criterion)
      let report = Runner(profile: try backend.probe()).run(suite, on: &backend)
      #expect(report.passed == suite.tests.count, "\(criterion)")
    }
  }

  /// Every machine that answers one call in one state otherwise, or goes elsewhere after it.
  @Test func everySingleFaultIsKilled() throws {
    let made = try Made(Self.calls)
    let table = made.writer.certain.machine
    let certified = try made.suite(.certified(k: 0, adaptive: true))
    let tour = try made.suite(.tour)
    let alike = Set(Identifiers(table, usesAdaptive: true).alike)
    var faults = 0
    var missedByTour = 0
    for state in 0..<table.stateCount {
      for input in table.defined(state) {
        let target = try #require(table.next(state, input))
        let output = table.output(state, input)
        var wrong = table
        wrong.set(state, input, output: (output + 1) % made.machine.answers.count, to: target)
        #expect(try killed(certified, wrong, made.machine))
        #expect(try killed(tour, wrong, made.machine))
        for other in 0..<table.stateCount where other != target {
          var wrong = table
          wrong.set(state, input, output: output, to: other)
          // States that no call tells apart are not to be confused: a hypothesis.
          guard differs(wrong, table), !alike.contains([target, other].sorted()) else { continue }
          faults += 1
          #expect(try killed(certified, wrong, made.machine))
          if try !killed(tour, wrong, made.machine) { missedByTour += 1 }
        }
      }
    }
    #expect(faults > 100)
    // A tour does not look where a call led.
    #expect(missedByTour > 0)
  }

  /// Whether some sequence that is defined in both gives different outputs.
  private func differs(_ left: Mealy, _ right: Mealy) -> Bool {
    var seen: Set<[Int]> = [[0, 0]]
    var open = [[0, 0]]
    while let pair = open.popLast() {
      for input in right.defined(pair[1]) {
        guard let a = left.next(pair[0], input), let b = right.next(pair[1], input) else {
          return true
        }
        if left.output(pair[0], input) != right.output(pair[1], input) { return true }
        if seen.insert([a, b]).inserted { open.append([a, b]) }
      }
    }
    return false
  }

  // MARK: Shrinking

  @Test func theOracleAgreesWithTheMachine() throws {
    let made = try Made(Self.calls)
    let oracle = try SpecOracle(made.program, deferred: [])
    let table = made.writer.certain.machine
    var explained = 0
    for walk in table.walks(20, length: 25, seed: 5) {
      var state = 0
      var knowledge = try oracle.beginning()
      for input in walk {
        let found = try oracle.allowed(made.machine.inputs[input].call, knowledge)
        let allowed = try #require(found)
        let answer = made.machine.answers[table.output(state, input)]
        #expect(allowed.map(\.outcome) == [answer.outcome])
        #expect(allowed[0].checks.allSatisfy { $0.outcome == answer.outcome })
        explained += allowed[0].checks.isEmpty ? 0 : 1
        knowledge = allowed[0].then
        state = try #require(table.next(state, input))
      }
    }
    #expect(explained > 100)
    #expect(try oracle.allowed(Call("nonsense"), try oracle.beginning()) == nil)
  }

  /// A fault in the state that is farthest, found by a long walk, takes as many calls as needed.
  @Test func divergencesBecomeShort() throws {
    let made = try Made(Self.calls)
    var table = made.writer.certain.machine
    let access = table.accessSequences.compactMap { $0 }
    let state = try #require(access.indices.max { access[$0].count < access[$1].count })
    let moving = table.defined(state).first { table.next(state, $0) != state }
    let input = try #require(moving)
    let right = table
    let next = try #require(table.next(state, input))
    table.set(
      state, input, output: (table.output(state, input) + 1) % made.machine.answers.count, to: next)
    let oracle = try SpecOracle(made.program, deferred: [])
    var backend = TableBackend(made.machine, table: table)
    var shown = 0
    for walk in right.walks(60, length: 60, seed: 9) {
      let calls = walk.map { made.machine.inputs[$0].call }
      var shrinker = DivergenceShrinker(oracle)
      guard let short = try shrinker.shrink(calls, on: &backend) else { continue }
      shown += 1
      #expect(short.calls.count == access[state].count + 1)
      #expect(short.calls.last == made.machine.inputs[input].call)
      let text = short.explanation(oracle)
      #expect(text.contains { $0.hasPrefix("the spec answers") })
    }
    #expect(shown > 3)
    var good = TableBackend(made.machine)
    var shrinker = DivergenceShrinker(oracle)
    let calls = access[state].map { made.machine.inputs[$0].call }
    #expect(try shrinker.shrink(calls, on: &good) == nil)
  }
}

/// That checks get their tests.
@Suite struct CheckTests {
  @Test func everyRefusalOnceWithTwins() throws {
    let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
    let program = try Program(
      spec, try ResolvedScope(spec, scope: "small", overrides: ["ARGUMENTS": 1]))
    let options = MachineOptions(calls: ["KVM_CREATE_VM", "KVM_TDX_INIT_VM", "close(vm)"])
    let alphabet = try CallAlphabet(program, options)
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    let machine = try ObservableMachine(engine, alphabet, options)
    let certain = machine.certain
    let coverage = CheckCoverage(machine, program.checks)
    let table = certain.machine
    // By call: what each sample ends in, and what there is at all.
    var shown: Set<[Int]> = []
    for sample in coverage.samples {
      let state = try #require(table.run(sample.sequence.dropLast()))
      let last = try #require(sample.sequence.last)
      shown.insert([
        machine.inputs[last].procedure, machine.refusal(certain.states[state], last),
        table.output(state, last),
      ])
    }
    var all: Set<[Int]> = []
    for state in 0..<table.stateCount {
      for input in table.defined(state) {
        all.insert([
          machine.inputs[input].procedure, machine.refusal(certain.states[state], input),
          table.output(state, input),
        ])
      }
    }
    #expect(shown == all)
    #expect(coverage.answers == all.count)
    #expect(coverage.twins > 5)
    #expect(coverage.samples.count == coverage.answers + 2 * coverage.twins + coverage.orders)
    let twins = coverage.samples.indices.filter {
      coverage.samples[$0].purpose.hasPrefix("twin: ")
    }
    for index in twins {
      let twin = coverage.samples[index].sequence
      let refused = coverage.samples[index - 1].sequence
      #expect(twin.dropLast() == refused.dropLast())
      let pair = [twin, refused].compactMap(\.last).map { machine.inputs[$0].arguments }
      #expect(zip(pair[0], pair[1]).count { $0 != $1 } == 1)
    }
  }
}
