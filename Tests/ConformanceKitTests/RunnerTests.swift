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
