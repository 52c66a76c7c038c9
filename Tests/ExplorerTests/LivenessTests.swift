import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

/// What a search says of a `LeadsTo`.
enum Answer: String, Hashable, Sendable {
  case holds, violated, vacuous, stopped

  init(_ finding: LivenessFinding) {
    if finding.refutation != nil {
      self = .violated
    } else if finding.stopped != nil {
      self = .stopped
    } else {
      self = finding.premiseSeen ? .holds : .vacuous
    }
  }
}

/// Decides all `LeadsTo` properties of a program.
func decide(
  _ program: Program, engine: EngineKind = .table, limits: SearchLimits = SearchLimits()
) throws -> (findings: [String: LivenessFinding], result: SearchResult) {
  let properties = program.properties.filter(\.property.isLiveness)
  let plan = LivenessPlan(properties)
  let found: (result: SearchResult, findings: [LivenessFinding])
  switch engine {
  case .table:
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    found = try LivenessSearch(table, plan, limits).run(properties)
  case .tree:
    let tree = try TreeEngine(program, monitors: plan.monitors)
    found = try LivenessSearch(tree, plan, limits).run(properties)
  }
  let ids = properties.map(\.property.id)
  return (
    Dictionary(zip(ids, found.findings), uniquingKeysWith: { first, _ in first }), found.result
  )
}

func catalogued(
  _ name: String, _ overrides: [String: Int] = [:], scope: String? = nil
) throws
  -> Program
{
  let description = try #require(Catalogue.entry(named: name)).describe()
  return try Program(
    description, ResolvedScope(description, scope: scope, overrides: overrides),
    ProgramOptions(fuseReleases: false))
}

/// A lasso as a comparable thing.
func signature(_ finding: LivenessFinding?) -> [String] {
  guard let refutation = finding?.refutation else { return [] }
  let trace = refutation.trace
  return ["\(trace.loop ?? -1)", refutation.element ?? ""] + refutation.fairness
    + trace.steps.map { "\($0.label) \($0.state)" }
}

