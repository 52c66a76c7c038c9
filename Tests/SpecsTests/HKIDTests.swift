import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

@Suite("The life of HKIDs") struct HKIDTests {
  struct Checked {
    let program: Program
    let result: SearchResult
  }

  static func check(_ scope: String?) throws -> Checked {
    let description = try #require(Catalogue.entry(named: "tdx/hkid")).describe()
    let resolved =
      try scope.map { try ResolvedScope(description, scope: $0) } ?? ResolvedScope(description)
    let program = try Program(description, resolved)
    let plan = MonitorPlan(program.properties)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let result = try Search(table, program.properties).run()
    return Checked(program: program, result: result)
  }

  @Test(
    "counts, verdicts and premises",
    arguments: [
      (nil, 232_730, 7_720_232, 27),
      ("small", 5_206, 111_804, 20),
    ] as [(String?, Int, Int, Int)])
  func exhausted(scope: String?, states: Int, transitions: Int, diameter: Int) throws {
    let found = try Self.check(scope)
    #expect(found.result.end == .exhausted)
    #expect(found.result.states == states)
    #expect(found.result.transitions == transitions)
    #expect(found.result.diameter == diameter)
    for (property, finding) in zip(found.program.properties, found.result.findings) {
      let id = property.property.id
      if case .always = property.property.kind {
        #expect(finding.state == nil, "\(id)")
        #expect(property.premise != nil && finding.premiseSeen, "\(id)")
      } else {
        #expect(finding.state != nil, "\(id)")
      }
    }
  }

  @Test("the lemmas are marked as such") func lemmas() throws {
    let properties = try #require(Catalogue.entry(named: "tdx/hkid")).describe().properties
    let lemmas = properties.filter(\.isLemma).map(\.id)
    #expect(lemmas == (1...9).map { "H-\($0)" })
    #expect(properties.filter { $0.id.hasPrefix("S-") }.map(\.isLemma).contains(true) == false)
  }
}
