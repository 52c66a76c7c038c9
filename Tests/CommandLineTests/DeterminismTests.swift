import Foundation
import Testing

/// The same command prints the same counterexamples and witnesses every time.
@Suite struct DeterminismTests {
  /// How often; `tools/same-every-time` does it 20 times with the release build.
  static let runs = Int(ProcessInfo.processInfo.environment["TDXSPEC_RUNS"] ?? "") ?? 2

  static let commands: [[String]] = [
    ["tutorial/ticket-lock"],
    ["tutorial/ticket-lock", "--engine", "tree"],
    ["tutorial/lights", "--set", "HASTY=1"],
    ["teardown/terminate-vm-v4", "--scope", "small"],
    ["teardown/terminate-vm-lock-first", "--scope", "small"],
    ["bench/tdx-teardown", "--set", "BUG=2", "--set", "N=1", "--property", "I2"],
  ]

  @Test(arguments: commands)
  func outputIsTheSameEveryTime(_ command: [String]) throws {
    var outputs: Set<String> = []
    for _ in 0..<max(2, Self.runs) {
      let result = try Tool.run(["check"] + command)
      #expect(result.output.contains("shortest counterexample"))
      // Only the lines with the time and the memory may differ.
      let lines = result.output.split(separator: "\n").filter {
        !$0.hasSuffix(" MiB") && !$0.contains(", on the full graph: ")
          && !$0.hasPrefix("the lemmas")
      }
      outputs.insert(lines.joined(separator: "\n"))
    }
    #expect(outputs.count == 1)
  }

  @Test(arguments: ["tutorial/ticket-lock", "teardown/terminate-vm-v4"])
  func reductionsMakeNoDifferenceToTraces(_ spec: String) throws {
    func traces(_ reduction: String) throws -> [String: NSDictionary] {
      let scope = spec.hasPrefix("teardown") ? ["--scope", "small"] : []
      let options = ["--json", "--only", "safety", "--reduce", reduction]
      let result = try Tool.run(["check", spec] + options + scope)
      var found: [String: NSDictionary] = [:]
      for event in try result.events() {
        guard let id = event["property"] as? String,
          let trace = event["counterexample"] ?? event["witness"]
        else { continue }
        found[id] = trace as? NSDictionary
      }
      return found
    }
    let usual = try traces("auto")
    #expect(!usual.isEmpty)
    #expect(try traces("fusion") == usual)
    #expect(try traces("fusion,symmetry") == usual)
  }

  @Test func counterexamplesSayHowGoodTheyAre() throws {
    let result = try Tool.run("check", "tutorial/ticket-lock", "--json")
    let verdict = try result.events().first { $0["property"] as? String == "T-1" }
    let found = try #require(verdict?["counterexample"] as? [String: Any])
    #expect(found["steps"] as? Int == 6)
    #expect(found["shortest"] as? Bool == true)
    #expect(found["switches"] as? Int == 2)
    #expect(found["fewest_switches"] as? Bool == true)
    #expect(found["elements"] as? Int == 2)
    #expect(found["fewest_elements"] as? Bool == true)
    let twin = try #require(found["twin"] as? [String: Any])
    #expect(twin["change"] as? String == "later")
    #expect(twin["steps"] as? [Int] == [1])
    #expect(twin["place"] as? Int == 4)
  }

  @Test func twinsAreShownToPeople() throws {
    let result = try Tool.run("check", "teardown/terminate-vm-v4", "--scope", "small")
    #expect(result.output.contains("shortest counterexample, 16 steps, 2 switches:"))
    #expect(result.output.contains("12 of 14 actions play no part: KVM_PRE_FAULT_MEMORY, "))
    #expect(
      result.output.contains(
        "passes when step 1 of thread 0 (KVM_RUN v0) comes after step 5"))
  }

  @Test func aCallThatIsNotThereCannotBeMoved() throws {
    // BUG=1 leaves out a check: no order of these calls passes.
    let command = [
      "check", "bench/tdx-teardown", "--set", "BUG=1", "--set", "N=1", "--set", "P=1",
      "--property", "I1",
    ]
    #expect(try Tool.run(command).output.contains("no passing twin: "))
    let verdict = try Tool.run(command + ["--json"]).events()
      .first { $0["property"] as? String == "I1" }
    let found = try #require(verdict?["counterexample"] as? [String: Any])
    #expect((found["twin"] as? [String: Any])?["change"] as? String == "none")
    #expect((found["no_part"] as? [String])?.contains("VpFlush") == true)
  }
}
