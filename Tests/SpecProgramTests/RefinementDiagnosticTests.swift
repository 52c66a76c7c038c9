import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

private struct Below: SpecPart {
  let flag = Var(false)
  let cell = Map(V.self, false)
  let color = Map(V.self, Color.red)
  let number = Var(0, in: 0...9)
}

private enum Stranger: Sort {}

/// An abstract spec put together in a test.
private struct Above<Part: SpecPart>: Spec {
  static var name: String { "test/above" }
  let summary = "built in a test"
  let vs = Parameter("V", of: V.self, 1...40, default: 3)
  let strangers = Parameter("strangers", of: Stranger.self, 1...2, default: 1)
  let limit = Parameter("LIMIT", 0...5, default: 4)
  let part: Part
  var actions: [Action] = [Action("stays") { Require(Condition(.yes)) }]
  var properties: [Property] { [] }
}

private struct Flag: SpecPart { let flag = Var(false) }
private struct Cells: SpecPart {
  let cell = Map(V.self, false)
  let pair = Map2(V.self, Bool.self, Color.red)
}

@Suite("Refinement: diagnostics") struct RefinementDiagnosticTests {
  private let part = Below()

  private func error<P: SpecPart>(
    _ above: Above<P>, _ overrides: [String: Int] = [:],
    @ListBuilder<MapClause> _ maps: (Above<P>) -> [MapClause]
  ) -> SpecError? {
    let property = Refines("R", "refines", above, maps)
    let description = describe(part, [property]) { Action("a") { part.flag <- true } }
    do throws(SpecError) {
      let program = try Program(
        description, ResolvedScope(description, overrides: overrides),
        ProgramOptions(fuseReleases: false))
      _ = try RefinementMap(program, property)
      return nil
    } catch {
      return error
    }
  }

