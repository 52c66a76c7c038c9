import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

private enum Worker: Role {}

private struct Part: SpecPart {
  let a = Lock("a", rank: 10)
  let b = Lock("b", rank: 20)
  let count = Var(0, in: 0...2)
  let flag = Var(false)
}

private struct Threads: Spec {
  static let name = "test/threads"
  let summary = ""
  let workers = Parameter("workers", of: Worker.self, 1...3, default: 2)
  let part: Part
  let actions: [Action]
  let properties: [Property]
}

/// Deadlocks, lock order and balance, reachability.
@Suite("Search: specs with threads") struct SearchThreadTests {
  private let part = Part()

  private func program(
    _ properties: [Property] = [], @ListBuilder<Action> _ actions: () -> [Action]
  ) throws -> Program {
    let spec = Threads(part: part, actions: actions(), properties: properties)
    let description = SpecDescription(spec)
    return try Program(description, ResolvedScope(description))
  }

  /// The ids of the properties decided, with the length of the shortest trace to each.
  private func findings(
    _ program: Program, _ engine: EngineKind = .table
  ) throws -> [String: Int] {
    let (result, trace) = try explore(program, engine: engine)
    var found: [String: Int] = [:]
    for (property, finding) in zip(program.properties, result.findings) {
      guard let state = finding.state else { continue }
      let path = try trace(state)
      #expect(try replays(path, program))
      found[property.property.id] = path.steps.count
    }
    return found
  }

  private var work: Statement { Step("works") { part.flag <- true } }

  private var forwards: Action {
    Action("forwards", by: Worker.self) { Holding(part.a) { Holding(part.b) { work } } }
  }

  private var backwards: Action {
    Action("backwards", by: Worker.self) { Holding(part.b) { Holding(part.a) { work } } }
  }

  @Test("AB-BA is a deadlock and breaks the order of locks", arguments: [EngineKind.table, .tree])
  func deadlock(engine: EngineKind) throws {
    let program = try program {
      forwards
      backwards
    }
    let found = try findings(program, engine)
    #expect(found == ["no-deadlock": 2, "lock-order": 1])
  }

  @Test("one order of locks is fine") func noDeadlock() throws {
    let found = try findings(try program { forwards })
    #expect(found.isEmpty)
  }

  @Test("all threads idle and nothing to do is no deadlock") func allIdle() throws {
    let program = try program {
      Action("once", by: Worker.self) {
        Step("takes") {
          Require(part.count < 2)
          part.count <- part.count + 1
        }
        work
      }
    }
    #expect(try findings(program).isEmpty)
    let result = try explore(program).result
    #expect(result.end == .exhausted)
  }

  @Test("waiting for what never comes is a deadlock") func waits() throws {
    let program = try program {
      Action("waits", by: Worker.self) {
        Step("begins") { part.count <- 1 }
        Require(part.flag)
      }
    }
    // Both must be inside: an idle thread can always begin.
    #expect(try findings(program) == ["no-deadlock": 2])
  }

  @Test("a lock taken and not given back is out of balance") func balance() throws {
    let program = try program {
      Action("takes", by: Worker.self) {
        Acquire(part.a)
        When(part.flag) { Release(part.a) }
      }
      Action("flag") { part.flag <- true }
    }
    let found = try findings(program)
    #expect(found["lock-balance"] == 2)
  }

  @Test("properties that ask the same thing share a monitor, and each has its answer")
  func sharedMonitors() throws {
    let properties = [
      Always("first", "") { part.count == 1 ==> part.flag },
      Always("second", "") { part.count == 1 ==> part.flag },
      Possible("third", "") { !(part.count == 1 ==> part.flag) },
      Always("other", "") { part.count == 1 ==> part.count < 2 },
    ]
    let program = try program(properties) {
      Action("one") {
        Require(part.count == 0)
        part.count <- 1
      }
      Action("flag") {
        Require(part.count == 1)
        part.flag <- true
      }
    }
    // Two ways to be decided, one premise; and the last one's own question.
    #expect(MonitorPlan(program.properties).monitors.count == 4)
    let result = try explore(program).result
    #expect(result.findings.map { $0.state != nil } == [true, true, true, false])
    #expect(result.findings.map(\.premiseSeen) == [true, true, false, true])
    #expect(result.findings[2].hits == 1)
  }

