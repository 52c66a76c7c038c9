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

  @Test("policies are counted along runs, with weights that are data") func policies() throws {
    let events = try events(["gmem/huge-pages"]).filter { $0["event"] as? String == "policy" }
    func counts(_ input: String, _ policy: String) throws -> [Int] {
      let row = try #require(
        events.first {
          ($0["input"] as? String)?.hasPrefix(input) == true && $0["policy"] as? String == policy
        })
      #expect(row["counts_are"] as? String == "SAMPLED")
      return try #require(row["counts"] as? [[String: Any]]).compactMap { $0["count"] as? Int }
    }
    let scattered = "2 MiB pages, 16 GB, run time: 622 shared pages, scattered"
    #expect(try counts(scattered, "M-EARLY").prefix(4) == [622, 30, 592 * 28, 652])
    #expect(try counts(scattered, "M-NEVER").prefix(4) == [622, 0, 622 * 28, 652])
    #expect(try counts(scattered, "M-NEVER/THP")[2] == 0)
    let flips = "1 GiB pages, run time: one page turned"
    #expect(try counts(flips, "M-EARLY").prefix(2) == [100, 100])
    #expect(try counts(flips, "M-DEFER").prefix(2) == [1, 1])
    let reboot = "2 MiB pages, 16 GB, and a reboot"
    for policy in ["M-EARLY", "M-DEMAND", "M-REBOOT", "M-DEFER"] {
      #expect(try counts(reboot, policy)[2] == 0, "\(policy)")
    }
    #expect(try counts(reboot, "M-NEVER")[2] == 622 * 28)
  }

  @Test(
    "bad sizes and specs are refused",
    arguments: [
      ["cost", "--vcpus", "0"], ["cost", "--memory", "17"], ["cost", "--memory", "much"],
      ["cost", "gmem/huge-pages", "--memory", "1G"], ["cost", "gmem/huge-pages", "--vcpus", "4"],
      ["cost", "tutorial/ticket-lock"], ["cost", "no/such"],
    ])
  func refused(_ command: [String]) throws {
    let result = try Tool.run(command)
    #expect(result.status == 2)
    #expect(!result.errors.isEmpty)
  }
}