  private func expect(
    _ error: SpecError?, _ code: String, line: Int? = nil,
    _ place: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(error?.code == code, sourceLocation: place)
    #expect(error?.location != nil, sourceLocation: place)
    if let line { #expect(error?.location?.line == line, sourceLocation: place) }
    #expect(error?.suggestion?.isEmpty == false, sourceLocation: place)
  }

  @Test("a whole map is none") func whole() {
    #expect(error(Above(part: Flag())) { Maps($0.part.flag, to: part.flag) } == nil)
    let both = error(Above(part: Cells())) { above in
      Maps(above.part.cell) { v in part.cell[v] }
      Maps(above.part.pair) { v, _ in part.color[v] }
    }
    #expect(both == nil)
  }

  @Test("TDX1130: the abstract spec has threads or locks") func threads() {
    let procedure = Action("calls", by: Worker.self) { Step("one") { Require(Condition(.yes)) } }
    let threaded = Above(part: Flag(), actions: [procedure])
    expect(error(threaded) { Maps($0.part.flag, to: part.flag) }, "TDX1130")
    struct Locked: SpecPart { let mutex = Lock("mutex", rank: 1) }
    expect(error(Above(part: Locked())) { _ in [MapClause]() }, "TDX1130")
  }

  @Test("TDX1131: a variable is not mapped") func missing() {
    let found = error(Above(part: Cells())) { above in
      Maps(above.part.cell) { v in part.cell[v] }
    }
    expect(found, "TDX1131")
    #expect(found?.message.contains("pair") == true)
  }

  @Test("TDX1132: a variable is mapped twice") func twice() {
    let line = #line + 3
    let found = error(Above(part: Flag())) { above in
      Maps(above.part.flag, to: part.flag)
      Maps(above.part.flag, to: true)
    }
    expect(found, "TDX1132", line: line)
  }

  @Test("TDX1133: a variable of another spec is mapped") func another() {
    let other = Flag()
    let line = #line + 2
    let found = error(Above(part: Flag())) { _ in
      Maps(other.flag, to: part.flag)
    }
    expect(found, "TDX1133", line: line)
  }

  @Test("TDX1134: a sort that the detailed spec lacks") func sorts() {
    struct Strange: SpecPart { let cell = Map(Stranger.self, false) }
    expect(error(Above(part: Strange())) { Maps($0.part.cell) { _ in part.flag } }, "TDX1134")
    struct Values: SpecPart { let value = Var(Stranger?.none) }
    expect(error(Above(part: Values())) { Maps($0.part.value, to: nil) }, "TDX1134")
    struct Sets: SpecPart { let set = Var(SetOf<Stranger>.empty) }
    expect(error(Above(part: Sets())) { Maps($0.part.set, to: .empty) }, "TDX1134")
  }

  @Test("TDX1135: a map reads what is no state of the detailed spec") func strange() {
    let line = #line + 1
    let own = error(Above(part: Flag())) { Maps($0.part.flag, to: $0.part.flag) }
    expect(own, "TDX1135", line: line)
    let local = Local<Bool>("local")
    expect(error(Above(part: Flag())) { Maps($0.part.flag, to: local) }, "TDX1135")
  }

  @Test("mistakes within a map have its place") func within() {
    let line = #line + 1
    let found = error(Above(part: Flag())) { Maps($0.part.flag, to: inside("nobody")) }
    expect(found, "TDX1005", line: line)
  }

  @Test("behaviour of the abstract spec reads a ghost") func ghost() {
    struct Haunted: SpecPart { let ghost = Ghost(false) }
    let part = Haunted()
    let reads = Action("reads") { Require(part.ghost) }
    expect(error(Above(part: part, actions: [reads])) { _ in [MapClause]() }, "TDX1109")
  }

  @Test("TDX2023: too many bits; TDX2024: sizes that the abstract spec cannot have")
  func sizes() {
    func cells(_ size: Int) -> SpecError? {
      error(Above(part: Cells()), ["V": size]) { above in
        Maps(above.part.cell) { v in part.cell[v] }
        Maps(above.part.pair) { v, _ in part.color[v] }
      }
    }
    // A cell and two colours of two bits each.
    #expect(cells(12) == nil)
    expect(cells(13), "TDX2023")
    expect(cells(41), "TDX2024")
  }

  @Test("sizes and parameters are those of the detailed spec") func scope() throws {
    struct Limited: SpecPart { let LIMIT = Parameter("LIMIT", 0...9, default: 2) }
    let limited = Limited()
    let above = Above(part: Flag())
    let property = Refines("R", "refines", above) { Maps($0.part.flag, to: false) }
    let description = describe(limited, [property]) {}
    let program = try Program(description, ["V": 7, "LIMIT": 3], fuse: false)
    let map = try RefinementMap(program, property)
    #expect(map.abstract.scope.value(of: "V") == 7)
    #expect(map.abstract.scope.value(of: "LIMIT") == 3)
    #expect(map.abstract.scope.value(of: "strangers") == 1)
    let more = try Program(description, ["LIMIT": 6], fuse: false)
    #expect(throws: SpecError.self) { try RefinementMap(more, property) }
  }

  @Test("TDX3005: a value that its variable cannot have") func outside() throws {
    struct Small: SpecPart { let number = Var(0, in: 0...3) }
    let property = Refines("R", "refines", Above(part: Small())) {
      Maps($0.part.number, to: part.number)
    }
    let description = describe(part, [property]) {}
    let program = try Program(description, fuse: false)
    let map = try RefinementMap(program, property)
    var state = program.initial
    let cell = try #require(program.cells.firstIndex { $0.name == "number" })
    state[cell] = 3
    #expect(try map.state(of: state) == 3)
    state[cell] = 4
    do throws(SpecError) {
      _ = try map.state(of: state)
      Issue.record("the state maps to something")
    } catch {
      #expect(error.code == "TDX3005")
      #expect(error.location == property.refinement?.maps[0].location)
    }
  }

  @Test("answers are mapped by what they are, not by their numbers") func answers() throws {
    struct Last: SpecPart { let last = Var(Outcome.EIO) }
    let low = Last()
    let high = Last()
    let call = Action("call") { low.last <- .EBUSY }
    let property = Refines("R", "refines", Above(part: high)) { _ in
      Maps(high.last, to: low.last)
    }
    let description = describe(low, [property]) {
      Action("first", by: Worker.self) { Check(low.last == .EIO, else: .EINVAL) }
      call
    }
    let program = try Program(description, fuse: false)
    let map = try RefinementMap(program, property)
    #expect(program.outcomes.firstIndex(of: .EIO) != map.abstract.outcomes.firstIndex(of: .EIO))
    #expect(try map.state(of: program.initial) == map.initial)
  }
}
