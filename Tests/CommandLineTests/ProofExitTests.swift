import Foundation
import Testing

#if HAS_Z3
/// What ends a proof early is never a pass.
@Suite struct ProofExitTests {
  static let bench = "bench/tdx-teardown"
  static let large = ["--set", "N=5", "--set", "P=6", "--set", "L=3"]

  private func verdicts(_ result: Tool.Result) throws -> [String] {
    let events = try result.events()
    #expect(events.last?["exit"] as? Int == Int(result.status))
    return events.compactMap { $0["verdict"] as? String }
  }

  @Test(arguments: [["--time-limit", "0.001s"], ["--rlimit", "100"]])
  func aLimitIsUnknown(_ limit: [String]) throws {
    let question = ["prove", Self.bench, "--property", "I1", "--method", "spacer"] + limit
    let text = try Tool.run(question)
    #expect(text.status == 3)
    #expect(text.output.contains("UNKNOWN     I1"))
    #expect(!text.output.contains("PROVED"))
    let json = try Tool.run(question + ["--json"])
    #expect(json.status == 3)
    #expect(try verdicts(json) == ["UNKNOWN"])
  }

  @Test func aBoundIsBounded() throws {
    let question = [
      "prove", Self.bench, "--property", "I1", "--method", "bmc", "--depth", "2", "--json",
    ]
    let result = try Tool.run(question)
    #expect(result.status == 3)
    #expect(try verdicts(result) == ["BOUNDED"])
  }

  @Test(arguments: [
    ["prove", bench, "--property", "I1", "--method", "bmc", "--depth", "1000"] + large,
    ["ask", "answers", "teardown/terminate-vm-v4", "--scope", "small", "--depth", "1000"],
  ])
  func anInterruptIsInterrupted(_ question: [String]) throws {
    for format in [[], ["--json"]] {
      let running = try Tool.start(Tool.path, question + format)
      Thread.sleep(forTimeInterval: 1.5)
      running.process.interrupt()
      let result = try Tool.finish(running)
      #expect(result.status == 3)
      #expect(result.output.contains("INTERRUPTED"))
      if !format.isEmpty { #expect(try verdicts(result).contains("INTERRUPTED")) }
    }
  }

  @Test(arguments: [
    ["ask", "answers", bench], ["ask", "lemmas", bench], ["ask", "core", bench],
    ["ask", "guards", bench, bench],
  ])
  func aQuestionWithoutTimeHasNoAnswer(_ question: [String]) throws {
    let result = try Tool.run(question + ["--time-limit", "0.001s", "--json"])
    #expect(result.status == 3)
    let words = Set(try verdicts(result))
    #expect(!words.isEmpty && words.isSubset(of: ["UNKNOWN", "BOUNDED"]), "\(words)")
  }

  @Test func guardsThatDifferAreAFailure() throws {
    let result = try Tool.run("ask", "guards", Self.bench, Self.bench, "--other-set", "BUG=1")
    #expect(result.status == 1)
    #expect(result.output.contains("VIOLATED    VpFlushDone"))
    #expect(try Tool.run("ask", "guards", Self.bench, Self.bench).status == 0)
  }

  @Test func everyQueryIsWritten() throws {
    let folder = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Tool.run(
      "ask", "core", Self.bench, "--property", "I2", "--smtlib", folder.path)
    #expect(result.status == 0)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(files.contains { $0.contains("core-I2") })
    #expect(files.contains { $0.contains("core-initial-I2") })
  }

  @Test func unusableQuestionsAreRefused() throws {
    for question in [
      ["prove", Self.bench, "--rlimit", "0"], ["ask", "core", Self.bench, "--property", "no"],
      ["ask", "answers", Self.bench, "--call", "no"],
      ["ask", "lemmas", Self.bench, "--without", "no"],
      ["prove", "tdx/hkid", "--every-size", "--rlimit", "5"],
    ] {
      #expect(try Tool.run(question).status == 2, "\(question)")
    }
  }
}
#endif
