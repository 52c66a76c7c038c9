import Catalogue
import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

@Suite(.serialized) struct EverySizeTests {
  private func program(_ name: String, _ sizes: [String: Int] = [:]) throws -> Program {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    return try Program(spec, ResolvedScope(spec, overrides: sizes))
  }

  private func claims(_ program: Program) -> [ResolvedProperty] {
    program.properties.filter {
      if case .always = $0.property.kind { !$0.isBuiltIn } else { false }
    }
  }

  @Test func hkidLifeIsProvedForEveryNumber() throws {
    let program = try program("tdx/hkid")
    let prover = try EverySizeProver(program, seconds: 60)
    #expect(prover.obstacles(claims(program)).isEmpty)
    let (proved, dropped) = try prover.prove(claims(program))
    #expect(dropped.map(\.0.property.id).isEmpty, "\(dropped.map(\.1))")
    let ids = Set(proved.map(\.property.id))
    #expect(ids.isSuperset(of: ["S-1", "S-2", "S-3", "S-11"]))
  }

  /// The seeded bugs of the benchmark model must keep their properties from being proved.
  @Test func seededBugsAreNotProved() throws {
    for (bug, id) in [(1, "I1"), (2, "I2")] {
      let program = try program("bench/tdx-teardown", ["BUG": bug])
      let (proved, _) = try EverySizeProver(program, seconds: 120).prove(claims(program))
      #expect(!proved.contains { $0.property.id == id })
    }
  }

  @Test func obstaclesHavePlaces() throws {
    let program = try program("teardown/mainline")
    let obstacles = try EverySizeProver(program, seconds: 120).obstacles(claims(program))
    #expect(obstacles.contains { $0.what == "KVM_RUN is a procedure with threads" })
    #expect(obstacles.allSatisfy { $0.location != nil })
  }
}
