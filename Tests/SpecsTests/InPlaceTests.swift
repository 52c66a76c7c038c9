import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

@Suite("In-place conversion with TDX and SEV-SNP") struct InPlaceTests {
  private static func check(_ name: String, _ scope: String) throws -> HKIDTests.Checked {
    let description = try #require(Catalogue.entry(named: name)).describe()
    var program = try Program(description, try ResolvedScope(description, scope: scope))
    // Scenarios, ends and refinements have searches of their own.
    program.properties.removeAll { property in
      switch property.property.kind {
      case .always, .possible: false
      default: true
      }
    }
    let plan = MonitorPlan(program.properties)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let result = try Search(table, program.properties).run()
    return HKIDTests.Checked(program: program, result: result)
  }

  /// What holds, what does not and what says nothing is as the scope expects it.
  @Test(
    "counts, verdicts and premises of each order of teardown and each protection",
    arguments: [
      ("gmem/in-place-tdx", "small", 1_383_152, 3_749_491, 145),
      ("gmem/in-place-tdx", "large", 2_763_252, 9_000_591, 150),
      ("gmem/in-place-tdx", "poison", 1_619_534, 4_277_474, 142),
      ("gmem/in-place-tdx", "build", 1_576_311, 4_101_429, 204),
      ("gmem/in-place-tdx", "build-safe", 988_597, 2_469_952, 180),
      ("gmem/in-place-tdx-terminate", "small", 4_280_628, 11_710_439, 165),
      ("gmem/in-place-tdx-terminate", "gated", 2_078_226, 5_482_146, 160),
      ("gmem/in-place-snp", "small", 104_270, 296_766, 78),
      ("gmem/in-place-snp", "large", 733_578, 2_097_574, 87),
    ] as [(String, String, Int, Int, Int)])
  func exhausted(
    name: String, scope: String, states: Int, transitions: Int, diameter: Int
  ) throws {
    let found = try Self.check(name, scope)
    #expect(found.result.end == .exhausted)
    #expect(found.result.states == states)
    #expect(found.result.transitions == transitions)
    #expect(found.result.diameter == diameter)
    for (property, finding) in zip(found.program.properties, found.result.findings) {
      let (id, expected) = (property.property.id, property.property.expected)
      switch property.property.kind {
      case .always:
        #expect((finding.state != nil) == (expected == .violated), "\(id)")
        if property.premise != nil, expected != .violated {
          #expect(finding.premiseSeen == (expected != .vacuous), "\(id)")
        }
      case .possible:
        #expect((finding.state != nil) == (expected != .vacuous), "\(id)")
      default: Issue.record("\(id) is not looked at")
      }
    }
  }

  /// A mutation of the part that specs share is one of each spec that has it.
  @Test("the conversion of the three protections is one and the same") func oneConversion() throws {
    let conversions = try ["gmem/in-place", "gmem/in-place-tdx", "gmem/in-place-snp"].map { name in
      let spec = try #require(Catalogue.entry(named: name)).describe()
      return try #require(spec.actions.first { $0.name == "KVM_SET_MEMORY_ATTRIBUTES2" })
    }
    #expect(Set(conversions.map(\.location)).count == 1)
    #expect(Set(conversions.map { $0.arguments.count }) == [5])
  }
}
