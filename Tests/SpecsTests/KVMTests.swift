import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import KVMSpecs
@testable import Reductions
@testable import SpecProgram
@testable import TDXModuleSpecs

/// `kvm/tdx` and the module's tables that it makes its SEAMCALLs from.
@Suite("KVM's TDX support") struct KVMTests {
  @Test("every leaf that KVM calls has a row in the module's tables") func rows() throws {
    for leaf in Leaf.allCases {
      #expect(leaf.row != nil, "\(leaf.name)")
    }
    #expect(Leaf.memPageAdd.row?.tdr == .exclusive)
    #expect(Leaf.memRangeBlock.row?.tdr == .shared)
    #expect(Leaf.vpInit.row?.tdr == .exclusive)
    #expect(Leaf.phymemCacheWB.row?.tdr == nil)
    #expect(LeafRow("MEM.PAGE.EAT") == nil)
  }

  /// The states of a scope without reductions but fusion, and the properties that break there.
  static func explore(_ scope: String) throws -> (states: Int, broken: Set<String>) {
    let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
    let program = try Program(spec, ResolvedScope(spec, scope: scope))
    let claims = program.properties.filter {
      if case .always = $0.property.kind { true } else { false }
    }
    let table = try GuardTable(
      GroundProgram(program), monitors: MonitorPlan(claims).monitors)
    let result = try Search(table, claims).run()
    let broken = zip(claims, result.findings).filter { $0.1.state != nil }.map { $0.0.property.id }
    return (result.states, Set(broken))
  }

  @Test("a removal meets FINALIZE_VM only where two threads build") func finalize() throws {
    #expect(try Self.explore("build").broken == ["S-23"])
    #expect(
      try Self.explore("build-build").broken == ["S-21-finalize", "S-7-failed", "S-23"])
  }

  @Test("a vCPU's association is lost while its TD is built, and not while it runs")
  func association() throws {
    let broken: Set = ["S-18", "S-19", "S-23", "S-33", "S-34"]
    #expect(try Self.explore("migration").broken == broken)
    #expect(try Self.explore("hotplug").broken == broken)
    #expect(try Self.explore("hotplug-run").broken.isEmpty)
  }

  @Test(
    "signals, failing allocations and the process's end leave nothing behind",
    arguments: ["no-memory", "exit"])
  func surroundings(_ scope: String) throws {
    #expect(try Self.explore(scope).broken.isEmpty)
  }

  @Test("what is expected depends on the calls that a scope's threads make")
  func expectations() throws {
    func property(_ id: String, _ scope: String?) throws -> ResolvedProperty {
      let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
      let program = try Program(spec, ResolvedScope(spec, scope: scope))
      return try #require(program.properties.first { $0.property.id == id })
    }
    #expect(try property("S-4", "creation").property.expected == .vacuous)
    #expect(try property("S-4", "two-vcpus").property.expected == nil)
    #expect(try property("S-4", nil).property.expected == nil)
    #expect(try property("S-7-failed", "faults").property.expected == .violated)
    #expect(try property("S-7-failed", "pins").property.expected == nil)
    #expect(try property("L-4", nil).isRuledOut)
    #expect(try !property("L-4", "obsolete-root").isRuledOut)
  }

  @Test("two vCPUs that fault on one page do not meet in the module") func faults() throws {
    #expect(try Self.explore("two-vcpus").broken.isEmpty)
  }
}