@Suite("Liveness: known answers") struct LivenessTests {
  @Test("a mutex needs strong fairness, a queue needs weak fairness", arguments: 1...3)
  func mutexAndQueue(clients: Int) throws {
    let alone = clients == 1
    for engine in [EngineKind.table, .tree] where clients < 3 || engine == .table {
      let found = try decide(catalogued("tutorial/turns", ["clients": clients]), engine: engine)
      #expect(
        found.findings.mapValues { Answer($0) } == [
          "M-1": alone ? .holds : .violated, "M-2": .holds, "Q-1": .holds,
          "Q-2": alone ? .holds : .violated,
        ])
    }
  }

  /// On which Spin agrees (tools/liveness-against-spin).
  static let benchmark: [(n: Int, p: Int, violated: Set<String>)] = [
    (1, 1, ["B6"]), (2, 1, ["B4", "B6"]), (2, 2, ["B2", "B4", "B6"]),
  ]

  @Test("the benchmark's claims", arguments: benchmark)
  func benchmarkClaims(size: (n: Int, p: Int, violated: Set<String>)) throws {
    let sizes = ["N": size.n, "P": size.p, "L": 1]
    let found = try decide(catalogued("bench/tdx-teardown-live", sizes))
    #expect(found.findings.count == 6)
    for (id, finding) in found.findings {
      #expect(Answer(finding) == (size.violated.contains(id) ? .violated : .holds), "\(id)")
    }
  }

  @Test("both engines give the same lassos") func sameLassos() throws {
    let program = try catalogued("bench/tdx-teardown-live", ["N": 2, "P": 1, "L": 1])
    let table = try decide(program).findings
    let tree = try decide(program, engine: .tree).findings
    for id in ["B4", "B6"] {
      #expect(!signature(table[id]).isEmpty)
      #expect(signature(table[id]) == signature(tree[id]))
    }
  }

  @Test("a lasso is the same in every run, replays and closes") func lassos() throws {
    let small = try catalogued("bench/tdx-teardown-live", ["N": 2, "P": 1, "L": 1])
    let first = try decide(small).findings
    for _ in 1..<20 {
      let again = try decide(small).findings
      for id in ["B4", "B6"] { #expect(signature(again[id]) == signature(first[id])) }
    }
    let program = try catalogued("bench/tdx-teardown-live", ["N": 2, "P": 2, "L": 1])
    let found = try decide(program).findings
    for id in ["B2", "B4", "B6"] {
      let refutation = try #require(found[id]?.refutation)
      let trace = refutation.trace
      let loop = try #require(trace.loop)
      #expect(try replays(trace, program))
      let states = [trace.initial] + trace.steps.map(\.state)
      #expect(states[loop] == trace.last)
      #expect(!refutation.fairness.isEmpty)
    }
    let stops = try #require(found["B6"]?.refutation?.trace)
    #expect(stops.loop == stops.steps.count)
    let loops = try #require(found["B4"]?.refutation?.trace)
    #expect(try #require(loops.loop) < loops.steps.count)
  }

  @Test("a broken lasso is refused by the check") func wrongLassos() throws {
    let program = try catalogued("tutorial/turns")
    let property = try #require(program.properties.first { $0.property.id == "M-1" })
    let trace = try #require(decide(program).findings["M-1"]?.refutation?.trace)
    guard case .leadsTo(let claim) = property.property.kind else { return }
    func wrong(_ trace: Trace, _ fairness: [Fairness] = claim.fairness) throws -> Bool {
      let check = LassoCheck(program, try FairnessTable(program, fairness))
      if case .wrong = try check.answer(trace, against: property.leadsTo[0]) { return true }
      return false
    }
    #expect(try !wrong(trace))
    #expect(try wrong(Trace(initial: trace.initial, steps: trace.steps)))
    #expect(try wrong(Trace(initial: trace.initial, steps: trace.steps, loop: 0)))
    let short = Trace(initial: trace.initial, steps: Array(trace.steps.dropLast()), loop: 1)
    #expect(try wrong(short))
    let skipped = Trace(initial: trace.initial, steps: Array(trace.steps.dropFirst()), loop: 0)
    #expect(try wrong(skipped))
    // Stopping after the first step is not fair, and under strong fairness nor is the loop.
    let stopped = Trace(initial: trace.initial, steps: Array(trace.steps.prefix(1)), loop: 1)
    #expect(try wrong(stopped))
    #expect(try wrong(trace, [.strong("take the mutex"), .weak("give the mutex back")]))
  }

  @Test("a limit leaves no answer") func limits() throws {
    let program = try catalogued("bench/tdx-teardown-live", ["N": 2, "P": 2, "L": 1])
    var limits = SearchLimits()
    limits.maxStates = 500
    let bounded = try decide(program, limits: limits).findings
    #expect(bounded.values.allSatisfy { Answer($0) == .stopped })
    limits = SearchLimits()
    limits.stopAtFirst = true
    let stopped = try decide(program, limits: limits).findings
    #expect(stopped.values.filter { Answer($0) == .violated }.count == 1)
    #expect(stopped["B6"]?.stopped == .stoppedAtFirst)
  }

  @Test("named reductions are refused for infinite runs only") func refusal() {
    let live = LeadsTo("L", "l") {
      Condition(.yes)
    } then: {
      Condition(.yes)
    }
    let safe = Always("A", "a") { Condition(.yes) }
    for reduction in ["symmetry", "por", "fusion"] {
      let refused = FullGraphRefusal.refusal(
        reductions: ["none", reduction], properties: [safe, live])
      #expect(refused?.code == "TDX2021")
      #expect(refused?.message.contains(reduction) == true)
      #expect(
        FullGraphRefusal.refusal(reductions: [reduction], properties: [safe]) == nil)
    }
    #expect(FullGraphRefusal.refusal(reductions: ["auto"], properties: [live]) == nil)
  }
}

@Suite("Liveness: threads") struct LivenessThreadTests {
  enum Worker: Role {}
  enum Job: Sort {}

