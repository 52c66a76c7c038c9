import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

@Suite("Huge pages of guest_memfd") struct HugePageTests {
  private static func check(_ name: String, _ scope: String) throws -> HKIDTests.Checked {
    let description = try #require(Catalogue.entry(named: name)).describe()
    var program = try Program(description, try ResolvedScope(description, scope: scope))
    // Lemmas are for proofs; with them there is more to watch than one search can.
    program.properties.removeAll { $0.property.isLemma }
    let plan = MonitorPlan(program.properties)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let result = try Search(table, program.properties).run()
    return HKIDTests.Checked(program: program, result: result)
  }

  /// What holds and has been looked at: all but what the scope's expectations say.
  @Test(
    "counts, verdicts and premises of each policy and protection",
    arguments: [
      ("small", 151_214, 1_039_466, 35), ("tdx", 188_804, 1_242_912, 38),
      ("snp", 199_488, 1_353_752, 37), ("demand", 178_824, 1_206_820, 38),
      ("reboot", 166_616, 1_135_592, 39), ("deferred", 161_544, 1_103_548, 38),
      ("never", 160_704, 1_099_964, 39),
    ] as [(String, Int, Int, Int)])
  func exhausted(scope: String, states: Int, transitions: Int, diameter: Int) throws {
    let found = try Self.check("gmem/huge-pages", scope)
    #expect(found.result.end == .exhausted)
    #expect(found.result.states == states)
    #expect(found.result.transitions == transitions)
    #expect(found.result.diameter == diameter)
    for (property, finding) in zip(found.program.properties, found.result.findings) {
      let id = property.property.id
      guard case .always = property.property.kind else { continue }
      #expect(finding.state == nil, "\(id)")
      if property.premise != nil {
        #expect(finding.premiseSeen == (property.property.expected != .vacuous), "\(id)")
      }
    }
  }

  @Test("RFC v2: what is expected to be violated is, and nothing else") func rfc() throws {
    let found = try Self.check("gmem/huge-pages-rfc-v2", "small")
    #expect(found.result.end == .exhausted)
    for (property, finding) in zip(found.program.properties, found.result.findings) {
      guard case .always = property.property.kind else { continue }
      let id = property.property.id
      #expect((finding.state != nil) == (property.property.expected == .violated), "\(id)")
    }
    let violated = found.program.properties.filter { $0.property.expected == .violated }
    #expect(
      Set(violated.map(\.property.id)).isSuperset(of: [
        "I-S", "I-COVER", "I-ROLLBACK", "I-CONV-ATOMIC", "I-SPTE-KIND", "I-UNAFFECTED",
        "I-RESV-EACH", "P-UNWIND",
      ]))
  }
}
