import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

/// What a search says of a `Refines`.
struct Refined {
  let program: Program
  let map: RefinementMap
  let result: SearchResult
  let finding: RefinementFinding

  init(
    _ program: Program, _ id: String, engine: EngineKind = .table,
    limits: SearchLimits = SearchLimits()
  ) throws {
    self.program = program
    let property = try #require(program.properties.first { $0.property.id == id }).property
    map = try RefinementMap(program, property)
    switch engine {
    case .table:
      let table = try GuardTable(GroundProgram(program), monitors: map.monitors)
      (result, finding) = try RefinementSearch(table, map, limits).run()
    case .tree:
      let tree = try TreeEngine(program, monitors: map.monitors)
      (result, finding) = try RefinementSearch(tree, map, limits).run()
    }
  }
}

/// What a door may do, for people who pass.
private struct Door: Spec {
  enum State: EnumDomain { case shut, open, locked }
  static let name = "test/door"
  let summary = "a door that is locked only when it is shut"
  let state = Var(State.shut)
  /// Behaviour does not read it, so that no map is needed.
  let passed = Ghost(false)
  /// Leaves an action out.
  var without = ""

  var actions: [Action] {
    [
      move("opens", .shut, .open), move("shuts", .open, .shut), move("locks", .shut, .locked),
      move("unlocks", .locked, .shut),
    ].filter { $0.name != without }
  }
  var properties: [Property] { [] }

  private func move(_ name: String, _ from: State, _ to: State) -> Action {
    Action(name) {
      Require(state == from)
      state <- to
      passed <- true
    }
  }
}

/// A door with a bolt that can stick out.
private struct Bolted: Spec {
  static let name = "test/bolted"
  let summary = "a wing and a bolt"
  let ajar = Var(false)
  let bolt = Var(false)
  let opened = Ghost(false)
  var isCareless = false
  var abstract = Door()
  enum Wrong { case none, map, beginning, constant }
  var wrong = Wrong.none

  var actions: [Action] {
    Action("pull") {
      Require(!ajar && !bolt)
      ajar <- true
      opened <- true
    }
    Action("push") {
      Require(ajar)
      ajar <- false
    }
    Action("turn the key") {
      if !isCareless { Require(!ajar) }
      When(bolt) {
        bolt <- false
      } else: {
        bolt <- true
      }
    }
  }

  var properties: [Property] {
    Refines("R", "it is a door", abstract) { Maps($0.state, to: door) }
  }

  private var door: Expr<Door.State> {
    switch wrong {
    case .none: choose(ajar, .open, else: choose(bolt, Door.State.locked, else: .shut))
    case .map: choose(ajar, .open, else: choose(opened, Door.State.locked, else: .shut))
    case .beginning: choose(ajar, Door.State.shut, else: .open)
    case .constant: Expr(Door.State.shut.literal)
    }
  }
}

@Suite("Refinement: known answers") struct RefinementTests {
  private func decide(
    _ spec: Bolted, engine: EngineKind = .table, limits: SearchLimits = SearchLimits()
  ) throws -> Refined {
    let description = SpecDescription(spec)
    return try Refined(
      Program(description, ResolvedScope(description), ProgramOptions(fuseReleases: false)), "R",
      engine: engine, limits: limits)
  }

  /// The names of the trace's calls, after it was replayed.
  private func calls(_ refined: Refined) throws -> [String] {
    let trace = try #require(refined.finding.refutation).trace
    #expect(try replays(trace, refined.program))
    return trace.steps.map { refined.program.callText($0.label, arguments: []) }
  }

  @Test("a door with a bolt is a door", arguments: [EngineKind.table, .tree])
  func holds(engine: EngineKind) throws {
    let found = try decide(Bolted(), engine: engine)
    #expect(found.result.end == .exhausted)
    #expect(found.finding.refutation == nil && found.finding.stopped == nil)
    #expect(found.finding.abstractStates == 3)
    #expect(found.finding.abstractSteps == 4)
    #expect(found.finding.neverTaken.isEmpty)
  }

  @Test("the abstract spec lacks a step", arguments: [EngineKind.table, .tree])
  func lacking(engine: EngineKind) throws {
    let found = try decide(Bolted(abstract: Door(without: "unlocks")), engine: engine)
    #expect(try calls(found) == ["turn the key", "turn the key"])
    let gap = try #require(found.finding.refutation).gap
    #expect(gap.before == [NamedValue(name: "state", value: "locked")])
    #expect(gap.after == [NamedValue(name: "state", value: "shut")])
    #expect(gap.possible.isEmpty)
  }

