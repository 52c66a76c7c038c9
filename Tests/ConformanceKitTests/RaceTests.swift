import ConformanceKit
import Testing

/// Two takers of a lock: each attempt has one of the listed answers of both.
private struct ScriptedRace: Backend {
  let attempts: [[[Outcome]]]
  var complaint: String?
  var isRefusedAtFirst = false
  private(set) var resets = 0
  private(set) var concluded = 0

  init(_ attempts: [[[Outcome]]], complaint: String? = nil) {
    self.attempts = attempts
    self.complaint = complaint
  }

  mutating func probe() throws(BackendError) -> Profile {
    Profile(backend: "scripted", capabilities: [.race, .complaints])
  }
  mutating func reset() throws(BackendError) { resets += 1 }
  mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    CallResult(call.name == "CREATE" && isRefusedAtFirst ? .errno(Errno(number: 22)) : .ok(0))
  }
  mutating func observe() throws(BackendError) -> [ObservationID: Value] { [:] }
  mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard attempt < attempts.count else { return nil }
    return attempts[attempt].map { $0.map { CallResult($0) } }
  }
  mutating func conclude() throws(BackendError) -> [String] {
    concluded += 1
    return complaint.map { [$0] } ?? []
  }
}

@Suite("Races") struct RaceTests {
  private static let busy = Outcome.errno(Errno(number: 16))
  private static let firstWins: [[Outcome]] = [[.ok(0)], [busy]]
  private static let secondWins: [[Outcome]] = [[busy], [.ok(0)]]
  private static let bothWin: [[Outcome]] = [[.ok(0)], [.ok(0)]]

  private static let test = ConformanceTest(
    id: "r", purpose: "one of two takers gets it",
    steps: [.init(Call("CREATE"), expect: [.success])],
    race: .init(
      threads: [[Call("TAKE")], [Call("TAKE")]], then: [Call("RELEASE")],
      allowed: [firstWins, secondWins].map {
        .init(threads: $0.map { $0.map { .exactly($0) } }, then: [.success])
      }))

  private func run(
    _ backend: inout ScriptedRace, _ test: ConformanceTest = test, mostAttempts: Int = 100
  ) throws -> TestReport {
    let profile = try backend.probe()
    return try Runner(profile: profile, mostAttempts: mostAttempts).run(test, on: &backend)
  }

  @Test("every way is tried, each from a fresh start") func pass() throws {
    var backend = ScriptedRace([Self.firstWins, Self.secondWins])
    let report = try run(&backend)
    #expect(report.verdict == .pass)
    // Each attempt resets; the last one finds that there is no other way.
    #expect(backend.resets == 3)
    #expect(backend.concluded == 2)
    #expect(report.stepsRun == 2 * 4 + 1)
  }

  @Test("what no order gives fails, with the attempt") func fail() throws {
    var backend = ScriptedRace([Self.firstWins, Self.bothWin, Self.secondWins])
    let report = try run(&backend)
    #expect(report.verdict.isFailure)
    #expect(backend.resets == 2)
    let finding = try #require(report.findings.first)
    #expect(finding.subject == "what came of TAKE() | TAKE() (attempt 1)")
    #expect(finding.actual == "(0 | 0, then 0)")
    #expect(finding.expected == "(0 | -EBUSY, then success) or (-EBUSY | 0, then success)")
  }

  @Test("a complaint fails unless the test condones it") func complaint() throws {
    var backend = ScriptedRace([Self.firstWins], complaint: "WARNING")
    #expect(try run(&backend).verdict.isFailure)
    var lenient = Self.test
    lenient.condones = true
    #expect(try run(&backend, lenient).verdict == .pass)
  }

  @Test("a complaint after plain steps fails too") func plainComplaint() throws {
    var backend = ScriptedRace([], complaint: "WARNING")
    let plain = ConformanceTest(
      id: "p", purpose: "p", steps: [.init(Call("CREATE"), expect: [.success])])
    let report = try run(&backend, plain)
    #expect(report.findings.map(\.actual) == ["WARNING"])
  }

  @Test("steps before the race are judged") func steps() throws {
    var backend = ScriptedRace([Self.firstWins])
    backend.isRefusedAtFirst = true
    let report = try run(&backend)
    #expect(report.verdict.isFailure)
    #expect(report.findings.first?.subject == "outcome")
    #expect(backend.concluded == 0)
  }

  @Test("no more attempts than allowed") func limit() throws {
    var backend = ScriptedRace(Array(repeating: Self.firstWins, count: 50))
    _ = try run(&backend, mostAttempts: 7)
    #expect(backend.resets == 7)
  }

  @Test("a backend without races skips") func skip() throws {
    var backend = ScriptedRace([])
    let report = try Runner(profile: Profile(backend: "plain")).run(Self.test, on: &backend)
    #expect(report.verdict.isSkip)
    #expect(backend.resets == 0)
  }

  @Test("a race survives the way to JSON and back") func roundTrip() throws {
    let suite = ConformanceSuite(name: "s", guarantee: "g", tests: [Self.test])
    let bytes = try StrictJSON.file(suite)
    #expect(try StrictJSON.decode(ConformanceSuite.self, from: bytes) == suite)
  }

  @Test(
    "broken races are refused",
    arguments: [
      #"{"threads": [[{"name": "A"}]], "allowed": [[["success"], []]]}"#,
      #"{"threads": [[{"name": "A"}], []], "allowed": [[["success"], [], []]]}"#,
      #"{"threads": [[{"name": "A"}], [{"name": "B"}]], "allowed": []}"#,
      #"{"threads": [[{"name": "A"}], [{"name": "B"}]], "allowed": [[["success"], ["success"]]]}"#,
      #"{"threads": [[{"name": "A"}], [{"name": "B"}]], "allowed": [[["success"], [], []]]}"#,
    ])
  func broken(text: String) {
    #expect(throws: FormatError.self) {
      try StrictJSON.decode(ConformanceTest.Race.self, from: Array(text.utf8))
    }
  }
}
