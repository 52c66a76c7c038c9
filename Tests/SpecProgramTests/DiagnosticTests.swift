import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

struct Diagnosed: SpecPart {
  let flag = Var(false)
  let small = Var(0, in: 0...2)
  let cell = Map(V.self, false)
  let threads = Var(SetOf<Worker>.empty)
  let mutex = Lock("mutex", rank: 10)
}

@Suite("Diagnostics") struct DiagnosticTests {
  let part = Diagnosed()

  private func error(
    _ description: SpecDescription, _ overrides: [String: Int] = [:], scope: String? = nil
  ) -> SpecError? {
    do throws(SpecError) {
      let scope = try ResolvedScope(description, scope: scope, overrides: overrides)
      _ = try StateLayout(try Program(description, scope))
      return nil
    } catch {
      return error
    }
  }

  private func error(@ListBuilder<Action> _ actions: () -> [Action]) -> SpecError? {
    error(describe(part, actions: actions))
  }

  private func expect(
    _ error: SpecError?, _ code: String, line: Int? = nil,
    _ location: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(error?.code == code, sourceLocation: location)
    if let line { #expect(error?.location?.line == line, sourceLocation: location) }
    #expect(error?.message.isEmpty == false, sourceLocation: location)
  }

  @Test("TDX1111: an expectation that depends on the state") func expectations() {
    func error(_ condition: Condition) -> SpecError? {
      let property = Always("A", "a") { part.flag }.expect(.violated, when: condition, because: "b")
      return self.error(describe(part, [property]) { Action("a") { part.flag <- true } })
    }
    expect(error(part.flag == true), "TDX1111")
    expect(error(inside("a")), "TDX1111")
  }

  @Test("TDX1112: an expectation about a call that is not there") func expectedCalls() {
    func error(_ name: String) -> SpecError? {
      let property = Always("A", "a") { part.flag }
        .expect(.violated, ifMade: [name], because: "b")
      return self.error(describe(part, [property]) { Action("a") { part.flag <- true } })
    }
    #expect(error("a") == nil)
    expect(error("b"), "TDX1112")
  }

  @Test("TDX1113: an expectation at a scope that is not there") func expectedScope() {
    let property = Always("A", "a") { part.flag }.expect(.violated, at: "none", because: "b")
    expect(error(describe(part, [property]) { Action("a") { part.flag <- true } }), "TDX1113")
  }

  @Test("TDX1120: fairness of what is not there") func fairness() {
    func error(_ fairness: Fairness) -> SpecError? {
      let property = LeadsTo("L", "l", fairness: [fairness]) {
        part.flag
      } then: {
        part.flag
      }
      return self.error(
        describe(part, [property]) { Action("a", each: V.self) { _ in part.flag <- true } },
        ["V": 65])
    }
    #expect(error(.weak("a")) == nil)
    let line = #line + 1
    expect(error(.weak("b", line: line)), "TDX1120", line: line)
    expect(error(.strong(starting: "b")), "TDX1120")
    expect(error(.weak(starting: "a")), "TDX1120")
    expect(error(.strong(threadsOf: Worker.self)), "TDX1120")
  }

  @Test("TDX2020: too many instances of fairness") func instances() throws {
    let description = describe(part) { Action("a", each: V.self) { _ in part.flag <- true } }
    let most = try Program(description, ["V": 64])
    let table = try FairnessTable(most, [.weak("a"), .strong("a")])
    #expect(table.instances.count == 64)
    #expect(table.strong == ~0 && table.weak == 0)
    let more = try Program(description, ["V": 65])
    #expect(throws: SpecError.self) { try FairnessTable(more, [.weak("a")]) }
  }

  @Test("TDX1001: a sort without a size") func noSize() {
    enum Unsized: Sort {}
    struct Part: SpecPart { let map = Map(Unsized.self, false) }
    expect(error(describe(Part()) {}), "TDX1001")
  }

  @Test("TDX1002: an integer without a range") func noRange() {
    struct Part: SpecPart { let count = Var(0) }
    expect(error(describe(Part()) {}), "TDX1002")
  }

  @Test("TDX1003: a set of too many elements") func bigSet() {
    struct Part: SpecPart { let set = Var(SetOf<V>.empty) }
    let variable = describe(Part()) {}
    let sets = [
      Always("all", "") { those(V.self) { v in !part.cell[v] } == .all },
      Always("none", "") { those(V.self) { v in !part.cell[v] } == .empty },
    ]
    let conditions = describe(part, sets) {}
    let loop = describe(part) {
      Action("a", by: Worker.self) { ForEach(V.self) { v in part.cell[v] <- true } }
    }
    for description in [variable, conditions, loop] {
      expect(error(description, ["V": 63]), "TDX1003")
      expect(error(description, ["V": 64]), "TDX1003")
      expect(error(description, ["V": 65]), "TDX1003")
      #expect(error(description, ["V": 62]) == nil)
    }
  }

  @Test("TDX1004: a parameter that is not declared") func parameter() {
    let stray = Parameter("STRAY", 0...2, default: 1)
    expect(error { Action("a") { Require(part.small < stray) } }, "TDX1004")
  }

  @Test("TDX1005: inside and at name nothing") func places() {
    let insider = Always("I", "") { !inside("nobody") }
    expect(error(describe(part, [insider]) {}), "TDX1005")
    let nowhere = Always("A", "") { !at("nowhere") }
    let work = Action("works", by: Worker.self) { Step("here") { part.flag <- true } }
    expect(error(describe(part, [nowhere]) { work }), "TDX1005")
    #expect(error(describe(part, [Always("A", "") { !at("here") }]) { work }) == nil)
  }

  @Test("TDX1006, TDX1007: a constant that is not declared, or out of its type")
  func constants() {
    let stray = Constant(V.self, Bool.self) { v, _ in v % 2 }
    let action = Action("a") { Require(exists(V.self) { v in stray[v] }) }
    expect(error { action }, "TDX1006")
    struct Part: SpecPart { let wrong = Constant(V.self, W.self) { v, _ in v + 7 } }
    let wrong = Part()
    let owned = Action("a") { Require(forAll(V.self) { v in wrong.wrong[v] == wrong.wrong[v] }) }
    expect(error(describe(wrong) { owned }), "TDX1007")
  }

  @Test("TDX1008: a variable that is not declared, read or written") func stray() {
    let stray = Var(false)
    expect(error { Action("a") { Require(stray) } }, "TDX1008")
    expect(error { Action("a") { stray <- true } }, "TDX1008")
  }

  @Test("TDX1009: an initial value out of range") func initial() {
    struct Part: SpecPart { let count = Var(5, in: 0...3) }
    let line = #line - 1
    expect(error(describe(Part()) {}), "TDX1009", line: line)
  }

  @Test("a present optional is a constant to start from") func optionalInitial() throws {
    struct Part: SpecPart { let color = Map(V.self, Color?.some(.blue)) }
    let description = describe(Part()) {}
    #expect(error(description) == nil)
    let program = try? Program(description)
    #expect(program?.initial == [3, 3, 3])
  }

  @Test("TDX1101: a call of itself") func recursion() {
    func deeper(_ depth: Int) -> Action {
      Action("deep") { if depth > 0 { Call(deeper(depth - 1)) } else { part.flag <- true } }
    }
    let line = #line - 2
    expect(
      error { Action("start", by: Worker.self) { Call(deeper(1)) } }, "TDX1101", line: line)
  }

  @Test("TDX1103: what takes several steps stands inside one") func insideStep() {
    let line = #line + 3
    let action = Action("a", by: Worker.self) {
      Step("one") {
        Holding(part.mutex) { part.flag <- true }
      }
    }
    expect(error { action }, "TDX1103", line: line)
    let inner = Action("inner") { part.flag <- true }
    expect(error { Action("a") { Call(inner) } }, "TDX1103")
    expect(error { Action("a") { ForEach(V.self) { v in part.cell[v] <- true } } }, "TDX1103")
    expect(
      error { Action("a") { TryHolding(part.mutex, else: .EBUSY) { part.flag <- true } } },
      "TDX1103")
  }

  @Test("TDX1104: a check after a write") func lateCheck() {
    let line = #line + 4
    let action = Action("a", by: Worker.self) {
      Step("one") {
        part.flag <- true
        Check(part.small < 1, else: .EBUSY)
      }
    }
    expect(error { action }, "TDX1104", line: line)
    let under = Action("a") {
      When(part.flag) { part.small <- 1 }
      Check(part.flag, else: .EBUSY)
    }
    expect(error { under }, "TDX1104")
  }

  @Test("TDX1106, TDX1107: two of one name") func twice() {
    let line = #line + 3
    let two = [
      Action("same") { part.flag <- true },
      Action("same") { part.flag <- false },
    ]
    expect(error { two }, "TDX1106", line: line)
    let property = Always("P", "") { part.flag }
    let second = Forbidden("P", "") { part.flag }
    expect(error(describe(part, [property, second]) {}), "TDX1107", line: second.location.line)
  }

  @Test("TDX1108: a loop's filter reads shared state") func filter() {
    let line = #line + 2
    let action = Action("a", by: Worker.self) {
      ForEach(V.self, where: { v in !part.cell[v] }) { v in part.cell[v] <- false }
    }
    expect(error { action }, "TDX1108", line: line)
  }

  @Test("TDX1202: a cell of too many bits") func wide() {
    struct Part: SpecPart { let wide = Var(0, in: 0...(1 << 62)) }
    expect(error(describe(Part()) {}), "TDX1202")
    struct Fits: SpecPart { let wide = Var(0, in: 0...((1 << 62) - 1)) }
    #expect(error(describe(Fits()) {}) == nil)
  }

  @Test("TDX2001, TDX2002, TDX2003: scopes and parameters") func scopes() {
    let description = describe(part) {}
    expect(error(description, scope: "race"), "TDX2001")
    expect(error(description, ["NOPE": 1]), "TDX2002")
    expect(error(description, ["workers": 5]), "TDX2003")
    expect(error(description, ["workers": 0]), "TDX2003")
    #expect(error(description, ["NOPE": 1])?.suggestion?.contains("workers") == true)
  }

  @Test("TDX2010: more conditions than a mask has bits") func monitors() throws {
    let properties = (0..<65).map { index in Always("P\(index)", "") { part.flag } }
    let program = try Program(describe(part, properties) {})
    let monitors = program.properties.map(Monitor.decisive)
    #expect(throws: SpecError.self) {
      _ = try GuardTable(GroundProgram(program), monitors: monitors)
    }
    #expect(throws: SpecError.self) { _ = try TreeEngine(program, monitors: monitors) }
  }

