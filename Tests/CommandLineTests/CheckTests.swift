import Foundation
import Testing

@Suite struct CheckTests {
  static let bench = "bench/tdx-teardown"

  @Test func eventsBeginWithStartAndEndWithExit() throws {
    let result = try Tool.run("check", Self.bench, "--json")
    #expect(result.status == 0)
    let events = try result.events()
    #expect(events.first?["event"] as? String == "start")
    #expect(events.first?["schema"] as? Int == 1)
    #expect(events.last?["event"] as? String == "end")
    #expect(events.last?["exit"] as? Int == 0)
    let verdicts = events.filter { $0["event"] as? String == "verdict" }
    #expect(verdicts.compactMap { $0["property"] as? String } == ["I1", "I2", "I3", "I4", "I5"])
    for verdict in verdicts {
      #expect(verdict["verdict"] as? String == "EXHAUSTED")
      #expect(verdict["states"] as? Int == 11833)
      #expect(verdict["transitions"] as? Int == 53160)
      #expect(verdict["diameter"] as? Int == 17)
      #expect((verdict["peak_bytes"] as? Int ?? 0) > 0)
      #expect((verdict["reduction"] as? [Any])?.isEmpty == true)
    }
  }

  @Test(arguments: [("BUG=1", "I1", 11), ("BUG=2", "I2", 9)])
  func seededBugsAreFoundByShortestCounterexamples(
    _ bug: String, _ property: String, _ steps: Int
  ) throws {
    let result = try Tool.run(
      "check", Self.bench, "--set", "N=2", "--set", "P=3", "--set", bug, "--property", property,
      "--json")
    #expect(result.status == 1)
    let verdict = try result.events().first { $0["event"] as? String == "verdict" }
    #expect(verdict?["verdict"] as? String == "VIOLATED")
    let counterexample = verdict?["counterexample"] as? [String: Any]
    #expect(counterexample?["steps"] as? Int == steps)
    #expect((counterexample?["trace"] as? [Any])?.count == steps)
    #expect((verdict?["blame"] as? [Any])?.isEmpty == false)
  }

  @Test func limitsAreBoundedAndNeverSuccess() throws {
    for limit in [["--max-states", "500"], ["--max-depth", "4"]] {
      let result = try Tool.run(["check", Self.bench] + limit)
      #expect(result.status == 3)
      #expect(result.output.contains("BOUNDED"))
      #expect(!result.output.contains("EXHAUSTED"))
    }
    let accepted = try Tool.run(
      "check", Self.bench, "--max-states", "500", "--accept", "bounded")
    #expect(accepted.status == 0)
    #expect(accepted.output.contains("BOUNDED"))
  }

  @Test func interruptSaysWhatIsKnown() throws {
    let running = try Tool.start(
      Tool.path,
      ["check", Self.bench, "--set", "N=3", "--set", "P=4", "--engine", "tree", "--json"])
    Thread.sleep(forTimeInterval: 1.5)
    running.process.interrupt()
    let result = try Tool.finish(running)
    #expect(result.status == 3)
    let events = try result.events()
    #expect(events.last?["event"] as? String == "end")
    let verdict = events.first { $0["event"] as? String == "verdict" }
    #expect(verdict?["verdict"] as? String == "INTERRUPTED")
    #expect((verdict?["states"] as? Int ?? 0) > 0)
  }

  @Test func mainJobMeetsItsExpectations() throws {
    let result = try Tool.run(
      "check", "--expected", "teardown/terminate-vm-v4", "--scope", "small")
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("VIOLATED    S-11"))
    #expect(result.output.contains("refused by the check “vm_dead is false”"))
    #expect(result.output.hasSuffix("every verdict is the expected one\n"))
    // Without --expected the same verdicts are failures.
    let plain = try Tool.run("check", "teardown/terminate-vm-v4", "--scope", "small")
    #expect(plain.status == 1)
  }

  @Test func bothEnginesAndReductionsAgree() throws {
    func verdicts(_ options: [String]) throws -> [String: String] {
      let result = try Tool.run(
        ["check", "teardown/terminate-vm-v4", "--scope", "small", "--json"] + options)
      var found: [String: String] = [:]
      for event in try result.events() where event["event"] as? String == "verdict" {
        found[event["property"] as? String ?? ""] = event["verdict"] as? String
      }
      return found
    }
    let usual = try verdicts([])
    #expect(usual.count == 24)
    #expect(try verdicts(["--engine", "tree"]) == usual)
    #expect(try verdicts(["--reduce", "none"]) == usual)
  }

  @Test func stopAtFirstLeavesTheRestInterrupted() throws {
    let result = try Tool.run(
      "check", "teardown/terminate-vm-v4", "--scope", "small", "--stop-at-first")
    #expect(result.status == 1)
    #expect(result.output.contains("INTERRUPTED"))
    #expect(result.output.components(separatedBy: "VIOLATED    ").count == 2)
  }

  @Test func filesAreWrittenWhole() throws {
    let report = Tool.scratchFile()
    let trace = Tool.scratchFile()
    defer {
      try? FileManager.default.removeItem(at: report)
      try? FileManager.default.removeItem(at: trace)
    }
    let result = try Tool.run(
      "check", Self.bench, "--set", "BUG=2", "--set", "P=3", "--property", "I2", "--json",
      "--output", report.path, "--itf", trace.path)
    #expect(result.status == 1)
    #expect(result.output.isEmpty)
    #expect(try String(contentsOf: report, encoding: .utf8).contains("VIOLATED"))
    let itf = try JSONSerialization.jsonObject(with: Data(contentsOf: trace)) as? [String: Any]
    #expect((itf?["states"] as? [Any])?.count == 10)
  }

  @Test func graphsAreDrawn() throws {
    let dot = Tool.scratchFile()
    let mermaid = Tool.scratchFile()
    defer {
      try? FileManager.default.removeItem(at: dot)
      try? FileManager.default.removeItem(at: mermaid)
    }
    let result = try Tool.run(
      "explore", Self.bench, "--set", "N=1", "--set", "P=1", "--set", "L=1", "--dot", dot.path,
      "--mermaid", mermaid.path)
    #expect(result.status == 0)
    #expect(result.output.contains("219 states, 571 transitions, diameter 13"))
    let text = try String(contentsOf: dot, encoding: .utf8)
    #expect(text.components(separatedBy: " -> ").count == 572)
    #expect(try String(contentsOf: mermaid, encoding: .utf8).hasPrefix("flowchart TD\n"))
  }

  @Test func everyHelpPageHasExamples() throws {
    for command in ["check", "explore", "list", "prove", "read"] {
      let result = try Tool.run(command, "--help")
      #expect(result.status == 0)
      #expect(result.output.contains("EXAMPLES"))
    }
    #expect(try Tool.run("--help").output.contains("EXIT CODES"))
  }

  @Test func tutorialInTheReadmeIsTheSpecThatRuns() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let spec = try String(
      contentsOf: root.appendingPathComponent("Specs/Tutorial/TicketLock.swift"), encoding: .utf8)
    #expect(readme.contains("```swift\n\(spec)```"))
    let result = try Tool.run("check", "tutorial/ticket-lock")
    #expect(result.status == 1)
    #expect(result.output.contains("VIOLATED    T-1"))
  }
}
