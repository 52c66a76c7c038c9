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
      Set(broken) == [
        "S-8", "S-9", "S-21", "S-23", "S-24", "L-12", "M-1", "M-3", "M-6", "M-8", "M-10", "M-14",
        "M-19", "Q-4",
      ])
    #expect(!safe.values.contains(.violated))
    #expect(found["F-4"] == .reached && safe["F-4"] == .neverReached)
  }

  /// V2's assertion is about users of the VM, which INIT_VM has when it fails; what V3 and V4 make
  /// of TDX_FLUSHVP_NOT_DONE does not matter, because it cannot be reached.
  @Test("V2 of TERMINATE_VM breaks S-39, V3 and V4 differ in nothing") func versions() throws {
    let found = try [2, 3, 4].map { version in
      let found = try TeardownTests.check(
        "terminate-vm-v4", scope: "build-safe", ["VERSION": version])
      TeardownTests.expectAsStated(found)
      return found.verdicts
    }
    #expect(found[1] == found[2])
    #expect(found[0]["S-39"] == .violated && found[2]["S-39"] == .holds)
    #expect(found[0].filter { $0.value != found[2][$0.key] }.map(\.key) == ["S-39"])
  }
}
