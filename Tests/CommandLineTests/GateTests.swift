import Foundation
import Testing

/// `tdxspec gate` and the workflows that run it.
@Suite struct GateTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL

  /// Runs a gate over a plan in a folder of its own.
  private func gate(_ plan: String, _ more: [String] = [], in folder: URL) throws -> Tool.Result {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("plan").path
    try plan.write(toFile: file, atomically: true, encoding: .utf8)
    return try Tool.run(
      ["gate", "--plan", file, "--cache", folder.appendingPathComponent("cache").path] + more)
  }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func keepsWhatEndedWell() throws {
    try inFolder { folder in
      let plan = "check 60 check --expected tutorial/ticket-lock\n"
      let first = try gate(plan, in: folder)
      #expect(first.status == 0, "\(first.output)\(first.errors)")
      #expect(first.lines.first?.hasPrefix("check     ok ") == true)
      let second = try gate(plan, in: folder)
      #expect(second.lines.first?.hasPrefix("check     kept ") == true)
      #expect(second.lines.last == "gate: 1 of 1 ended well, 1 of them kept from before; 0 s")
      let events = try gate(plan, ["--json"], in: folder).events()
      #expect(events.compactMap { $0["event"] as? String } == ["start", "step", "gate", "end"])
      #expect(events[1]["kept"] as? Bool == true)
    }
  }

  @Test func aFileThatHasChangedIsReadAgain() throws {
    try inFolder { folder in
      let committed = Self.root.appendingPathComponent("Conformance/Suites/kvm-tdx-checks.json")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let suite = folder.appendingPathComponent("suite.json")
      try FileManager.default.copyItem(at: committed, to: suite)
      let plan = "conform 60 conform --backend simulator --suite \(suite.path) --explain 0\n"
      #expect(try gate(plan, in: folder).status == 0)
      let text = try String(contentsOf: suite, encoding: .utf8)
      let other = text.replacingOccurrences(of: "\"EINVAL\"", with: "\"EIO\"")
      try other.write(to: suite, atomically: true, encoding: .utf8)
      let broken = try gate(plan, in: folder)
      #expect(broken.status == 1)
      #expect(broken.lines.first?.hasPrefix("conform   FAIL ") == true)
      #expect(broken.lines.last?.hasPrefix("gate: 0 of 1 ended well, 1 failed;") == true)
      try text.write(to: suite, atomically: true, encoding: .utf8)
      #expect(try gate(plan, in: folder).lines.first?.hasPrefix("conform   kept ") == true)
    }
  }

  @Test func theWorstCounts() throws {
    try inFolder { folder in
      let slow = "slow 1 check kvm/tdx --set vcpus=2 --set pages=3 --only safety\n"
      #expect(try gate(slow, in: folder).status == 3)
      let result = try gate(slow + "bad 60 check nonsense\nok 60 list\n", in: folder)
      #expect(result.status == 2)
      #expect(
        result.lines.last?.hasPrefix("gate: 1 of 3 ended well, 1 without an answer, 1 unusable;")
          == true)
      #expect(result.output.contains("out of time"))
      let chosen = try gate(slow + "ok 60 list\n", ["--stage", "ok"], in: folder)
      #expect(chosen.status == 0)
    }
  }

  @Test(arguments: [
    ("", "it runs nothing"), ("check x list", ":1: "), ("check 0 list", ":1: "),
    ("# c\n\ncheck 5", ":3: "), ("check 5 gate", "does not run gates"),
  ])
  func badPlans(plan: String, message: String) throws {
    try inFolder { folder in
      let result = try gate(plan, in: folder)
      #expect(result.status == 2)
      #expect(result.errors.contains(message), "\(result.errors)")
    }
  }

  @Test func unusable() throws {
    #expect(try Tool.run("gate", "--plan", "no-such-file").status == 2)
    try inFolder { folder in
      let stage = try gate("ok 5 list", ["--stage", "nonsense"], in: folder)
      #expect(stage.status == 2)
      let both = try gate("ok 5 list", ["--no-cache"], in: folder)
      #expect(both.status == 2)
    }
  }

  /// What the workflows call is what there is: their scripts exist, their options are known, and
  /// the plan that they run is one.
  @Test(arguments: ["github.yml", "gitlab-ci.yml"])
  func workflows(name: String) throws {
    let file = Self.root.appendingPathComponent("contrib/ci/\(name)")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let commands = lines.compactMap { line -> String? in
      let words = line.split(separator: " ").map(String.init)
      guard let start = words.firstIndex(where: { $0.contains("/tdxspec") || $0 == "tools/setup" })
      else { return nil }
      return words[start...].joined(separator: " ")
    }
    #expect(commands.contains("tools/setup"))
    #expect(commands.contains { $0.contains("tdxspec gate") })
    for command in commands where command.contains("/tdxspec ") {
      let tool = command.replacingOccurrences(of: ".build/release/tdxspec", with: "$TOOL")
      let line = tool.contains(" gate ") ? tool + " --stage prove" : tool
      let result = try inScratch(line)
      #expect(result.status == 0, "\(line): \(result.output)\(result.errors)")
    }
    #expect(
      FileManager.default.isExecutableFile(
        atPath: Self.root.appendingPathComponent("tools/setup").path))
  }

  /// Runs a line where the repository's files are seen, but nothing is written into it.
  private func inScratch(_ line: String) throws -> Tool.Result {
    let folder = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: folder.appendingPathComponent("Conformance"),
      withDestinationURL: Self.root.appendingPathComponent("Conformance"))
    return try Tool.shell("cd '\(folder.path)' && \(line)")
  }
}
