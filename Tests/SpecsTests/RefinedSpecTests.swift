import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

@Suite("What others refine, and the tutorial") struct RefinedSpecTests {
  private func program(_ name: String, _ overrides: [String: Int] = [:]) throws -> Program {
    let description = try #require(Catalogue.entry(named: name)).describe()
    return try Program(
      description, ResolvedScope(description, overrides: overrides),
      ProgramOptions(fuseReleases: false))
  }

  @Test(
    "counts",
    arguments: [
      ("tdx/hkid-life", 9, 17, 5), ("tutorial/one-lane", 3, 5, 1), ("tutorial/lights", 17, 52, 4),
    ])
  func counts(name: String, states: Int, transitions: Int, diameter: Int) throws {
    let table = try GuardTable(GroundProgram(program(name)), monitors: [])
    let result = try Search(table, []).run()
    #expect(result.end == .exhausted)
    #expect(result.states == states)
    #expect(result.transitions == transitions)
    #expect(result.diameter == diameter)
  }

  @Test("hasty lights let cars meet, lights that wait do not", arguments: [0, 1])
  func lights(hasty: Int) throws {
    let program = try program("tutorial/lights", ["HASTY": hasty])
    let property = try #require(program.properties.first { $0.property.id == "B-2" })
    let map = try RefinementMap(program, property.property)
    let table = try GuardTable(GroundProgram(program), monitors: map.monitors)
    let finding = try RefinementSearch(table, map).run().finding
    #expect((finding.refutation != nil) == (hasty == 1))
    #expect(finding.abstractSteps == 4)
  }

  /// The abstract claims are those of the detailed specs, once the one refines the other.
  @Test("a key lives as it should") func keys() throws {
    let program = try program("tdx/hkid-life")
    let plan = MonitorPlan(program.properties)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let result = try Search(table, program.properties).run()
    for (property, finding) in zip(program.properties, result.findings) {
      let isReached = finding.state != nil
      #expect(isReached == (property.property.id == "reuse"), "\(property.property.id)")
    }
  }
}
