import ConformanceKit
import Testing

@Suite("Verdicts and exit codes") struct VerdictTests {
  static let all: [Verdict] = [.pass, .skipped("s"), .inconclusive("i"), .fail("f")]

  @Test("the worse verdict wins, in either order") func merging() {
    for (rank, worse) in Self.all.enumerated() {
      for better in Self.all[..<rank] {
        #expect(worse.merged(with: better) == worse)
        #expect(better.merged(with: worse) == worse)
      }
      #expect(worse.merged(with: worse) == worse)
    }
    #expect(Verdict.fail("a").merged(with: .fail("b")) == .fail("a; b"))
    #expect(Verdict.merged([Verdict]()) == nil)
    #expect(Verdict.merged([.pass, .skipped("no device"), .pass]) == .skipped("no device"))
  }

  @Test(
    "each verdict has its exit code",
    arguments: [
      ([.pass], [], ConformanceExit.conforms),
      ([.pass, .skipped("x")], ["t1"], .conforms),
      ([.pass, .skipped("x")], [], .fails),
      ([.pass, .pass], ["t1"], .fails),
      ([.pass], ["elsewhere"], .fails),
      ([.fail("x"), .inconclusive("x")], [], .fails),
      ([.pass, .inconclusive("x")], [], .inconclusive),
      ([.inconclusive("x"), .skipped("x")], ["t1"], .inconclusive),
      ([.skipped("x")], ["t0"], .skipped),
      ([], [], .inconclusive),
    ] as [([Verdict], Set<String>, ConformanceExit)])
  func exit(verdicts: [Verdict], committed: Set<String>, expected: ConformanceExit) {
    var report = SuiteReport(suite: "s", profile: Profile(backend: "b"))
    report.tests = verdicts.enumerated().map {
      TestReport(test: "t\($0.offset)", verdict: $0.element, stepsRun: 0)
    }
    #expect(report.exit(committedSkips: committed) == expected)
  }

  @Test("the exit codes are those of the documentation") func codes() {
    #expect(ConformanceExit.allCases.map(\.rawValue) == [0, 1, 3, 4, 70])
  }

  @Test("a skipped test is not a passed one, and differences of the skip set are named")
  func skips() {
    var report = SuiteReport(suite: "s", profile: Profile(backend: "b"))
    report.tests = [
      TestReport(test: "a", verdict: .pass, stepsRun: 1),
      TestReport(test: "b", verdict: .skipped("no device"), stepsRun: 0),
    ]
    #expect(report.passed == 1)
    #expect(report.verdict == .skipped("no device"))
    #expect(
      report.skipDifferences(from: ["c"]) == [
        "b: skipped, but not committed", "c: committed as skipped, but is not",
      ])
  }

  @Test("a suite records infrastructure errors and gives up when they repeat")
  func infrastructure() throws {
    var backend = LockBackend(dies: true)
    let tests = (0..<5).map { number in
      var test = ConformanceTest.lockTwice
      test.id = "t\(number)"
      return test
    }
    let suite = ConformanceSuite(name: "s", guarantee: "none", tests: tests)
    let runner = Runner(profile: try backend.probe())
    let report = runner.run(suite, on: &backend, givingUpAfter: 3)
    #expect(report.errors.map(\.test) == ["t0", "t1", "t2"])
    #expect(report.exit(committedSkips: []) == .infrastructure)
    backend.dies = false
    let second = runner.run(suite, on: &backend)
    #expect(second.passed == 5)
    #expect(second.exit(committedSkips: []) == .conforms)
  }
}
