import Testing

@Suite("tdxspec compare") struct CompareTests {
  static let designs = ["teardown/mainline", "teardown/terminate-vm-v4", "--scope", "small"]

  @Test("verdicts, answers and costs stand side by side") func table() throws {
    let result = try Tool.run(["compare"] + Self.designs)
    #expect(result.status == 0)
    func row(_ name: String) -> [Substring] {
      let line = result.output.split(separator: "\n").first { $0.hasPrefix("  \(name) ") }
      return line?.split(separator: " ", omittingEmptySubsequences: true) ?? []
    }
    #expect(row("S-11").prefix(3) == ["S-11", "EXHAUSTED", "VIOLATED"])
    #expect(row("S-2").prefix(3) == ["S-2", "EXHAUSTED", "EXHAUSTED"])
    #expect(row("KVM_TDX_TERMINATE_VM") == ["KVM_TDX_TERMINATE_VM", "–", "ok", "-EBUSY", "-EIO"])
    #expect(result.output.contains("4·pages"))
    #expect(!result.output.contains("S-34"), "only mainline has it")
    let different = try Tool.run(["compare"] + Self.designs + ["--only-different"])
    #expect(different.output.contains("S-11") && !different.output.contains("  S-2 "))
  }

  @Test("a scope and properties can be chosen") func chosen() throws {
    let result = try Tool.run([
      "compare", "teardown/release-hint@small", "teardown/release-hint@hint", "--property", "S-23",
      "F-2", "--json",
    ])
    #expect(result.status == 0)
    let rows = try result.events().filter { $0["event"] as? String == "row" }
    #expect(rows.map { $0["name"] as? String } == ["S-23", "F-2"])
    let cells = rows.first?["cells"] as? [[String: Any]] ?? []
    #expect(cells.map { $0["value"] as? String } == ["EXHAUSTED", "VIOLATED (17)"])
    #expect(rows.map { $0["different"] as? Bool } == [true, false])
  }

  @Test("Markdown fits a mail") func markdown() throws {
    let result = try Tool.run(["compare", "--markdown"] + Self.designs)
    #expect(result.output.contains("# 2 designs compared"))
    #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
  }

  @Test("a cell that a limit left open is no answer") func limited() throws {
    let result = try Tool.run(["compare"] + Self.designs + ["--max-states", "10"])
    #expect(result.status == 3)
    #expect(result.output.contains("BOUNDED"))
  }

  @Test(
    "what cannot be compared is refused",
    arguments: [
      ["compare", "teardown/mainline"],
      ["compare", "teardown/mainline", "teardown/mainline"],
      ["compare", "teardown/mainline", "teardown/nothing"],
      ["compare", "teardown/mainline@nowhere", "teardown/terminate-vm-v4"],
      ["compare", "teardown/mainline", "teardown/terminate-vm-v4", "--property", "X-1"],
    ])
  func refused(_ command: [String]) throws {
    let result = try Tool.run(command)
    #expect(result.status == 2)
    #expect(!result.errors.isEmpty)
  }
}