  @Test("a search has room for 64 conditions; what is more is left to the next one")
  func batches() throws {
    let properties = (0..<3).flatMap { value in
      (0..<25).map { number in
        Always("P\(value)-\(number)", "") { part.count == value ==> part.count + number < 100 }
      }
    }
    let program = try program(properties) { Action("none") { Require(part.flag) } }
    let batches = MonitorPlan.batches(of: program.properties)
    #expect(batches.count > 1)
    #expect(batches.flatMap { $0.map(\.property.id) } == properties.map(\.id))
    #expect(batches.allSatisfy { MonitorPlan($0).monitors.count <= 64 })
    #expect(MonitorPlan.batches(of: []).isEmpty)
  }

  @Test("Possible counts its hits, is reached by a shortest path, or is vacuous")
  func possible() throws {
    let properties = [
      Possible("two", "") { part.count == 2 },
      Possible("never", "") {
        part.count == 1
        part.flag
      },
      Always("premise", "") { part.count == 2 ==> part.flag },
      Always("vacuous", "") { part.count == 1 && part.flag ==> part.count == 0 },
    ]
    let program = try program(properties) {
      Action("one") {
        Require(part.count == 0)
        part.count <- 1
      }
      Action("two") {
        Require(part.count == 1)
        part.count <- 2
        part.flag <- true
      }
      Action("off") {
        Require(part.flag)
        part.flag <- false
      }
    }
    let (result, trace) = try explore(program)
    #expect(result.end == .exhausted)
    #expect(result.states == 4)
    #expect(result.findings.map(\.hits) == [2, 0, 1, 0])
    #expect(result.findings.map(\.premiseSeen) == [false, false, true, false])
    let first = try #require(result.findings[0].state)
    #expect(try trace(first).steps.count == 2)
    #expect(result.findings[1].state == nil)
    #expect(result.findings[3].state == nil)
  }

  @Test("a search ends when all is decided") func decided() throws {
    let program = try program([Possible("one", "") { part.count == 1 }]) {
      Action("up") {
        Require(part.count < 2)
        part.count <- part.count + 1
      }
    }
    let result = try explore(program).result
    #expect(result.end == .decided)
    #expect(result.states == 2)
  }

  @Test(
    "a step that goes wrong ends the search with a trace", arguments: [EngineKind.table, .tree])
  func fault(engine: EngineKind) throws {
    let program = try program {
      Action("up") { part.count <- part.count + 1 }
    }
    do {
      _ = try explore(program, engine: engine)
      Issue.record("the search went on")
    } catch SearchError.fault(let fault) {
      #expect(fault.error.code == "TDX3002")
      #expect(fault.trace.steps.count == 2)
      #expect(try replays(fault.trace, program))
    }
  }

  @Test("refusals are counted where they matter") func refusals() throws {
    let question = Possible("late", "", call: "call", after: part.count == 2) { part.count == 3 }
    let program = try program([question]) {
      Action("call") {
        Check(part.count != 2, else: .EIO)
        Check(part.flag, else: .EBUSY)
      }
      Action("up") {
        Require(part.count < 2)
        part.count <- part.count + 1
      }
      Action("flag") { part.flag <- true }
    }
    let plan = MonitorPlan(program.properties)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let search = try Search(table, program.properties)
    let result = try search.run()
    #expect(result.findings[0].state == nil)
    let refusals = try search.refusals(of: 0).map { check, count in
      (program.checks[check].outcome.name, count)
    }
    // Where count is 2 the first check refuses every call, whatever flag is.
    #expect(refusals.count == 1)
    #expect(refusals.first?.0 == "EIO")
    #expect(refusals.first?.1 == 2)
  }
}
