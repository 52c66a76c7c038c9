import Catalogue
import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

private struct Part: SpecPart {
  let a = Lock("a", rank: 10)
  let b = Lock("b", rank: 20)
  let first = Var(false)
  let second = Var(false)
  let third = Var(false)
}

/// Twins of counterexamples in which the nearest one is known.
@Suite("Passing twins") struct TwinTests {
  private let part = Part()

  /// The run in which actors take their steps in an order: threads by number, -1 for an event that
  /// begins the action named.
  private func run(_ program: Program, _ steps: [(Int, String)]) throws -> Trace {
    var state = program.initial
    var taken: [TraceStep] = []
    for (thread, action) in steps {
      let ways = try Interpreter(program).transitions(from: state).filter {
        $0.label.thread == (thread < 0 ? nil : thread)
          && program.actionName($0.label.procedure) == action
      }
      let way = try #require(ways.first)
      taken.append(TraceStep(label: way.label, state: way.state))
      state = way.state
    }
    return Trace(initial: program.initial, steps: taken)
  }

  private func twin(
    _ program: Program, _ id: String, _ trace: Trace, maxSteps: Int = 100_000
  ) throws -> TwinAnswer {
    let property = try #require(program.properties.first { $0.property.id == id })
    let answer = TwinSearch(program, property, trace, maxSteps: maxSteps).find()
    guard case .found(let twin) = answer else { return answer }
    // It is a run of the spec, and it passes.
    var state = program.initial
    for step in twin.trace.steps {
      let ways = try Interpreter(program).transitions(from: state)
      #expect(ways.contains { $0.label == step.label && $0.state == step.state })
      #expect(try Interpreter(program).holds(property, in: step.state))
      state = step.state
    }
    return answer
  }

  private func found(_ answer: TwinAnswer) throws -> Twin {
    guard case .found(let twin) = answer else {
      throw SpecError("TEST", "no twin was found")
    }
    return twin
  }

  @Test("a check that comes later is refused") func ticketLock() throws {
    let description = try #require(Catalogue.entry(named: "tutorial/ticket-lock")).describe()
    let program = try Program(description)
    let order = [0, 1, 1, 1, 0, 0].map { ($0, "TAKE") }
    let trace = try run(program, order)
    let twin = try found(twin(program, "T-1", trace))
    #expect(twin.change == .later(steps: 0..<1, after: 3))
    // The call that is refused has one step instead of three.
    #expect(twin.counterparts == 4)
    #expect(twin.trace.steps.count == 4)
    #expect(twin.difference == Twin.Difference(step: 0, twinStep: 3))
    #expect(twin.cells.map(\.cell).contains("taken"))
  }

  @Test("a call that is not there does no harm") func leftOut() throws {
    let program = try Program(
      describe(part, [Always("X", "never both") { !(part.first && part.second) }]) {
        Action("one") { part.first <- true }
        Action("two") { part.second <- true }
      })
    let trace = try run(program, [(-1, "one"), (-1, "two")])
    let twin = try found(twin(program, "X", trace))
    // In the other order the two do the same.
    #expect(twin.change == .without(steps: [0]))
    #expect(twin.difference == nil)
    #expect(twin.cells.map(\.cell) == ["first"])
  }

  @Test("one call that breaks the property has no twin") func noTwin() throws {
    let program = try Program(
      describe(part, [Always("X", "never") { !part.first }]) {
        Action("one") { part.first <- true }
      })
    let answer = try twin(program, "X", try run(program, [(-1, "one")]))
    guard case .none = answer else {
      Issue.record("\(answer)")
      return
    }
  }

  @Test("a deadlock passes when one thread is through first") func deadlock() throws {
    let program = try Program(
      describe(part) {
        Action("forwards", by: Worker.self) {
          Holding(part.a) { Holding(part.b) { Step("works") { part.first <- true } } }
        }
        Action("backwards", by: Worker.self) {
          Holding(part.b) { Holding(part.a) { Step("works") { part.second <- true } } }
        }
      })
    let trace = try run(program, [(0, "forwards"), (1, "backwards")])
    // No order of the two first steps helps: both locks are then taken.
    let twin = try found(twin(program, "no-deadlock", trace))
    #expect(twin.change == .without(steps: [0]))
    #expect(twin.trace.steps.last?.label.outcome != nil)
  }

  @Test("what a moved call breaks later counts") func brokenLater() throws {
    // Whatever comes first, the two together break it when both calls have ended.
    let program = try Program(
      describe(part, [Always("X", "never both") { !(part.first && part.second) }]) {
        Action("one", by: Worker.self) {
          Step("sets first") { part.first <- true }
          Step("more") { part.third <- true }
        }
        Action("two", by: Worker.self) {
          Step("waits") { part.third <- part.third }
          Step("sets second") { part.second <- true }
        }
      })
    let trace = try run(program, [(0, "one"), (1, "two"), (1, "two")])
    let twin = try found(twin(program, "X", trace))
    #expect(twin.change == .without(steps: [0]))
  }

  @Test("tries that the budget does not allow are not claimed") func budget() throws {
    let description = try #require(Catalogue.entry(named: "tutorial/ticket-lock")).describe()
    let program = try Program(description)
    let trace = try run(program, [0, 1, 1, 1, 0, 0].map { ($0, "TAKE") })
    guard case .open = try twin(program, "T-1", trace, maxSteps: 0) else {
      Issue.record("a twin was found without a step")
      return
    }
  }

  @Test("actions without part are those of which no step is taken") func noPart() throws {
    let inner = Action("inner", by: Worker.self) { Step("works") { part.first <- true } }
    let program = try Program(
      describe(part) {
        inner
        Action("outer", by: Worker.self) { Call(inner) }
        Action("idle") { part.third <- true }
      })
    let trace = try run(program, [(0, "outer")])
    #expect(program.actionsWithoutPart(in: trace) == ["idle"])
  }
}
