import BackendProcess
import ConformanceKit
import Foundation
import Testing

/// The example backend of the documentation, as it is and broken on purpose.
enum TicketLock {
  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../contrib/backends/ticket_lock.py").standardizedFileURL.path

  static func backend(_ fault: String = "", call: Double = 5) -> ProcessBackend {
    ProcessBackend(
      "TICKET_LOCK_FAULT=\(fault) exec python3 \(path)", limits: .init(call: call, other: 20))
  }

  /// Take the ticket three times.
  static let suite = ConformanceSuite(
    name: "ticket lock", guarantee: "none",
    tests: [
      ConformanceTest(
        id: "three", purpose: "the ticket is taken once",
        steps: [
          .init(Call("TAKE"), expect: [.success], observe: ["taken": "1"]),
          .init(Call("TAKE"), expect: [busy], unchanged: true),
          .init(Call("TAKE"), expect: [busy]),
        ]),
      ConformanceTest(
        id: "one", purpose: "the ticket is free at first",
        steps: [.init(Call("TAKE"), expect: [.success])]),
      ConformanceTest(
        id: "elsewhere", purpose: "what the lock does not offer", requires: ["two-locks"],
        steps: [.init(Call("TAKE"), expect: [.success])]),
    ])

  static let busy = ExpectedOutcome.exactly(.errno(Errno(number: 16)))
}

@Suite struct ProcessBackendTests {
  private func run(_ backend: ProcessBackend) throws -> SuiteReport {
    var backend = backend
    let profile = try backend.probe()
    return Runner(profile: profile).run(TicketLock.suite, on: &backend, givingUpAfter: 10)
  }

  @Test func passes() throws {
    let report = try run(TicketLock.backend())
    #expect(report.profile.backend == "ticket-lock")
    #expect(report.tests.map(\.verdict.word) == ["PASS", "PASS", "SKIP"])
    #expect(report.errors.isEmpty)
  }

  @Test(arguments: ["again", "errno", "third", "sticky"]) func failsWhenBroken(fault: String) throws
  {
    let report = try run(TicketLock.backend(fault))
    #expect(report.tests.contains { $0.verdict.isFailure })
    #expect(report.errors.isEmpty)
  }

  @Test func tooSlowIsNoVerdictAboutTheSystem() throws {
    let report = try run(TicketLock.backend("late", call: 0.3))
    #expect(report.tests.map(\.verdict.word) == ["INCONCLUSIVE", "INCONCLUSIVE", "SKIP"])
    #expect(report.tests.first?.findings.map(\.kind) == [.noAnswer])
  }

  @Test(arguments: [("crash", BackendError.Kind.lost), ("garbage", .malformedAnswer)])
  func breakdownsAreNoVerdicts(fault: String, kind: BackendError.Kind) throws {
    let report = try run(TicketLock.backend(fault))
    #expect(report.errors.map(\.error.kind) == [kind, kind])
    #expect(report.tests.map(\.verdict.word) == ["SKIP"])
  }

  @Test func saysHowItEnded() throws {
    var backend = TicketLock.backend("crash")
    try backend.reset()
    do throws(BackendError) {
      _ = try backend.perform(Call("TAKE"))
      Issue.record("it answered")
    } catch {
      #expect(error.message == "signal 6 ended it")
    }
    #expect(throws: BackendError.self) { _ = try backend.observe() }
    try backend.reset()
  }

  @Test func isCompatible() {
    var backend = TicketLock.backend()
    let findings = CompatibilityCheck(TicketLock.suite).run(on: &backend)
    #expect(findings.map(\.verdict) == CompatibilityCheck.Rule.allCases.map { _ in .pass })
  }

  @Test func incompatibleWhenBroken() {
    let expected: [String: CompatibilityCheck.Rule] = [
      "sticky": .resetsWholly, "crash": .looksOnly, "garbage": .survivesUnknownCalls,
    ]
    for (fault, rule) in expected {
      var backend = TicketLock.backend(fault)
      let findings = CompatibilityCheck(TicketLock.suite).run(on: &backend)
      let failed = findings.filter { $0.verdict.isFailure }.map(\.rule)
      #expect(failed.contains(rule), "\(fault): \(failed)")
    }
  }