  @Test("the map is wrong", arguments: [EngineKind.table, .tree])
  func wrongMap(engine: EngineKind) throws {
    let found = try decide(Bolted(wrong: .map), engine: engine)
    #expect(try calls(found) == ["pull", "push"])
    let gap = try #require(found.finding.refutation).gap
    #expect(gap.before[0].value == "open" && gap.after[0].value == "locked")
    #expect(gap.possible.map(\.call) == ["shuts"])
    #expect(gap.possible[0].changes.map(\.after) == ["shut", "true"])
  }

  @Test("the detailed spec makes a step that is not allowed", arguments: [EngineKind.table, .tree])
  func careless(engine: EngineKind) throws {
    let found = try decide(Bolted(isCareless: true), engine: engine)
    // The bolt is not seen while the door is open.
    #expect(try calls(found) == ["pull", "turn the key", "push"])
    let gap = try #require(found.finding.refutation).gap
    #expect(gap.before[0].value == "open" && gap.after[0].value == "locked")
  }

  @Test("the initial state maps elsewhere") func beginning() throws {
    let found = try decide(Bolted(wrong: .beginning))
    #expect(try calls(found).isEmpty)
    let gap = try #require(found.finding.refutation).gap
    #expect(gap.before[0].value == "shut" && gap.after[0].value == "open")
  }

  @Test("nothing moves") func vacuous() throws {
    let found = try decide(Bolted(wrong: .constant))
    #expect(found.result.end == .exhausted)
    #expect(found.finding.refutation == nil)
    #expect(found.finding.abstractSteps == 0 && found.finding.abstractStates == 1)
    #expect(found.finding.neverTaken == ["opens", "shuts", "locks", "unlocks"])
  }

  @Test("a limit leaves no answer, unless the mistake came first") func limits() throws {
    var limits = SearchLimits()
    limits.maxDepth = 1
    #expect(try decide(Bolted(), limits: limits).finding.stopped == .limit("depth 1"))
    let wrong = Bolted(abstract: Door(without: "locks"))
    let found = try decide(wrong, limits: limits)
    #expect(found.finding.stopped == nil)
    #expect(try calls(found) == ["turn the key"])
  }

  @Test("a broken run is refused by the check") func wrongRuns() throws {
    let found = try decide(Bolted(isCareless: true))
    let trace = try #require(found.finding.refutation).trace
    let check = RefinementCheck(found.program, found.map)
    func refutes(_ steps: [TraceStep]) throws -> Bool {
      if case .refutes = try check.answer(Trace(initial: trace.initial, steps: steps)) {
        return true
      }
      return false
    }
    #expect(try refutes(trace.steps))
    #expect(try !refutes([]))
    #expect(try !refutes(Array(trace.steps.dropLast())))
    #expect(try !refutes(Array(trace.steps.dropFirst())))
    let other = TraceStep(label: trace.steps[0].label, state: trace.steps[2].state)
    #expect(try !refutes(trace.steps + [other]))
  }

  @Test("named reductions and fused programs are refused") func reductions() throws {
    let property = Bolted().properties[0]
    let refused = FullGraphRefusal.refusal(reductions: ["por"], properties: [property])
    #expect(refused?.code == "TDX2022")
    #expect(FullGraphRefusal.refusal(reductions: ["auto"], properties: [property]) == nil)
    let mainline = try #require(Catalogue.entry(named: "teardown/mainline")).describe()
    let fused = try Program(mainline, ResolvedScope(mainline, scope: "small"))
    #expect(fused.fusesReleases)
    #expect(throws: SearchError.self) { try Refined(fused, "R-1") }
  }

  @Test(
    "teardown's keys live as in tdx/hkid-life, on both engines",
    arguments: ["mainline", "terminate-vm-v4", "terminate-vm-lock-first"])
  func teardown(name: String) throws {
    let program = try catalogued("teardown/\(name)", scope: "small")
    for engine in [EngineKind.table, .tree] where engine == .table || name == "mainline" {
      let found = try Refined(program, "R-1", engine: engine)
      #expect(found.result.end == .exhausted)
      #expect(found.finding.refutation == nil)
      #expect(found.finding.abstractStates == 6)
      #expect(found.finding.abstractSteps == 5)
      #expect(found.finding.neverTaken.count == 5)
    }
  }
}
