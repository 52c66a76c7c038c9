import Catalogue
import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

@Suite("Both engines on every transition of the bundled specs") struct EngineTests {
  private func compare(
    _ name: String, _ overrides: [String: Int], fuse: Bool = true
  ) throws -> EngineComparison {
    let whole = try #require(Catalogue.entry(named: name)).describe()
    // What is asked of every architecture repeats what the designs' own properties look at.
    let description = SpecDescription(
      whole, properties: whole.properties.filter { !$0.id.hasPrefix("Q-") })
    let comparison = try EngineComparison(Program(description, overrides, fuse: fuse))
    let difference = comparison.firstDifference()
    #expect(difference == nil)
    #expect(comparison.faults == 0)
    return comparison
  }

  @Test("benchmark", arguments: [(1, 1, 219, 571), (2, 2, 3_768, 15_037)])
  func benchmark(n: Int, p: Int, states: Int, transitions: Int) throws {
    let found = try compare("bench/tdx-teardown", ["N": n, "P": p, "L": 1, "F": 1])
    #expect(found.states == states)
    #expect(found.transitions == transitions)
  }

  @Test(
    "teardown at one of everything and two threads",
    arguments: ["mainline", "terminate-vm-v4", "terminate-vm-lock-first"])
  func teardown(name: String) throws {
    let small = ["vcpus": 1, "pages": 1, "files": 1, "threads": 2]
    let found = try compare("teardown/\(name)", small)
    #expect(found.states > 1000)
  }

  @Test("the TDX module at three pages, with operands that name nothing") func module() throws {
    let found = try compare(
      "tdx/module",
      [
        "tds": 1, "hkids": 1, "pages": 3, "loose": 3, "units": 3, "entries": 2, "columns": 1,
        "span": 2, "epochs": 3, "bad_operands": 1, "sub_blocks": 2,
      ])
    #expect(found.states > 100)
  }

  @Test("teardown without fused releases, one thread") func unfused() throws {
    let tiny = ["vcpus": 1, "pages": 1, "files": 1, "threads": 1]
    let plain = try compare("teardown/terminate-vm-v4", tiny, fuse: false)
    let fused = try compare("teardown/terminate-vm-v4", tiny)
    #expect(plain.states > fused.states)
  }

  @Test(
    "well-nested specs pay nothing for lock order and balance",
    arguments: ["mainline", "terminate-vm-v4", "terminate-vm-lock-first"])
  func wellNested(name: String) throws {
    let program = try Program(
      #require(Catalogue.entry(named: "teardown/\(name)")).describe(), [:])
    for id in ["lock-order", "lock-balance"] {
      let property = try #require(program.properties.first { $0.property.id == id })
      #expect(property.term == .and([]), "\(id)")
    }
  }
}
