import SpecLanguage
import Testing

@testable import Verdicts

// Swift Testing has a type of this name, too.
private typealias ExitStatus = Verdicts.ExitStatus

@Suite struct VerdictTests {
  @Test func eachWordHasOneExitCode() {
    let codes = Dictionary(grouping: Verdict.allCases, by: \.exitCode)
    #expect(Set(codes[.success] ?? []) == [.proved, .exhausted, .witnessed])
    #expect(Set(codes[.failure] ?? []) == [.violated, .vacuous])
    #expect(Set(codes[.noAnswer] ?? []) == [.bounded, .sampled, .interrupted, .unknown])
    #expect(codes[.skipped] == [.skipped])
  }

  @Test func theWorseExitCodeCounts() {
    let order: [ExitStatus] = [
      .internalError, .usage, .outputError, .failure, .noAnswer, .skipped, .success,
    ]
    for (position, first) in order.enumerated() {
      for second in order[position...] {
        #expect(first.combined(with: second) == first)
        #expect(second.combined(with: first) == first)
      }
    }
  }

  @Test func expectationsAreMetOnlyByTheirVerdict() {
    let holds = Always("A", "a") { Condition(.yes) }
    let fails = holds.expect(.violated, because: "a seeded bug")
    func exit(_ property: Property, _ verdict: Verdict) -> ExitStatus {
      PropertyReport(property: property, verdict: verdict).exitWhenExpected
    }
    #expect(exit(holds, .exhausted) == .success)
    #expect(exit(holds, .proved) == .success)
    #expect(exit(holds, .violated) == .failure)
    #expect(exit(holds, .vacuous) == .failure)
    #expect(exit(holds, .bounded) == .noAnswer)
    #expect(exit(fails, .violated) == .success)
    // An expected violation that vanished is a failure, not a success.
    #expect(exit(fails, .exhausted) == .failure)
    let possible = Possible("P", "p") { Condition(.yes) }
    #expect(exit(possible, .witnessed) == .success)
    #expect(exit(possible, .vacuous) == .failure)
    #expect(exit(possible.expect(.vacuous, because: "refused"), .vacuous) == .success)
    #expect(exit(possible.expect(.vacuous, because: "refused"), .witnessed) == .failure)
  }

  @Test func jsonIsEscapedAndKeepsItsOrder() {
    let value = JSONValue.members([
      "z": .string("a\"b\\c\n\u{1}é"), "a": .array([.int(-1), .double(0.5), .null, true]),
      "gone": nil,
    ])
    #expect(value.text == #"{"z":"a\"b\\c\n\u0001é","a":[-1,0.5,null,true]}"#)
    #expect(JSONValue.double(.infinity).text == "null")
  }
}
