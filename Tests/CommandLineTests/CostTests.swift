import Testing

@Suite("tdxspec cost") struct CostTests {
  private func events(_ options: [String]) throws -> [[String: Any]] {
    let result = try Tool.run(["cost", "--json"] + options)
    #expect(result.status == 0)
    return try result.events()
  }

  private func term(_ name: String, _ spec: String, _ events: [[String: Any]]) -> [String: Any]? {
    let design = events.first { $0["spec"] as? String == spec }
    return (design?["terms"] as? [[String: Any]])?.first { $0["name"] as? String == name }
  }

  @Test("removal costs four SEAMCALLs and every vCPU a page, reclaim one SEAMCALL") func forms()
    throws
  {
    let events = try events(["--memory", "400G", "--vcpus", "64"])
    let removal = term("SEAMCALLs to remove pages", "teardown/mainline", events)
    #expect(removal?["form"] as? String == "4·pages")
    #expect(removal?["count"] as? Double == 419_430_400.0)
    let kicks = term("vCPUs interrupted", "teardown/mainline", events)
    #expect(kicks?["form"] as? String == "pages·vcpus")
    for spec in ["release-hint", "deferred-removal", "terminate-vm-v4", "terminate-vm-settled"] {
      let reclaim = term("SEAMCALLs to reclaim pages", "teardown/\(spec)", events)
      #expect(reclaim?["form"] as? String == "pages", "\(spec)")
      let none = term("SEAMCALLs to remove pages", "teardown/\(spec)", events)
      #expect(none?["form"] as? String == "0", "\(spec)")
    }
    let release = term("SEAMCALLs to release the HKID", "teardown/mainline", events)
    #expect(release?["form"] as? String == "vcpus + 3")
  }

  @Test("the fit is shown with what it misses") func fit() throws {
    let fit = try #require(try events([]).first { $0["event"] as? String == "fit" })
    let rows = try #require(fit["published"] as? [[String: Any]])
    #expect(rows.map { $0["before"] as? Double } == [72, 517, 5539])
    #expect(rows.map { $0["after"] as? Double } == [24, 134, 467])
    for row in rows {
      let after = try #require(row["after_ratio"] as? Double)
      #expect(abs(after - 1) < 0.1)
      let before = try #require(row["before_ratio"] as? Double)
      // The published times grow faster than pages times vCPUs: no honest fit hits them all.
      #expect(abs(before - 1) < 0.5 && abs(before - 1) > 0.05)
    }
  }

  @Test("without the designs that were measured there is no time") func noFit() throws {
    let events = try events(["teardown/deferred-removal"])
    #expect(events.contains { $0["event"] as? String == "cost" && $0["seconds"] == nil })
    #expect(!events.contains { $0["event"] as? String == "fit" })
  }

  @Test(
    "bad sizes and specs are refused",
    arguments: [
      ["cost", "--vcpus", "0"], ["cost", "--memory", "17"], ["cost", "--memory", "much"],
      ["cost", "tutorial/ticket-lock"], ["cost", "no/such"],
    ])
  func refused(_ command: [String]) throws {
    let result = try Tool.run(command)
    #expect(result.status == 2)
    #expect(!result.errors.isEmpty)
  }
}
