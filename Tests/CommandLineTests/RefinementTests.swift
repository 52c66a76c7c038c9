import Foundation
import Testing

@Suite struct RefinementTests {
  static let mainline = "teardown/mainline"

  private func verdict(_ arguments: String...) throws -> [String: Any]? {
    let result = try Tool.run(["check", "--json"] + arguments)
    return try result.events().first {
      $0["event"] as? String == "verdict" && $0["refinement"] != nil
    }
  }

  @Test func theAnswerIsAnEvent() throws {
    let found = try verdict(Self.mainline, "--scope", "small", "--property", "R-1")
    #expect(found?["verdict"] as? String == "EXHAUSTED")
    #expect(found?["states"] as? Int == 33849)
    #expect((found?["reduction"] as? [Any])?.isEmpty == true)
    let refinement = found?["refinement"] as? [String: Any]
    #expect(refinement?["abstract"] as? String == "tdx/hkid-life")
    #expect(refinement?["states"] as? Int == 6)
    #expect(refinement?["steps"] as? Int == 5)
    #expect((refinement?["never_taken"] as? [Any])?.count == 5)
    #expect(refinement?["possible"] == nil)
  }

  @Test func aCounterexampleEndsWithTheStepThatIsNotAllowed() throws {
    let spec = "tutorial/lights"
    let found = try verdict(spec, "--set", "HASTY=1")
    #expect(found?["verdict"] as? String == "VIOLATED")
    let refinement = found?["refinement"] as? [String: Any]
    #expect(refinement?["before"] as? [String: String] == ["traffic": "westbound"])
    #expect(refinement?["after"] as? [String: String] == ["traffic": "eastbound"])
    #expect((refinement?["possible"] as? [Any])?.count == 1)
    let example = found?["counterexample"] as? [String: Any]
    #expect(example?["shortest"] as? Bool == true)
    #expect(example?["steps"] as? Int == 4)
    #expect(try Tool.run("check", spec).status == 0)
    let text = try Tool.run("check", spec, "--set", "HASTY=1")
    #expect(text.status == 1)
    for part in [
      "shortest counterexample", "is [traffic: westbound → eastbound]", "the last has left  [",
    ] {
      #expect(text.output.contains(part), "\(part)")
    }
  }

  @Test func limitsLeaveNoAnswer() throws {
    let found = try verdict(
      Self.mainline, "--scope", "small", "--only", "refinement", "--max-depth", "5")
    #expect(found?["verdict"] as? String == "BOUNDED")
    #expect(found?["reason"] as? String != nil)
  }

  @Test func itStandsAmongTheOthersWithASearchOfItsOwn() throws {
    let result = try Tool.run("check", Self.mainline, "--scope", "small", "--notes")
    #expect(result.output.contains("R-1, on the full graph: 33,849 states"))
    #expect(result.output.contains("note TDX4006: R-1: no step is “TDH.MNG.CREATE”"))
    let ids = try Tool.run("check", Self.mainline, "--scope", "small", "--json").events()
      .compactMap { $0["property"] as? String }
    #expect(ids.firstIndex(of: "R-1") == ids.firstIndex(of: "S-5").map { $0 + 1 })
    let safety = try Tool.run(
      "check", Self.mainline, "--scope", "small", "--only", "safety", "--json")
    #expect(!safety.output.contains("R-1"))
  }

  @Test func reductionsByNameAreRefused() throws {
    let refused = try Tool.run(
      "check", Self.mainline, "--property", "R-1", "--reduce", "symmetry")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("TDX2022"))
  }

  @Test func proveSaysThatItDoesNotDoRefinements() throws {
    let named = try Tool.run("prove", Self.mainline, "--property", "R-1")
    #expect(named.status == 2)
    #expect(named.errors.contains("tdx/hkid-life"))
  }

  @Test func listAndReadKnowThem() throws {
    let list = try Tool.run("list", Self.mainline)
    #expect(list.output.contains("(refines tdx/hkid-life)"))
    let events = try Tool.run("list", Self.mainline, "--json").events()
    let spec = events.first { $0["event"] as? String == "spec" }
    #expect(spec?["refinements"] as? [String] == ["R-1"])
    let read = try Tool.run("read", Self.mainline)
    #expect(read.output.contains("refines: tdx/hkid-life, where\n      key is configured if"))
  }
}
