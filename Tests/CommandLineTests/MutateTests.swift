import Testing

@Suite("tdxspec mutate") struct MutateTests {
  @Test(
    "every bug is noticed, and nothing else is",
    arguments: [
      "teardown/terminate-vm-settled", "teardown/deferred-removal", "tdx/hkid", "gmem/mainline",
      "gmem/huge-pages", "gmem/in-place-tdx", "gmem/in-place-snp", "s390/sync", "s390/kthread",
      "s390/async", "snp/teardown", "cca/teardown",
    ])
  func all(_ spec: String) throws {
    let result = try Tool.run(["mutate", spec])
    #expect(result.status == 0, "\(result.output)")
    #expect(!result.output.contains("MISSED") && !result.output.contains("FLAGGED"))
    #expect(result.output.contains("CAUGHT"))
  }

  @Test("one mutation, as an event") func event() throws {
    let result = try Tool.run(["mutate", "teardown/mainline", "B-10-kick", "--json"])
    #expect(result.status == 0)
    let event = try #require(try result.events().first { $0["event"] as? String == "mutation" })
    #expect(event["answer"] as? String == "CAUGHT")
    #expect(
      (event["breaks"] as? [[String: Any]])?.contains { $0["property"] as? String == "S-23" }
        == true)
  }

  @Test("a change that matters to nobody is not flagged") func harmless() throws {
    let result = try Tool.run(["mutate", "teardown/mainline", "no-slots-lock"])
    #expect(result.status == 0)
    #expect(result.output.contains("HARMLESS"))
  }

  @Test("check shows the counterexample of a mutation, and expects it") func counterexample() throws
  {
    let command = [
      "teardown/mainline", "--scope", "small", "--mutate", "B-10-kick", "--property", "S-23",
    ]
    let plain = try Tool.run(["check"] + command)
    #expect(plain.status == 1)
    #expect(plain.output.contains("VIOLATED    S-23"))
    let expected = try Tool.run(["check", "--expected"] + command)
    #expect(expected.status == 0)
  }

  @Test("a search that is cut short is no answer") func bounded() throws {
    let result = try Tool.run(["mutate", "teardown/mainline", "B-10-kick", "--max-states", "100"])
    #expect(result.status == 3)
    #expect(result.output.contains("UNKNOWN"))
  }

  @Test(
    "what cannot be mutated is refused",
    arguments: [
      ["mutate"], ["mutate", "teardown/mainline", "B-99"], ["mutate", "tutorial/ticket-lock"],
      ["mutate", "teardown/mainline", "--all"],
      ["check", "teardown/mainline", "--mutate", "B-99"],
      ["check", "--expected", "--all", "--mutate", "B-11"],
      ["ask", "guards", "teardown/mainline", "teardown/mainline", "--mutate", "B-11"],
    ])
  func refused(_ command: [String]) throws {
    let result = try Tool.run(command)
    #expect(result.status == 2)
    #expect(!result.errors.isEmpty)
  }
}
