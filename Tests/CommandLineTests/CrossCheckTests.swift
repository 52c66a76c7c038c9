#if HAS_Z3
import Foundation
import SymbolicChecker
import Testing
import Verdicts

@testable import tdxspec

@Suite(.serialized) struct CrossCheckTests {
  static let bench = "bench/tdx-teardown"

  /// The explorer's report of a spec and what the cross-check makes of it.
  private func answer(
    _ spec: String, scope: String? = nil, _ overrides: [String: Int] = [:], seconds: Double
  ) throws -> CrossCheckRunner.Answer {
    var runner = CheckRunner(
      spec: try SpecLookup.describe(spec), scope: scope, overrides: overrides,
      options: try SearchOptions.parse([]), properties: [], stopAtFirst: false)
    runner.sampleSize = 400
    let cross = try CrossCheckRunner(try runner.program(), seconds: seconds)
    let outcome = try runner.run()
    return try cross.run(outcome.report, sample: outcome.sample)
  }

  private func fields(_ answer: CrossCheckRunner.Answer) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(answer.event.text.utf8))
    return try #require(object as? [String: Any])
  }

  @Test(arguments: [(bench, nil), ("tdx/hkid", "small")])
  func bundledSpecsAgree(_ spec: String, _ scope: String?) throws {
    let answer = try answer(spec, scope: scope, seconds: 6)
    let fields = try fields(answer)
    #expect(answer.status == .success, "\(answer.text)")
    #expect(fields["agrees"] as? Bool == true)
    #expect(fields["states"] as? Int ?? 0 > 20)
    #expect(fields["transitions"] as? Int ?? 0 > 20)
    let properties = try #require(fields["properties"] as? [[String: Any]])
    #expect(properties.contains { $0["depth"] as? Int ?? 0 >= 3 })
    #expect(fields["disagreement"] == nil)
  }

  @Test func withoutTimeWhatIsMissingIsNamed() throws {
    let answer = try answer(Self.bench, seconds: 0)
    let fields = try fields(answer)
    #expect(answer.status == .success)
    let missing = try #require(fields["not_compared"] as? [String])
    #expect(missing.contains { $0.contains("states (the time limit)") }, "\(missing)")
    #expect(missing.contains { $0.contains("I1") && $0.contains("steps (the time limit)") })
    #expect(answer.text.contains("and 0 verdicts"))
  }

  @Test func seededBugHasTheSameDepth() throws {
    let answer = try answer(Self.bench, ["P": 3, "BUG": 2], seconds: 20)
    let properties = try #require(try fields(answer)["properties"] as? [[String: Any]])
    let depths = properties.filter { $0["property"] as? String == "I2" }.map { $0["depth"] as? Int }
    #expect(answer.status == .success, "\(answer.text)")
    #expect(depths == [9])
  }

  @Test func agreementIsOneLineAndOneEvent() throws {
    let text = try Tool.run("check", "tutorial/ticket-lock", "--cross-check", "z3")
    #expect(text.status == 1)
    #expect(
      text.lines.count { $0.hasPrefix("cross-check: z3 ") && $0.contains(" agrees on ") } == 1)
    let events = try Tool.run(
      "check", "tutorial/ticket-lock", "--engine", "tree", "--cross-check", "z3", "--json"
    ).events()
    let found = events.filter { $0["event"] as? String == "cross_check" }
    #expect(found.count == 1)
    #expect(found.first?["agrees"] as? Bool == true)
    #expect(events.last?["exit"] as? Int == 1)
  }

  /// A mistake of the encoding ends the whole command with 70 and says where it is.
  @Test func disagreementIsAnInternalErrorWithAReproducer() throws {
    let file = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: file) }
    let arguments = [
      Self.bench, "--set", "N=1", "--set", "P=1", "--cross-check", "z3", "--json",
      "--output", file.path,
    ]
    var status: Verdicts.ExitStatus?
    CrossCheckRunner.$fault.withValue(.frame) {
      do {
        var command = try TDXSpec.Check.parse(arguments)
        try command.validate()
        try command.run()
      } catch let exit as CommandExit {
        status = exit.status
      } catch {
        Issue.record(error)
      }
    }
    #expect(status == .internalError)
    #expect(status?.rawValue == 70)
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let events = try lines.compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(events.last?["exit"] as? Int == 70)
    let event = try #require(events.first { $0["event"] as? String == "cross_check" })
    #expect(event["agrees"] as? Bool == false)
    #expect((event["disagreement"] as? String)?.contains("Z3") == true)
    #expect((event["command"] as? String)?.hasPrefix("tdxspec") == true)
    let itf = try #require(event["itf"] as? [String: Any])
    #expect((itf["states"] as? [Any])?.isEmpty == false)
  }
}
#else
import Testing

@Suite struct CrossCheckTests {
  @Test func withoutZ3ItIsRefusedBeforeAnythingIsSearched() throws {
    let result = try Tool.run("check", "tutorial/ticket-lock", "--cross-check", "z3")
    #expect(result.status == 4)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("built without z3.h; install libz3-dev"))
  }
}
#endif