  // MARK: Steps that go wrong

  /// The error of the first step out of the initial state, which both engines must give.
  private func fault(_ action: Action) throws -> SpecError? {
    let program = try Program(describe(part) { action })
    let comparison = try EngineComparison(program)
    #expect(comparison.firstDifference() == nil)
    #expect(comparison.faults == 1)
    do {
      _ = try Interpreter(program).transitions(from: program.initial)
      return nil
    } catch {
      return error
    }
  }

  @Test("TDX3002: out of range, above and below") func overflow() throws {
    let line = #line + 1
    expect(try fault(Action("up") { part.small <- part.small + 3 }), "TDX3002", line: line)
    expect(try fault(Action("down") { part.small <- part.small - 1 }), "TDX3002")
    expect(try fault(Action("far") { part.small <- Int.max }), "TDX3002")
  }

  @Test("TDX3003: one element written twice in a step") func twiceWritten() throws {
    let line = #line + 3
    let action = Action("twice", by: Worker.self) {
      Step("both") {
        part.small <- 1
        part.small <- 2
      }
    }
    expect(try fault(action), "TDX3003", line: line + 1)
    expect(
      try fault(
        Action("elements") {
          Each(V.self) { v in Each(V.self) { w in When(w != v) { part.cell[w] <- true } } }
        }), "TDX3003")
    expect(
      try fault(
        Action("set") {
          part.threads <- .all
          When(!part.flag) { part.threads <- .empty }
        }), "TDX3003")
  }

  @Test("two writes under conditions that exclude each other are fine") func exclusive() throws {
    let action = Action("either") {
      When(part.flag) {
        part.small <- 1
      } else: {
        part.small <- 2
      }
      Each(V.self) { v in part.cell[v] <- part.flag }
      part.flag <- !part.flag
    }
    let comparison = try EngineComparison(Program(describe(part) { action }))
    #expect(comparison.firstDifference() == nil)
    #expect(comparison.faults == 0)
    #expect(comparison.states == 3)
  }
}
