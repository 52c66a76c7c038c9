import Foundation
import Testing

/// `doc` and `diff` as a user runs them; `UPDATE_GOLDEN=1 swift test` writes the documents anew.
@Suite struct DocumentTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden")

  private func expectGolden(_ arguments: [String], _ name: String, status: Int32) throws {
    let result = try Tool.run(arguments)
    #expect(result.status == status, "\(result.errors)")
    let file = Self.folder.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try result.output.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == result.output)
    for line in result.output.split(separator: "\n") { #expect(line.count <= 72, "\(line)") }
  }

  @Test func theTutorialsDocumentIsAsCommitted() throws {
    try expectGolden(["doc", "tutorial/ticket-lock"], "doc-tutorial-ticket-lock.md", status: 0)
  }

  @Test func aTeardownsDocumentIsAsCommitted() throws {
    let sections = ["summary", "outcomes", "locks", "properties", "examples"]
    try expectGolden(
      ["doc", "teardown/terminate-vm-v4", "--scope", "small"]
        + sections.flatMap { ["--section", $0] }, "doc-terminate-vm-v4-small.md", status: 0)
  }

  @Test func theTwinDiffersAsCommitted() throws {
    try expectGolden(
      [
        "diff", "teardown/terminate-vm-v4", "teardown/terminate-vm-lock-first", "--scope",
        "small", "--markdown",
      ], "diff-v4-lock-first-small.md", status: 1)
  }

  @Test func oneVariableIsChosen() throws {
    let result = try Tool.run(
      "doc", "teardown/mainline", "--scope", "small", "--section", "outcomes", "--by", "memslot")
    #expect(result.status == 0)
    #expect(result.output.components(separatedBy: "### By ").count == 2)
    #expect(result.output.contains("### By memslot"))
  }

  @Test func aLimitIsSaidAndExitsThree() throws {
    let result = try Tool.run(
      "doc", "teardown/mainline", "--scope", "small", "--section", "outcomes", "--max-states",
      "100")
    #expect(result.status == 3)
    #expect(result.output.contains("BOUNDED: the limit of 100 states"))
    let events = try Tool.run(
      "doc", "teardown/mainline", "--scope", "small", "--section", "outcomes", "--max-states",
      "100", "--json"
    ).events()
    #expect(events.first { $0["event"] as? String == "section" }?["exhausted"] as? Bool == false)
    #expect(events.last?["exit"] as? Int == 3)
  }

  @Test func bothEnginesMakeTheSameDocument() throws {
    let arguments = ["doc", "tdx/hkid", "--scope", "small", "--section", "outcomes"]
    let table = try Tool.run(arguments)
    #expect(table.status == 0)
    #expect(try Tool.run(arguments + ["--engine", "tree"]).output == table.output)
  }

  @Test func aFileIsWrittenWhole() throws {
    let file = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try Tool.run(
      "doc", "tutorial/ticket-lock", "--section", "actions", "-o", file.path)
    #expect(result.status == 0)
    #expect(result.output.isEmpty)
    #expect(try String(contentsOf: file, encoding: .utf8).contains("### TAKE"))
    #expect(try Tool.run("doc", "tutorial/ticket-lock", "-o", "/dev/full").status == 74)
  }

  @Test func eventsHaveWhatTheTextHas() throws {
    let result = try Tool.run("doc", "tutorial/ticket-lock", "--json")
    let events = try result.events()
    #expect(events.first?["command"] as? String == "doc")
    let outcomes = events.filter { $0["event"] as? String == "outcome" }
    #expect(outcomes.map { $0["value"] as? String } == ["0", "1", "2"])
    #expect(outcomes.first?["answers"] as? [String] == ["ok"])
    #expect(outcomes.last?["answers"] as? [String] == ["-EBUSY"])
    #expect(events.contains { $0["event"] as? String == "verdict" })
    #expect(events.filter { $0["event"] as? String == "example" }.count == 2)
  }

  @Test func noDifferenceExitsZeroAndALimitThree() throws {
    let same = try Tool.run("diff", "tutorial/ticket-lock", "tutorial/ticket-lock")
    #expect(same.status == 0)
    #expect(same.output.contains("no difference\n"))
    let cut = try Tool.run(
      "diff", "teardown/mainline", "teardown/terminate-vm-v4", "--scope", "small",
      "--max-states", "500")
    #expect(cut.status == 3)
    #expect(cut.output.contains("BOUNDED     A: the limit of 500 states"))
  }

  @Test func aSeededBugIsADifference() throws {
    let result = try Tool.run(
      "diff", "bench/tdx-teardown", "bench/tdx-teardown", "--other-set", "BUG=1", "--json",
      "--set", "N=1", "--set", "P=1", "--set", "L=1")
    #expect(result.status == 1)
    let differences = try result.events().filter { $0["event"] as? String == "difference" }
    let verdicts = differences.filter { $0["kind"] as? String == "verdict" }
    #expect(verdicts.contains { $0["property"] as? String == "I1" })
    let cells = differences.filter { $0["kind"] as? String == "cell" }
    #expect(cells.allSatisfy { $0["witness"] != nil })
    #expect(!cells.isEmpty)
  }
}
