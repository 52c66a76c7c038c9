import ConformanceKit
import Testing

@Suite("Runner") struct RunnerTests {
  @Test("a conforming system passes") func pass() throws {
    let report = try run(.lockTwice, on: LockBackend())
    #expect(report.verdict == .pass)
    #expect(report.stepsRun == 4)
    #expect(report.findings.isEmpty)
  }

  @Test("a changed state after a refused call fails") func unchanged() throws {
    let report = try run(.lockTwice, on: LockBackend(fault: .refusalLocks))
    #expect(report.verdict.isFailure)
    #expect(report.stepsRun == 2)
    let finding = try #require(report.findings.first)
    #expect(finding.subject == "count")
    #expect(
      finding.description
        == "step 2, lock(wait: false): count is 2, expected unchanged (1)")
  }

  @Test("a wrong sight fails and ends the test") func wrongObservation() throws {
    let report = try run(.lockTwice, on: LockBackend(fault: .unlockForgets))
    #expect(report.verdict.isFailure)
    #expect(report.stepsRun == 3)
  }

  @Test("what cannot be seen is inconclusive, and the test goes on") func notVisible() throws {
    let report = try run(.lockTwice, on: LockBackend(visible: false))
    #expect(report.verdict.isInconclusive)
    #expect(report.stepsRun == 4)
    #expect(report.findings.map(\.subject) == ["written count", "held", "state", "held"])
  }

  @Test("a failure outweighs what could not be seen") func failOverInconclusive() throws {
    var test = ConformanceTest.lockTwice
    test.steps[2].expect = [.busy]
    let report = try run(test, on: LockBackend(visible: false))
    #expect(report.verdict.isFailure)
  }

  @Test("no answer is inconclusive unless it is the expected answer") func timeout() throws {
    let report = try run(.lockTwice, on: LockBackend(fault: .neverAnswers))
    #expect(report.verdict.isInconclusive)
    #expect(report.stepsRun == 1)
    let waits = ConformanceTest(
      id: "w", purpose: "it blocks",
      steps: [.init(Call("lock"), expect: [.exactly(.timeout)])])
    #expect(try run(waits, on: LockBackend(fault: .neverAnswers)).verdict == .pass)
    #expect(try run(waits, on: LockBackend()).verdict.isFailure)
  }

  @Test("a test without an answer is run once more, and what the first run showed is kept")
  func secondAttempt() throws {
    let suite = ConformanceSuite(name: "s", guarantee: "", tests: [.lockTwice])
    var held = LockBackend(fault: .neverAnswers)
    held.faultLasts = 1
    let runner = Runner(profile: try held.probe(), triesAgain: true)
    let again = try #require(runner.run(suite, on: &held).tests.first)
    #expect(again.verdict == .pass && again.before.map(\.kind) == [.noAnswer])
    var stuck = LockBackend(fault: .neverAnswers)
    let never = try #require(runner.run(suite, on: &stuck).tests.first)
    #expect(never.verdict.isInconclusive && stuck.resets == 2)
    var once = LockBackend(fault: .neverAnswers)
    let plain = Runner(profile: try once.probe()).run(suite, on: &once)
    #expect(plain.tests.first?.before == [] && once.resets == 1)
  }

  @Test("a tolerated answer ends the test inconclusive") func tolerated() throws {
    var test = ConformanceTest.lockTwice
    test.steps[1] = .init(Call("lock"), expect: [.zero], tolerate: [.busy])
    let report = try run(test, on: LockBackend())
    #expect(report.verdict.isInconclusive)
    #expect(report.stepsRun == 2)
  }

  @Test("a missing capability skips, and nothing is called") func skipped() throws {
    var test = ConformanceTest.lockTwice
    test.requires = ["locking", "KVM_CAP_GUEST_MEMFD"]
    var backend = LockBackend()
    let report = try Runner(profile: backend.probe()).run(test, on: &backend)
    #expect(report.verdict == .skipped("lock does not offer KVM_CAP_GUEST_MEMFD"))
    #expect(report.stepsRun == 0)
    #expect(backend.resets == 0)
  }

  @Test("broken machinery is an error, never a verdict") func infrastructure() throws {
    var backend = LockBackend(dies: true)
    let runner = Runner(profile: try backend.probe())
    #expect(throws: BackendError(.lost, "the lock was stolen")) {
      try runner.run(.lockTwice, on: &backend)
    }
  }

  @Test("a test without steps shows nothing") func noSteps() throws {
    let test = ConformanceTest(id: "e", purpose: "empty", steps: [])
    #expect(try run(test, on: LockBackend()).verdict.isInconclusive)
  }

  @Test("a backend need not be copyable") func unique() throws {
    var backend = UniqueBackend()
    let runner = Runner(profile: try backend.probe())
    let test = ConformanceTest(
      id: "u", purpose: "any value succeeds",
      steps: [.init(Call("open", binds: "fd0"), expect: [.success])])
    #expect(try runner.run(test, on: &backend).verdict == .pass)
  }
}
