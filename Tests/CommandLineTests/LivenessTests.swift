import Foundation
import Testing

@Suite struct LivenessTests {
  static let turns = "tutorial/turns"

  private func verdicts(_ arguments: String...) throws -> [String: [String: Any]] {
    let result = try Tool.run(["check", Self.turns, "--json"] + arguments)
    var found: [String: [String: Any]] = [:]
    for event in try result.events() where event["event"] as? String == "verdict" {
      if let id = event["property"] as? String { found[id] = event }
    }
    return found
  }

  @Test func lassosAreEvents() throws {
    let found = try verdicts()
    #expect(
      found.mapValues { $0["verdict"] as? String } == [
        "M-1": "VIOLATED", "M-2": "EXHAUSTED", "Q-1": "EXHAUSTED", "Q-2": "VIOLATED",
      ])
    for (id, steps, loop) in [("M-1", 4, 1), ("Q-2", 3, 3)] {
      let example = found[id]?["counterexample"] as? [String: Any]
      #expect(example?["steps"] as? Int == steps)
      #expect(example?["loop"] as? Int == loop)
      #expect((example?["trace"] as? [Any])?.count == steps)
      #expect((found[id]?["fairness"] as? [String])?.isEmpty == false)
      #expect((found[id]?["reduction"] as? [Any])?.isEmpty == true)
    }
    #expect(found["M-2"]?["counterexample"] == nil)
    #expect(found["M-2"]?["states"] as? Int == 72)
  }

  @Test func theTextMarksTheLoopAndSaysWhyItIsFair() throws {
    let result = try Tool.run("check", Self.turns)
    #expect(result.status == 1)
    for part in [
      "1 steps, then a loop of 3", "    loop:\n", "and again from step 2, for ever",
      "never: mutex[c0] is inside", "weak fairness of take the mutex c1: it is taken in step 3",
      "weak fairness of take the mutex c0: it is not possible after step 3",
      "it stops for ever", "loop: nothing happens any more",
    ] {
      #expect(result.output.contains(part), "\(part)")
    }
    #expect(try Tool.run("check", Self.turns, "--expected").status == 0)
  }

  @Test func outputIsTheSameInEveryRun() throws {
    func lassos() throws -> [String] {
      let output = try Tool.run("check", Self.turns).output
      return output.split(separator: "\n").map(String.init).filter { !$0.contains(" s, ") }
    }
    let first = try lassos()
    for _ in 1..<20 { #expect(try lassos() == first) }
  }

  @Test func itfHasALoop() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lasso-\(UUID().uuidString).itf.json")
    defer { try? FileManager.default.removeItem(at: file) }
    for (property, states, loop) in [("M-1", 4, 1), ("Q-2", 4, 3)] {
      _ = try Tool.run("check", Self.turns, "--property", property, "--itf", file.path)
      let trace =
        try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
      #expect((trace?["states"] as? [Any])?.count == states)
      #expect(trace?["loop"] as? Int == loop)
    }
  }

  @Test func limitsLeaveNoAnswer() throws {
    let bounded = try Tool.run("check", Self.turns, "--max-states", "10", "--json")
    #expect(bounded.status == 3)
    #expect(bounded.output.components(separatedBy: "\"BOUNDED\"").count == 5)
    let stopped = try Tool.run(
      "check", "teardown/terminate-vm-v4", "--scope", "small", "--stop-at-first", "--json")
    let live = try stopped.events().filter { ($0["property"] as? String)?.hasPrefix("L-") == true }
    #expect(live.count == 5)
    #expect(live.allSatisfy { $0["verdict"] as? String == "INTERRUPTED" })
  }

  @Test func reductionsByNameAreRefused() throws {
    let refused = try Tool.run("check", Self.turns, "--reduce", "fusion")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("TDX2021"))
    let other = try Tool.run(
      "check", "teardown/mainline", "--scope", "small", "--property", "S-5", "--reduce", "fusion")
    #expect(other.status == 0)
  }

  @Test func oneSearchIsEnoughForInfiniteRunsAlone() throws {
    let alone = try Tool.run("check", Self.turns)
    #expect(!alone.output.contains("on the full graph"))
    let both = try Tool.run("check", "teardown/mainline", "--scope", "small")
    #expect(both.output.contains("what leads to what, on the full graph: 33,849 states"))
  }

  @Test func proveSaysThatItDoesNotDoInfiniteRuns() throws {
    let named = try Tool.run("prove", Self.turns, "--property", "M-1")
    #expect(named.status == 2)
    #expect(named.errors.contains("infinite runs"))
    #expect(try Tool.run("prove", Self.turns).errors.contains("M-1, M-2, Q-1, Q-2"))
  }

  @Test func listAndReadKnowThem() throws {
    let list = try Tool.run("list", Self.turns)
    #expect(list.output.contains("M-1  who asks"))
    #expect(list.output.contains("(in the end) (expected: violated)"))
    let events = try Tool.run("list", Self.turns, "--json").events()
    #expect(
      events.first { $0["event"] as? String == "spec" }?["liveness"] as? [String]
        == ["M-1", "M-2", "Q-1", "Q-2"])
    let read = try Tool.run("read", Self.turns)
    #expect(read.output.contains("leads to: for every Client c, whenever mutex[c] is waiting"))
  }
}
