import Catalogue
import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

@Suite(.serialized) struct StepFactTests {
  static let small = ["vcpus": 1, "pages": 1, "files": 1]

  private func ground(
    _ name: String, _ sizes: [String: Int], _ extra: [Property] = []
  ) throws -> GroundProgram {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    let larger = SpecDescription(spec, properties: spec.properties + extra)
    return try GroundProgram(try Program(larger, ResolvedScope(larger, overrides: sizes)))
  }

  /// The claims that are proved by induction, without any other method.
  private func proved(_ ground: GroundProgram, seconds: Double = 240) throws -> Set<String> {
    var plan = ProofPlan()
    plan.methods = [.induction]
    var found: Set<String> = []
    let claims = ground.program.properties.filter {
      if case .always = $0.property.kind { !$0.isBuiltIn } else { false }
    }
    try Prover(ground, seconds: seconds).answerAll(claims, plan) { report in
      guard case .proved(.induction, 1, _) = report.outcome else { return }
      found.insert(report.property.property.id)
    }
    return found
  }

  @Test(arguments: [
    ("tutorial/ticket-lock", [:]), ("teardown/mainline", small),
    ("teardown/terminate-vm-v4", small),
  ])
  func factsHoldInEveryReachableStateAndAreInductive(
    _ name: String, _ sizes: [String: Int]
  ) throws {
    let ground = try ground(name, sizes)
    let candidates = ground.stepFacts.map { LemmaCandidate($0) }
    #expect(!candidates.isEmpty)
    let filter = PlainFilter(ground, candidates)
    try filter.run { () throws(SolverError) in }
    #expect(filter.alive.allSatisfy { $0 })
    for state in ProverTests().reachable(ground.program, limit: 1_000) {
      #expect(candidates.allSatisfy { $0.holds(in: state, ground.program.cells) })
    }
  }

  @Test(arguments: [
    "teardown/mainline", "teardown/release-hint", "teardown/deferred-removal",
    "teardown/terminate-vm-settled",
  ])
  func everyClaimIsProved(_ name: String) throws {
    let ground = try ground(name, Self.small)
    let ids = ground.program.properties.compactMap { property -> String? in
      if case .always = property.property.kind {
        property.isBuiltIn ? nil : property.property.id
      } else {
        nil
      }
    }
    #expect(try proved(ground) == Set(ids))
  }

  /// Both types of VM, and user space that maps, writes and pins pages.
  static let mainlineSizes = [
    "threads": 2, "files": 2, "pages": 2, "indices": 2, "slots": 2, "TYPE": 2, "WRITES": 1,
    "CARRIERS": 1,
  ]

  /// With an RMP every claim says something.
  @Test(arguments: [
    ("gmem/in-place", ["vcpus": 2, "pages": 2, "BACKEND": 1, "HOLDERS": 1]),
    ("gmem/huge-pages", ["pages": 2]), ("gmem/huge-pages", ["pages": 2, "BACKEND": 1]),
    ("gmem/huge-pages", ["pages": 2, "BACKEND": 2]),
    ("gmem/mainline", Self.mainlineSizes),
  ])
  func claimsAboutGuestMemfdAreProved(_ name: String, _ sizes: [String: Int]) throws {
    let ground = try ground(name, sizes)
    let ids = ground.program.properties.compactMap { property -> String? in
      guard case .always = property.property.kind, !property.isBuiltIn else { return nil }
      return property.property.expected == nil ? property.property.id : nil
    }
    #expect(ids.count > 30)
    #expect(try proved(ground).isSuperset(of: ids))
  }

  /// The HKID is kept in order whatever a page's new owner does, and no page has two.
  @Test func whatHoldsWithALinkedInodeIsProved() throws {
    let sizes = Self.small.merging(["LINK": 1]) { $1 }
    let ids = try proved(ground("teardown/terminate-vm-settled", sizes))
    #expect(ids.isSuperset(of: ["S-2", "S-3", "S-4", "S-5", "S-7", "S-8", "S-11", "S-36"]))
    #expect(ids.isDisjoint(with: ["S-23", "S-23-new", "M-10"]))
  }

  @Test func whatV4ViolatesIsNotProved() throws {
    let ids = try proved(ground("teardown/terminate-vm-v4", Self.small))
    #expect(ids.isSuperset(of: ["S-2", "S-3", "S-4", "S-5"]))
    #expect(ids.isDisjoint(with: ["S-8", "S-11", "S-23", "S-36"]))
  }

  @Test func aWrongLemmaIsNotProvedAndProvesNothing() throws {
    let wrong = Lemma("X", "nobody runs a vCPU") { !inside("KVM_RUN") }
    let ids = try proved(ground("teardown/terminate-vm-lock-first", Self.small, [wrong]))
    #expect(!ids.contains("X"))
    #expect(ids.isSuperset(of: ["S-4", "S-8", "S-11", "S-23"]))
  }
}
