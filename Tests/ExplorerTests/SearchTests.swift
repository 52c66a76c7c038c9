import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

enum EngineKind { case table, tree }

/// A search and what it found.
func explore(
  _ program: Program, engine: EngineKind = .table,
  properties: [ResolvedProperty]? = nil, limits: SearchLimits = SearchLimits()
) throws -> (result: SearchResult, trace: (Int) throws -> Trace) {
  let properties = properties ?? program.properties
  let plan = MonitorPlan(properties)
  switch engine {
  case .table:
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let search = try Search(table, properties, limits)
    return (try search.run(), search.trace)
  case .tree:
    let search = try Search(TreeEngine(program, monitors: plan.monitors), properties, limits)
    return (try search.run(), search.trace)
  }
}

func benchmark(_ overrides: [String: Int] = [:]) throws -> Program {
  let description = try #require(Catalogue.entry(named: "bench/tdx-teardown")).describe()
  return try Program(description, ResolvedScope(description, overrides: overrides))
}

/// Whether every step of a trace is one that the interpreter can take from the state before.
func replays(_ trace: Trace, _ program: Program) throws -> Bool {
  guard trace.initial == program.initial else { return false }
  var state = trace.initial
  for step in trace.steps {
    let found = try Interpreter(program).transitions(from: state)
    guard found.contains(where: { $0.state == step.state && $0.label == step.label })
    else { return false }
    state = step.state
  }
  return true
}

struct Size: Sendable, CustomStringConvertible {
  let sizes: [String: Int]
  let states: Int
  let transitions: Int
  let diameter: Int

  init(_ n: Int, _ p: Int, _ l: Int, _ f: Int, _ states: Int, _ transitions: Int, _ diameter: Int) {
    sizes = ["N": n, "P": p, "L": l, "F": f]
    self.states = states
    self.transitions = transitions
    self.diameter = diameter
  }

  var description: String { sizes.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined() }
}

/// The counts of Benchmarks/tdx-model.md, on which five tools agree.
@Suite("Search: the benchmark's counts") struct SearchCountTests {
  static let small = [
    Size(1, 1, 1, 1, 219, 571, 13),
    Size(2, 1, 1, 1, 504, 1_755, 14),
    Size(2, 2, 1, 1, 3_768, 15_037, 17),
  ]
  static let medium = [
    Size(2, 2, 2, 1, 11_833, 53_160, 17),
    Size(2, 2, 2, 2, 47_233, 259_192, 18),
    Size(2, 3, 2, 1, 98_283, 472_702, 20),
    Size(3, 2, 2, 1, 96_409, 562_478, 19),
  ]

  private func check(_ size: Size, _ engine: EngineKind, pad: Int = 0) throws {
    let program = try benchmark(size.sizes.merging(["PAD": pad]) { $1 })
    let found = try explore(program, engine: engine).result
    #expect(found.end == .exhausted)
    #expect(found.states == size.states)
    #expect(found.transitions == size.transitions)
    #expect(found.diameter == size.diameter)
    #expect(found.findings.allSatisfy { $0.state == nil && $0.premiseSeen })
    #expect(found.coverage.values.reduce(0, +) == size.transitions)
    #expect(found.peakBytes > 0)
  }

  @Test("small sizes, both engines", arguments: small, [EngineKind.table, .tree])
  func smallSizes(size: Size, engine: EngineKind) throws { try check(size, engine) }

  @Test("larger sizes", arguments: medium)
  func mediumSizes(size: Size) throws { try check(size, .table) }

  @Test("states of several words have the same counts", arguments: small + [medium[0]])
  func padded(size: Size) throws {
    try check(size, .table, pad: 2)
    let words = try StateLayout(benchmark(size.sizes.merging(["PAD": 2]) { $1 })).words
    #expect(words == 3)
  }
}

@Suite("Search: counterexamples, limits and monitors") struct SearchTests {
  static let bugSize = ["N": 2, "P": 3, "L": 2, "F": 1]

  @Test("a seeded bug has its shortest counterexample", arguments: [("I1", 1, 11), ("I2", 2, 9)])
  func bugs(id: String, bug: Int, steps: Int) throws {
    let program = try benchmark(Self.bugSize.merging(["BUG": bug]) { $1 })
    let only = program.properties.filter { $0.property.id == id }
    let (result, trace) = try explore(program, properties: only)
    #expect(result.end == .decided)
    let state = try #require(result.findings[0].state)
    let found = try trace(state)
    #expect(found.steps.count == steps)
    #expect(try replays(found, program))
    #expect(try !Interpreter(program).holds(only[0], in: try #require(found.steps.last).state))
  }

  @Test("both engines give the same counterexample") func sameTrace() throws {
    let program = try benchmark(["N": 1, "P": 1, "L": 1, "F": 1, "BUG": 1])
    let only = program.properties.filter { $0.property.id == "I1" }
    let traces = try [EngineKind.table, .tree].map { engine in
      let (result, trace) = try explore(program, engine: engine, properties: only)
      return try trace(try #require(result.findings[0].state)).steps
    }
    #expect(traces[0].map(\.label) == traces[1].map(\.label))
    #expect(traces[0].map(\.state) == traces[1].map(\.state))
  }

  @Test("a violated property does not end the search for others") func goesOn() throws {
    let program = try benchmark(["N": 1, "P": 1, "L": 1, "F": 1, "BUG": 1])
    let result = try explore(program).result
    #expect(result.end == .exhausted)
    #expect(result.findings.map { $0.state != nil } == [true, false, false, true, false])
    var limits = SearchLimits()
    limits.stopAtFirst = true
    let first = try explore(program, limits: limits).result
    #expect(first.end == .stoppedAtFirst)
    #expect(first.findings.filter { $0.state != nil }.count == 1)
    #expect(first.states < result.states)
  }

  @Test("reaching a limit is said") func limits() throws {
    func end(_ set: (inout SearchLimits) -> Void) throws -> SearchResult {
      var limits = SearchLimits()
      set(&limits)
      return try explore(benchmark(["L": 1]), limits: limits).result
    }
    let depth = try end { $0.maxDepth = 5 }
    #expect(depth.end == .limit("depth 5"))
    #expect(depth.diameter == 5)
    let states = try end { $0.maxStates = 1_000 }
    #expect(states.end == .limit("1000 states"))
    #expect(states.states >= 1_000 && states.states < 3_768)
    let memory = try end { $0.maxMemory = 1 }
    #expect(memory.end == .limit("1 bytes of memory"))
    let time = try end { $0.timeLimit = 0 }
    guard case .limit = time.end else {
      Issue.record("\(time.end)")
      return
    }
    let wide = try end {
      $0.maxDepth = 100
      $0.maxStates = 100_000
      $0.maxMemory = 1 << 30
      $0.timeLimit = 600
    }
    #expect(wide.end == .exhausted)
    #expect(wide.states == 3_768)
  }

  @Test("progress is told") func progress() throws {
    let program = try benchmark()
    let plan = MonitorPlan(program.properties)
    var reports = 0
    var deepest = 0
    let search = try Search(
      TreeEngine(program, monitors: plan.monitors), program.properties
    ) { report in
      reports += 1
      deepest = max(deepest, report.depth)
    }
    let result = try search.run()
    #expect(result.states == 11_833)
    #expect(deepest <= result.diameter)
    #expect(result.seconds < 0.5 || reports > 0)
  }
}
