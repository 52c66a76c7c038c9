import Foundation
import Testing

/// `tdxspec conform --race`: a race of a counterexample, tried on a backend.
@Suite struct RaceTrialTests {
  /// The counterexample of FINALIZE_VM against a punched hole, as `check` writes it.
  private func trace() throws -> URL {
    let file = Tool.scratchFile()
    let checked = try Tool.run(
      "check", "kvm/tdx", "--scope", "build-remove", "--property", "S-21-finalize", "--json",
      "--output", file.path)
    #expect(checked.status == 1)
    return file
  }

  private func race(_ file: URL, _ more: String...) throws -> Tool.Result {
    try Tool.run(["conform", "--race", file.path] + more)
  }

  @Test("what the trace leads to comes where every preemption is tried, and where it is made to")
  func simulator() throws {
    let file = try trace()
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try race(file, "--backend", "simulator", "--times", "200", "--json")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    let events = try result.events()
    let told = try #require(events.first { $0["event"] as? String == "race" })
    #expect(told["injected"] as? Bool == false)
    let busy = try #require((told["busy"] as? [[String: Any]])?.first)
    #expect(busy["leaf"] as? String == "TDH.MEM.RANGE.BLOCK" && busy["count"] as? Int == 2)
    // FINALIZE_VM is inside the SEAMCALL when the hole is punched (kvm-tdx §2.2.3).
    #expect(told["held"] as? [String] == ["TDH.MR.FINALIZE"])
    #expect(told["delayed"] as? Bool == false)
    let outcomes = events.filter { $0["event"] as? String == "race-outcome" }
    #expect(Set(outcomes.compactMap { $0["as_in_trace"] as? Bool }) == [true, false])
    let counts = outcomes.compactMap { $0["count"] as? Int }
    #expect(counts.reduce(0, +) == told["attempts"] as? Int)

    let made = try race(file, "--backend", "simulator:7.3-tdx-standin", "--times", "3")
    #expect(made.status == 0, "\(made.output)\(made.errors)")
    #expect(made.output.contains("is made to answer TDX_OPERAND_BUSY 2 times"))
    #expect(made.output.contains("the VM is dead  as the trace"))
    #expect(!made.output.contains("the VM lives"))
  }

  @Test("a trace without a race, or of something else, is refused with the reason")
  func refused() throws {
    let file = try trace()
    defer { try? FileManager.default.removeItem(at: file) }
    let text = try String(contentsOf: file, encoding: .utf8)
    func refusal(_ change: (String) throws -> String) throws -> String {
      let other = Tool.scratchFile()
      defer { try? FileManager.default.removeItem(at: other) }
      try change(text).write(to: other, atomically: true, encoding: .utf8)
      let result = try race(other, "--backend", "simulator")
      #expect(result.status == 2 && result.output.isEmpty)
      return result.errors
    }
    #expect(try refusal { Self.cut($0, before: 69) }.contains("there is no race"))
    #expect(
      try refusal { $0.replacing("clears the mirror SPTE", with: "clears nothing") }
        .contains("is none of kvm/tdx's there"))
    #expect(
      try refusal { $0.replacing("\"spec\":\"kvm/tdx\"", with: "\"spec\":\"tdx/hkid\"") }
        .contains("tdx/hkid"))
    #expect(try refusal { _ in "{\"event\":\"end\",\"exit\":0}\n" }.contains("no counterexample"))
    #expect(try refusal { _ in "no json\n" }.contains("line 1 is no event"))
  }

  /// The events with only the steps before one.
  private static func cut(_ text: String, before step: Int) -> String {
    let lines = text.split(separator: "\n").map { line -> String in
      guard
        var event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
        var run = event["counterexample"] as? [String: Any],
        let steps = run["trace"] as? [[String: Any]]
      else { return String(line) }
      run["trace"] = Array(steps.prefix(step - 1))
      event["counterexample"] = run
      let data = (try? JSONSerialization.data(withJSONObject: event)) ?? Data()
      return String(decoding: data, as: UTF8.self)
    }
    return lines.joined(separator: "\n")
  }
}