  /// Whatever a process does, there is an error or an answer, and soon.
  @Test(arguments: [
    "exit 3", "true", "echo", "echo garbage", "exec >&-; sleep 60", "yes", "no-such-command",
    "cat", "head -c 4000000 /dev/zero | tr '\\0' a; sleep 60", "printf '\\377\\376\\n'; sleep 60",
    "echo '{\"id\": 1}'; sleep 60", "echo '{\"id\": 99, \"profile\": {\"backend\": \"b\"}}'",
    "echo '{\"id\": 1, \"profile\": {\"backend\": \"\"}}'", "echo '{\"id\": null}'",
    "echo '{\"id\": 1, \"error\": {\"kind\": \"bad\", \"message\": \"\"}}'",
    "echo '{\"id\": 1, \"error\": {\"kind\": \"unavailable\", \"message\": \"none\"}}'",
    "printf '[[[[[[[[[[[[[[[[[[[['; printf '%0100000d' 0 | tr 0 '['; echo", "kill -9 $$",
  ])
  func survives(command: String) {
    var backend = ProcessBackend(command, limits: .init(call: 0.5, other: 1))
    #expect(throws: BackendError.self) { _ = try backend.probe() }
    #expect(throws: BackendError.self) { _ = try backend.observe() }
  }

  /// Replies with bytes changed at random; seeds are fixed.
  @Test func survivesChangedReplies() {
    let script = """
      import json, random, sys
      for line in sys.stdin:
          request = json.loads(line)
          random.seed(request["id"])
          reply = {"id": request["id"], "profile": {"backend": "b", "capabilities": ["c"]},
                   "result": {"outcome": {"errno": "EBUSY"}, "written": {"n": 1}},
                   "observations": {"o": [1, "two", True]}}
          text = bytearray(json.dumps(reply).encode())
          for _ in range(random.randrange(3)):
              text[random.randrange(len(text))] = random.randrange(11, 256)
          sys.stdout.buffer.write(bytes(text) + b"\\n")
          sys.stdout.flush()
      """
    var backend = ProcessBackend("exec python3 -c '\(script)'", limits: .init(call: 5, other: 5))
    var answers = 0
    var errors = 0
    for round in 0..<60 {
      do throws(BackendError) {
        try backend.reset()
        if round % 2 == 0 { _ = try backend.perform(Call("x")) } else { _ = try backend.observe() }
        answers += 1
      } catch {
        errors += 1
      }
    }
    #expect(answers > 4)
    #expect(errors > 4)
  }

  /// What a backend has started ends with it.
  @Test func endsTheWholeGroup() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("tdxspec-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    do {
      var backend = ProcessBackend(
        "sleep 600 & echo $! > \(file); cat", limits: .init(call: 0.3, other: 0.3))
      #expect(throws: BackendError.self) { _ = try backend.probe() }
    }
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    var waited = 0
    while kill(pid, 0) == 0, waited < 200 {
      waited += 1
      usleep(10_000)
      // A process that nobody has waited for yet is a zombie: dead.
      let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      if state?.contains(") Z ") ?? true { break }
    }
    #expect(waited < 200)
  }

  /// A backend of a few lines that makes two calls at once in two ways.
  private static let racer = """
    import json, sys
    for line in sys.stdin:
        ask = json.loads(line)
        reply = {"id": ask["id"]}
        if ask["do"] == "probe":
            reply["profile"] = {"backend": "racer", "capabilities": ["race", "complaints"]}
        elif ask["do"] == "race" and ask["attempt"] < 2:
            won = {"outcome": {"ok": 0}}
            lost = {"outcome": {"errno": "EBUSY"}}
            reply["results"] = [[won], [lost]] if ask["attempt"] == 0 else [[lost], [won]]
        elif ask["do"] == "conclude":
            reply["complaints"] = ["WARNING"] if len(sys.argv) > 1 else []
        print(json.dumps(reply), flush=True)
    """

  @Test(arguments: ["", "complain"])
  func races(argument: String) throws {
    var backend = ProcessBackend("exec python3 -c '\(Self.racer)' \(argument)")
    let takes = [[Call("TAKE")], [Call("TAKE")]]
    let test = ConformanceTest(
      id: "r", purpose: "one wins", steps: [],
      race: .init(
        threads: takes,
        allowed: [
          .init(threads: [[.success], [TicketLock.busy]]),
          .init(threads: [[TicketLock.busy], [.success]]),
        ]))
    let runner = Runner(profile: try backend.probe())
    let report = try runner.run(test, on: &backend)
    #expect(report.verdict == .pass || argument == "complain")
    #expect(report.verdict.isFailure == (argument == "complain"))
  }
}