  struct Locked: SpecPart {
    let workers = Parameter("workers", of: Worker.self, 1...3, default: 2)
    let jobs = Parameter("jobs", of: Job.self, 1...3, default: 1)
    let asked = Var(false)
    let done = Var(false)
    let mutex = Lock("mutex", rank: 10)
  }

  struct Made: Spec {
    static let name = "test/locked"
    let summary = "one worker wants a lock that the others keep taking"
    let part = Locked()
    let claims: @Sendable (Locked) -> [Property]

    var actions: [Action] {
      Action("WANT", by: Worker.self) {
        Step("asks") {
          Require(!part.asked)
          part.asked <- true
        }
        Holding(part.mutex) { Step("works") { part.done <- true } }
      }
      Action("HOG", by: Worker.self) {
        Holding(part.mutex) { Step("holds the lock") { Require(!part.done || part.done) } }
      }
    }
    var properties: [Property] { claims(part) }
  }

  private func answers(
    _ workers: Int = 2, _ claims: @escaping @Sendable (Locked) -> [Property]
  ) throws -> [String: Answer] {
    let description = SpecDescription(Made(claims: claims))
    let scope = try ResolvedScope(description, overrides: ["workers": workers])
    let program = try Program(description, scope, ProgramOptions(fuseReleases: false))
    return try decide(program).findings.mapValues { Answer($0) }
  }

  @Test("a program with fused releases is refused") func fused() throws {
    let description = SpecDescription(Made { [Self.claim("L", $0, [])] })
    let program = try Program(description, ResolvedScope(description))
    #expect(program.fusesReleases)
    #expect(throws: SearchError.self) { try decide(program) }
  }

  private static func claim(_ id: String, _ part: Locked, _ fairness: [Fairness]) -> Property {
    LeadsTo(id, id, fairness: fairness) {
      part.asked
    } then: {
      part.done
    }
  }

  @Test("a waiter for a lock needs strong fairness; a lone thread needs weak fairness")
  func locks() throws {
    let claims: @Sendable (Locked) -> [Property] = { part in
      [
        Self.claim("none", part, []),
        Self.claim("weak", part, [.weak(threadsOf: Worker.self)]),
        Self.claim("strong", part, [.strong(threadsOf: Worker.self)]),
        Self.claim("want", part, [.strong("WANT"), .weak("HOG")]),
        Self.claim("want only", part, [.strong("WANT")]),
      ]
    }
    let two = try answers(2, claims)
    #expect(
      two == [
        "none": .violated, "weak": .violated, "strong": .holds, "want": .holds,
        // The other stops for ever with the lock.
        "want only": .violated,
      ])
    let one = try answers(1, claims)
    #expect(
      one == [
        "none": .violated, "weak": .holds, "strong": .holds, "want": .holds,
        "want only": .holds,
      ])
  }

  @Test("nobody has to begin a call, but by starting:") func starting() throws {
    let found = try answers(1) { part in
      [
        LeadsTo("idle", "", fairness: [.strong(threadsOf: Worker.self)]) {
          !part.done
        } then: {
          part.done
        },
        LeadsTo(
          "begun", "", fairness: [.strong(threadsOf: Worker.self), .strong(starting: "WANT")]
        ) {
          !part.done
        } then: {
          part.done
        },
        // The thread is never idle for ever: beginning can be put off by hogging.
        LeadsTo(
          "weakly begun", "",
          fairness: [.strong(threadsOf: Worker.self), .weak(starting: "WANT")]
        ) {
          !part.done
        } then: {
          part.done
        },
        LeadsTo("never", "", fairness: []) {
          part.done && !part.asked
        } then: {
          part.done
        },
        LeadsTo("at once", "", fairness: []) {
          part.done
        } then: {
          part.asked
        },
      ]
    }
    #expect(
      found == [
        "idle": .violated, "begun": .holds, "weakly begun": .violated, "never": .vacuous,
        "at once": .holds,
      ])
  }
}
