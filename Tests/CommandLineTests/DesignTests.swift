import Testing

@Suite("The designs of the mails") struct DesignTests {
  static let scopes = [
    ("teardown/release-hint", "small"), ("teardown/release-hint", "hint"),
    ("teardown/deferred-removal", "small"), ("teardown/deferred-removal", "link"),
    ("teardown/terminate-vm-settled", "small"), ("teardown/terminate-vm-settled", "link"),
  ]

  @Test("every verdict is the expected one, at every parameter", arguments: scopes)
  func expected(_ spec: String, _ scope: String) throws {
    let result = try Tool.run(["check", "--expected", spec, "--scope", scope])
    #expect(result.status == 0, "\(result.output)")
  }

  private func verdict(_ id: String, _ spec: String, _ scope: String) throws -> String? {
    let result = try Tool.run(["check", spec, "--scope", scope, "--property", id, "--json"])
    return try result.events().first { $0["property"] as? String == id }?["verdict"] as? String
  }

  @Test("the hint makes the difference between the notifier and the ioctl") func hint() throws {
    for id in ["S-23", "S-36", "L-5", "L-8-exit"] {
      #expect(try verdict(id, "teardown/release-hint", "small") == "EXHAUSTED", "\(id)")
      #expect(try verdict(id, "teardown/release-hint", "hint") == "VIOLATED", "\(id)")
    }
  }

  @Test("a memslot can be deleted after TERMINATE in the settled design only") func memslots()
    throws
  {
    #expect(try verdict("S001-Q", "teardown/terminate-vm-settled", "small") == "WITNESSED")
    #expect(try verdict("S001-Q", "teardown/terminate-vm-v4", "small") == "VACUOUS")
  }

  @Test("memory that a reboot is to keep needs the inode link") func reboot() throws {
    #expect(try verdict("S001-R", "teardown/terminate-vm-settled", "small") == "VACUOUS")
    #expect(try verdict("S001-R", "teardown/terminate-vm-settled", "link") == "WITNESSED")
  }
}
