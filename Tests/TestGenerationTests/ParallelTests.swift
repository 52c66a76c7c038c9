import Catalogue
import ConformanceKit
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration

/// A spec in which a check and the write that it is for are one step, or are not.
private struct Taker: Spec {
  static let name = "test/taker"
  let summary = "a ticket that two threads want"
  enum Player: Role {}
  let players = Parameter("threads", of: Player.self, 1...2, default: 2)
  let isAtomic = Parameter("ATOMIC", 0...1, default: 1)
  let taken = Var(0, in: 0...3)
  let broken = Var(false, as: "broken")
  let lock = Lock("lock", rank: 10)

  var actions: [Action] {
    Action("TAKE", by: Player.self) {
      When(isAtomic == 1) {
        Holding(lock) {
          Step("takes it") {
            Check(taken == 0, else: .EBUSY)
            taken <- 1
          }
        }
      } else: {
        Step("looks") { Check(taken == 0, else: .EBUSY) }
        Step("takes it") {
          When(taken > 0) { broken <- true }
          taken <- taken + 1
        }
      }
    }
    Action("COUNT", by: Player.self) {
      Step("counts") { Check(taken < 2, else: .EINVAL) }
    }
    Action("WAIT", by: Player.self) {
      Step("waits") { Require(taken == 3) }
    }
  }
  var properties: [Property] { [Property]() }
}

@Suite struct ParallelTests {
  private func races(
    _ set: [String: Int] = [:], _ options: RaceOptions = RaceOptions(condoned: ["broken"])
  ) throws -> ConformanceSuite {
    let spec = SpecDescription(Taker())
    let program = try Program(
      spec, ResolvedScope(spec, overrides: set),
      ProgramOptions(withoutProperties: true))
    let machineOptions = MachineOptions()
    let alphabet = try CallAlphabet(program, machineOptions)
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    let machine = try ObservableMachine(engine, alphabet, machineOptions)
    let writer = SuiteWriter(machine, alphabet, program, scope: nil)
    return writer.suite(try RacePlan(engine, writer, options), .parallel(calls: options.calls))
  }

  private func takes(_ suite: ConformanceSuite) throws -> ConformanceTest {
    try #require(
      suite.tests.first { test in
        test.steps.isEmpty && test.race?.threads == [[Call("TAKE")], [Call("TAKE")]]
      })
  }

  @Test("a check under the lock lets one of two through") func atomic() throws {
    let test = try takes(try races())
    let answers = try #require(test.race).allowed.map(\.threads)
    let busy = ExpectedOutcome.exactly(.errno(Errno(number: 16)))
    #expect(Set(answers) == [[[.success], [busy]], [[busy], [.success]]])
    #expect(!test.condones)
  }

  @Test("a check before the lock lets both through; the harm is condoned and probed")
  func notAtomic() throws {
    let test = try takes(try races(["ATOMIC": 0]))
    let race = try #require(test.race)
    let both = race.allowed.filter { $0.threads == [[.success], [.success]] }
    #expect(both.count == 1)
    #expect(race.allowed.count == 3)
    #expect(test.condones)
    // A call afterwards tells the harm from the other ends.
    let count = try #require(race.then.firstIndex(of: Call("COUNT")))
    #expect(both[0].then[count] == .exactly(.errno(Errno(number: 22))))
  }

  @Test("what may wait for ever is not raced") func waiting() throws {
    let calls = try races().tests.flatMap { $0.race?.threads.joined().map(\.name) ?? [] }
    #expect(!calls.contains("WAIT"))
    #expect(calls.contains("COUNT"))
  }

  @Test("two calls each") func longer() throws {
    let suite = try races([:], RaceOptions(calls: 2))
    #expect(suite.tests.contains { $0.race?.threads.allSatisfy { $0.count == 2 } == true })
    let two = try suite.tests.filter { $0.race != nil }.map {
      try #require($0.race).allowed.allSatisfy { answer in
        answer.threads.allSatisfy { $0.count > 0 }
      }
    }
    #expect(two.allSatisfy { $0 })
  }

  @Test("the suite's file holds what the suite holds") func file() throws {
    let suite = try races(["ATOMIC": 0])
    let text = try SuiteText(suite).text()
    #expect(try StrictJSON.decode(ConformanceSuite.self, from: Array(text.utf8)) == suite)
  }

  @Test("a condoned variable has to be there") func unknownVariable() {
    #expect(throws: MachineError.self) { try races([:], RaceOptions(condoned: ["nonsense"])) }
  }
}
