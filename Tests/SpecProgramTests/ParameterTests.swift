import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

/// What the parameters of a scope decide before any step is taken.
@Suite("Parameters decide") struct ParameterTests {
  struct Started: SpecPart {
    let running = Parameter("RUNNING", 0...1, default: 0)
    let on: Var<Bool>
    let color: Map<V, Color>

    init() {
      on = Var(running == 1)
      color = Map(V.self, choose(running == 1, Color.blue, else: .red))
    }
  }

  private let part = Started()

  private func program(
    _ values: [String: Int], @ListBuilder<Action> _ actions: () -> [Action] = { [] }
  ) throws -> Program {
    let description = describe(part, actions: actions)
    return try Program(description, ResolvedScope(description, overrides: values))
  }

  @Test("the first value of a variable", arguments: [0, 1]) func initial(running: Int) throws {
    let program = try program(["RUNNING": running])
    let cells = zip(program.cells, program.initial).map { (name: $0.name, code: $1) }
    #expect(cells.filter { $0.name == "on" }.map(\.code) == [running])
    let color = try #require(Color.allCases.firstIndex(of: running == 1 ? .blue : .red))
    let colors = cells.filter { $0.name.hasPrefix("color") }.map(\.code)
    #expect(!colors.isEmpty && colors.allSatisfy { $0 == color })
  }

  @Test("TDX1010: a first value that reads the state") func states() throws {
    struct Part: SpecPart {
      let a = Var(false)
      let b: Var<Bool>
      init() { b = Var(a == true) }
    }
    let description = describe(Part()) {}
    let error = #expect(throws: SpecError.self) {
      try Program(description, ResolvedScope(description))
    }
    #expect(error?.code == "TDX1010")
  }

  @Test("whether a call can begin at all", arguments: [0, 1]) func begins(running: Int) throws {
    let program = try program(["RUNNING": running]) {
      Action("never", by: Worker.self) {
        Step("first") { Require(part.running == 1 && part.on == true) }
        Step("second") { part.on <- false }
      }
      Action("late", by: Worker.self) {
        Step("first") { part.on <- true }
        Require(part.running == 1)
      }
      Action("checked", by: Worker.self) {
        Step("first") {
          Check(part.on == true, else: .EINVAL)
          Require(part.running == 1)
        }
        Step("second") { part.on <- false }
      }
    }
    let thread = 0
    let runs = program.procedures.map { program.mayRun($0, thread) }
    #expect(runs == [running == 1, true, true])
    let rules = try GroundProgram(program).rules.filter { $0.label.procedure == 0 }
    #expect(rules.isEmpty == (running == 0))
  }
}
