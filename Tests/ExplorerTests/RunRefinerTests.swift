import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

private enum Worker: Role {}
private enum Page: Sort {}

private struct Part: SpecPart {
  let a = Lock("a", rank: 10)
  let b = Lock("b", rank: 20)
  let count = Var(0, in: 0...3)
  let flag = Var(false)
  let used = Map(Page.self, false)
}

private struct Mixed: Spec {
  static let name = "test/mixed"
  let summary = ""
  let workers = Parameter("workers", of: Worker.self, 1...3, default: 2)
  let pages = Parameter("pages", of: Page.self, 1...3, default: 2)
  let part: Part
  let actions: [Action]
  let properties: [Property]
}

/// All runs of a length to a state that decides a property, by the interpreter: the plain meaning.
private struct AllRuns {
  let program: Program
  let property: ResolvedProperty

  func decides(_ state: [Int]) throws -> Bool {
    let interpreter = Interpreter(program)
    if property.property.id == Property.noDeadlockID {
      return try program.isBusy(state) && interpreter.transitions(from: state).isEmpty
    }
    let holds = try interpreter.holds(property, in: state)
    if case .always = property.property.kind { return !holds }
    return holds
  }

  /// The runs of the smallest length that has any, in the order of steps.
  func shortest() throws -> [Trace] {
    var runs = [Trace(initial: program.initial, steps: [])]
    while !runs.isEmpty {
      let found = try runs.filter { try decides($0.last) }
      if !found.isEmpty { return found }
      runs = try runs.flatMap { run in
        try Interpreter(program).transitions(from: run.last).map {
          Trace(
            initial: run.initial, steps: run.steps + [TraceStep(label: $0.label, state: $0.state)])
        }
      }
    }
    return []
  }

  /// The best of them.
  func best() throws -> Trace? {
    try shortest().min {
      ($0.switches, program.elements(usedBy: $0).count)
        < ($1.switches, program.elements(usedBy: $1).count)
    }
  }
}

/// Refined runs against all runs of small specs.
@Suite("Refined runs") struct RunRefinerTests {
  private let part = Part()

  private func program(
    _ properties: [Property], sizes: [String: Int] = [:],
    @ListBuilder<Action> _ actions: () -> [Action]
  ) throws -> Program {
    let description = SpecDescription(
      Mixed(part: part, actions: actions(), properties: properties))
    return try Program(description, ResolvedScope(description, overrides: sizes))
  }

  private func ticketLock(_ threads: Int = 2) throws -> Program {
    let description = try #require(Catalogue.entry(named: "tutorial/ticket-lock")).describe()
    return try Program(
      description, ResolvedScope(description, overrides: ["threads": threads]))
  }

