import Catalogue
import Testing

/// The teardown designs from KVM_CREATE_VM on.
@Suite("Teardown specs from creation") struct BuildTests {
  static let designs = [
    "mainline", "release-hint", "deferred-removal", "terminate-vm-v4", "terminate-vm-lock-first",
    "terminate-vm-settled",
  ]

  @Test("every verdict is as its author expects", arguments: designs, ["build", "build-safe"])
  func expectations(name: String, scope: String) throws {
    let found = try TeardownTests.check(name, scope: scope)
    #expect(found.result.end == .exhausted)
    TeardownTests.expectAsStated(found)
  }

  @Test("what is wrong with mainline is a removal while the TD is finalised")
  func mainline() throws {
    let found = try TeardownTests.check("mainline", scope: "build").verdicts
    let safe = try TeardownTests.check("mainline", scope: "build-safe").verdicts
    let broken = found.filter { $0.value == .violated }.map(\.key)
    #expect(
      Set(broken) == ["S-8", "S-23", "L-12", "M-1", "M-3", "M-6", "M-8", "M-10", "M-14"])
    #expect(!safe.values.contains(.violated))
    #expect(found["F-4"] == .reached && safe["F-4"] == .neverReached)
  }
}
