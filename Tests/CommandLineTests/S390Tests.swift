import Testing

@Suite("Teardown on s390, SEV-SNP and Arm CCA") struct S390Tests {
  static let scopes = [
    ("s390/sync", ["small", "failing", "shared", "memslots", "foreign"]),
    ("s390/kthread", ["failing"]),
    (
      "s390/async",
      [
        "small", "failing", "slow", "slow-failing", "segment", "memslots", "memslots-host-walk",
        "foreign", "slow-shared", "ordinary",
      ]
    ),
    ("snp/teardown", ["small"]), ("cca/teardown", ["small", "mapped-by-pages"]),
  ].flatMap { spec, scopes in scopes.map { (spec, $0) } }

  @Test("every verdict is the expected one", arguments: scopes)
  func expected(_ spec: String, _ scope: String) throws {
    let result = try Tool.run(["check", "--expected", spec, "--scope", scope])
    #expect(result.status == 0, "\(result.output)")
  }

  private func verdict(_ id: String, _ spec: String, _ options: String...) throws -> String? {
    let result = try Tool.run(["check", spec, "--property", id, "--json"] + options)
    return try result.events().first { $0["property"] as? String == id }?["verdict"] as? String
  }

  @Test("set-aside pages are what seed 002 is about; versions 4 and 5 have none") func list() throws
  {
    let early = ["--scope", "small", "--set", "VERSION=3"]
    let late = ["--scope", "counted"]
    for id in ["MP-4", "MP-1", "D-A2"] {
      let found = try Tool.run(["check", "s390/kthread", "--property", id] + early)
      #expect(found.output.contains("VIOLATED    \(id)"), "\(id)")
    }
    for id in ["MP-4", "MP-1", "SI-1", "SI-2"] {
      let found = try Tool.run(["check", "s390/kthread", "--property", id] + late)
      #expect(found.output.contains("EXHAUSTED   \(id)"), "\(id)")
    }
  }

  @Test("memslots that change lose pages where the guest's tables are walked") func memslots()
    throws
  {
    #expect(try verdict("SI-2", "s390/async", "--scope", "memslots") == "VIOLATED")
    #expect(try verdict("SI-2", "s390/async", "--scope", "memslots-host-walk") == "EXHAUSTED")
    #expect(try verdict("SI-2", "s390/sync", "--scope", "memslots") == "EXHAUSTED")
  }

  @Test("a DISABLE fails for no want of memory, in any design")
  func lowMemory() throws {
    for spec in ["s390/sync", "s390/kthread", "s390/async"] {
      #expect(try verdict("SI-28", spec) == "EXHAUSTED", "\(spec)")
      #expect(try verdict("LP-2", spec) == "EXHAUSTED", "\(spec)")
    }
    #expect(try verdict("Q-5", "cca/teardown") == "VIOLATED")
  }

  @Test("a reboot waits for every page in the synchronous design only") func cost() throws {
    let specs = ["s390/sync", "s390/kthread", "s390/async"]
    let events = try Tool.run(["cost", "--json"] + specs).events()
    for spec in specs {
      let design = try #require(events.first { $0["spec"] as? String == spec })
      let terms = try #require(design["terms"] as? [[String: Any]])
      let forms = terms.map { $0["form"] as? String }
      let pages = spec == "s390/sync" ? ["pages", "0"] : ["0", "pages"]
      #expect(forms == pages + ["vcpus", "2·vcpus"], "\(spec)")
      #expect(design["seconds"] == nil)
    }
  }

  @Test("four architectures answer the same questions") func compared() throws {
    let result = try Tool.run([
      "compare", "teardown/mainline@small", "s390/async@small", "snp/teardown@small",
      "cca/teardown@small", "--property", "Q-1", "Q-2", "Q-4", "--json",
    ])
    #expect(result.status == 0)
    let rows = try result.events().filter { $0["event"] as? String == "row" }
    let values = rows.map { row in
      (row["cells"] as? [[String: Any]] ?? []).map {
        ($0["value"] as? String ?? "").prefix { $0 != " " }
      }
    }
    #expect(
      values == [
        ["VACUOUS", "WITNESSED", "VACUOUS", "VACUOUS"],
        ["VACUOUS", "WITNESSED", "WITNESSED", "WITNESSED"],
        ["EXHAUSTED", "EXHAUSTED", "EXHAUSTED", "EXHAUSTED"],
      ])
  }

  @Test(
    "as many states as there are",
    arguments: [
      ("s390/sync", 716), ("s390/kthread", 77_989), ("s390/async", 13_960),
      ("snp/teardown", 12_534), ("cca/teardown", 105),
    ])
  func states(_ spec: String, _ states: Int) throws {
    let events = try Tool.run(["explore", spec, "--reduce", "fusion,symmetry", "--json"]).events()
    let found = events.compactMap { $0["states"] as? Int }.last
    #expect(found == states)
  }
}