  /// The search's run for a property, and the refined one.
  private func refined(
    _ program: Program, _ id: String, _ states: Int = 1_000_000, engine: EngineKind = .table,
    longer: Trace? = nil
  ) throws -> (before: Trace, after: RefinedRun) {
    let property = try #require(program.properties.first { $0.property.id == id })
    let (result, trace) = try explore(program, properties: [property])
    let before = try longer ?? trace(try #require(result.findings[0].state))
    var limits = RefinementLimits()
    limits.states = states
    let monitors = MonitorPlan([property]).monitors
    let runs: [RefinedRun]
    switch engine {
    case .table:
      let table = try GuardTable(GroundProgram(program), monitors: monitors)
      runs = try RunRefiner(layered: table, real: table, [property], limits)
        .refine([before], areShortest: false)
    case .tree:
      let tree = try TreeEngine(program, monitors: monitors)
      runs = try RunRefiner(layered: tree, real: tree, [property], limits)
        .refine([before], areShortest: false)
    }
    #expect(try replays(runs[0].trace, program))
    return (before, runs[0])
  }

  private func expectBest(_ program: Program, _ id: String) throws {
    let property = try #require(program.properties.first { $0.property.id == id })
    let best = try #require(try AllRuns(program: program, property: property).best())
    for engine in [EngineKind.table, .tree] {
      let run = try refined(program, id, engine: engine).after
      #expect(run.trace.steps.map(\.label) == best.steps.map(\.label))
      let all = TraceQuality(
        isShortest: true, hasFewestSwitches: true, hasFewestElements: true)
      #expect(run.quality == all)
    }
  }

  @Test("the search's first run may switch more than it must")
  func fewerSwitches() throws {
    let program = try ticketLock()
    let (before, after) = try refined(program, "T-1")
    #expect(before.steps.count == after.trace.steps.count)
    #expect(before.switches == 3)
    #expect(after.trace.switches == 2)
    try expectBest(program, "T-1")
  }

  @Test("three threads, of which two are enough") func fewElements() throws {
    try expectBest(try ticketLock(3), "T-1")
  }

  private func crossed() throws -> Program {
    try program([]) {
      Action("forwards", by: Worker.self) {
        Holding(part.a) { Holding(part.b) { Step("works") { part.flag <- true } } }
      }
      Action("backwards", by: Worker.self) {
        Holding(part.b) { Holding(part.a) { Step("works") { part.flag <- true } } }
      }
    }
  }

  @Test("deadlocks") func deadlock() throws {
    let program = try crossed()
    try expectBest(program, "no-deadlock")
    try expectBest(program, "lock-order")
  }

  private func pages() throws -> Program {
    try program(
      [
        Possible("all", "three steps and the flag") { part.count == 3 && part.flag },
        Always("few", "at most two") { part.count <= 2 },
      ], sizes: ["pages": 3]
    ) {
      Action("touch", each: Page.self, by: Worker.self) { page in
        Step("touches") { part.used[page] <- true }
        Step("counts") {
          Require(part.count < 3)
          part.count <- part.count + 1
        }
      }
      Action("raise") {
        Require(!part.flag && part.count >= 1)
        part.flag <- true
      }
    }
  }

  @Test("elements among arguments are few, and events count as actors")
  func elements() throws {
    let program = try pages()
    try expectBest(program, "few")
    let run = try refined(program, "all").after
    // One thread, one page: T T | raise | T T T T.
    #expect(run.trace.steps.count == 7)
    #expect(run.trace.switches == 1)
    #expect(program.elements(usedBy: run.trace).count == 2)
  }

  @Test("the first run may use more elements than it must") func fewerElements() throws {
    let program = try program([Always("X", "no two") { part.count < 2 }]) {
      Action("pick", each: Page.self) { page in
        Require(!part.used[page] && part.count < 2)
        part.used[page] <- true
        part.count <- part.count + 1
      }
      Action("again", each: Page.self) { page in
        Require(part.used[page] && part.count < 2)
        part.count <- part.count + 1
      }
    }
    let (before, after) = try refined(program, "X")
    #expect(program.elements(usedBy: before).count == 2)
    #expect(program.elements(usedBy: after.trace).count == 1)
    try expectBest(program, "X")
  }

  @Test("a run that is too long is replaced") func tooLong() throws {
    let program = try pages()
    let longer = try refined(program, "all").after.trace
    let property = try #require(program.properties.first { $0.property.id == "few" })
    #expect(try AllRuns(program: program, property: property).decides(longer.last))
    let run = try refined(program, "few", longer: longer).after
    #expect(run.trace.steps.count == 6)
    #expect(run.quality.isShortest)
  }

  @Test("without states to look at, nothing is claimed") func noBudget() throws {
    let (before, after) = try refined(try ticketLock(), "T-1", 1)
    #expect(after.quality == TraceQuality(isShortest: false))
    #expect(after.trace.steps.map(\.label) == before.steps.map(\.label))
  }

  @Test("with too few for all runs, few switches are still found") func smallBudget() throws {
    let program = try pages()
    let best = try refined(program, "few").after.trace
    // All shortest runs would take more states.
    let run = try refined(program, "few", 60).after
    #expect(run.quality == TraceQuality(isShortest: false, hasFewestSwitches: true))
    #expect(run.trace.switches == best.switches)
  }

  /// The run of few switches; empty when there is none, nil when the budget ended.
  private func fewSwitches(
    _ program: Program, _ id: String, below limit: Int, states: Int = 10_000, depth: Int = 6
  ) throws -> Trace? {
    let property = try #require(program.properties.first { $0.property.id == id })
    let plan = MonitorPlan([property])
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let few = FewSwitches(engine: table, plan: plan, maxStates: states, maxDepth: depth)
    switch try few.find(0, below: limit) {
    case .found(let ordinals): return try table.replay(ordinals)
    case .none: return Trace(initial: [], steps: [])
    case .open: return nil
    }
  }

  @Test("runs with few switches are found by switches") func bySwitches() throws {
    let program = try ticketLock()
    let run = try fewSwitches(program, "T-1", below: 5)
    #expect(run?.steps.count == 6)
    #expect(run?.switches == 2)
    #expect(try fewSwitches(program, "T-1", below: 2)?.steps.count == 0)
    #expect(try fewSwitches(program, "T-1", below: 5, depth: 5)?.steps.count == 0)
    let open = try fewSwitches(program, "T-1", below: 5, states: 5)
    #expect(open?.steps.count == nil)
  }

  @Test("deadlocks are found by switches") func deadlockBySwitches() throws {
    let program = try crossed()
    let run = try fewSwitches(program, "no-deadlock", below: 5, depth: 2)
    #expect(run?.steps.count == 2)
    #expect(run?.switches == 1)
    #expect(try fewSwitches(program, "no-deadlock", below: 5, depth: 1)?.steps.count == 0)
    #expect(try fewSwitches(program, "no-deadlock", below: 1)?.steps.count == 0)
  }

  @Test("a run that the engine does not have is a disagreement") func disagreement() throws {
    let program = try ticketLock()
    let nothing = Trace(initial: program.initial, steps: [])
    #expect(throws: SearchError.self) { try refined(program, "T-1", longer: nothing) }
  }
}
