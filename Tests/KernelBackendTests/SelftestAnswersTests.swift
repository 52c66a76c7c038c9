import BackendProcess
import ConformanceKit
import Foundation
import KVMBackend
import Testing

@testable import TestGeneration

/// Two programs that make the same calls on this machine's KVM: the runner, and a selftest in C
/// that was generated from the suite.
@Suite struct SelftestAnswersTests {
  private static let suite = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Conformance/Suites/gmem-6.18-deviations.json")
  private static let compiler = "/usr/bin/gcc"
  /// What no call answers.
  private static let impossible: Int64 = 123_456_789

  private func output(_ program: String, _ arguments: [String]) throws -> (Int32, String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// For each step of the tests, a test that ends with it and tells in failing what it answered.
  private func telling(_ tests: [ConformanceTest]) -> [ConformanceTest] {
    tests.flatMap { test in
      test.steps.indices.filter { test.steps[$0].call.name != "exit" }.map { index in
        var part = test
        part.id = "\(test.id)-\(index)"
        part.steps = Array(test.steps[...index])
        part.steps[index].expect = [.exactly(.ok(.integer(Self.impossible)))]
        // A signal would be expected.
        if part.steps[index].call.name == "touch" { part.steps[index].written = [:] }
        return part
      }
    }
  }

  /// By test, what the last call of the program in C answered.
  private func answersInC(_ suite: ConformanceSuite) throws -> [String: Int64] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("telling.c")
    let program = folder.appendingPathComponent("telling").path
    let made = try Kselftest(suite)
    try Data(made.text.utf8).write(to: source)
    #expect(try output(Self.compiler, ["-O0", "-o", program, source.path]).0 == 0)
    var answers: [String: Int64] = [:]
    var last: Int64?
    for line in try output(program, []).1.split(separator: "\n") {
      if let match = line.firstMatch(of: /^# line .* answers (-?[0-9]+), expected 123456789$/) {
        last = Int64(match.1)
      } else if let match = line.firstMatch(of: /^not ok [0-9]+ (.+)$/) {
        answers[String(match.1)] = last
        last = nil
      }
    }
    return answers
  }

  @Test(
    "both get the same answers, call by call",
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: compiler), "skipped: no gcc"))
  func same() throws {
    if let reason = RunnerProgram.missingDevice {
      print(reason)
      return
    }
    let bytes = try Data(contentsOf: Self.suite)
    var suite = try StrictJSON.decode(ConformanceSuite.self, from: [UInt8](bytes))
    let made = try Kselftest(suite)
    let left = Set(made.left.map(\.id))
    suite.tests = suite.tests.enumerated()
      .filter { $0.offset % 25 == 3 && !left.contains($0.element.id) }.map(\.element)
    var parts = suite
    parts.tests = telling(suite.tests)
    let inC = try answersInC(parts)
    var backend = ProcessBackend(
      "exec '\(RunnerProgram.path)'", limits: .init(call: 20, other: 40))
    var compared = 0
    for test in suite.tests {
      try backend.reset()
      for (index, step) in test.steps.enumerated() where step.call.name != "exit" {
        let result = try backend.perform(step.call)
        let outcome = result.outcome
        guard let answer = inC["\(test.id)-\(index)"] else { continue }
        compared += 1
        let isSame =
          switch outcome {
          // -1000 and the signal.
          case _ where result.written["signal"] != nil: answer < -1000
          case .errno(let errno): answer == -Int64(errno.number)
          // A descriptor's number means nothing.
          case .ok(.integer(let value)):
            step.expect == [.success] ? answer >= 0 : answer == value
          default: false
          }
        #expect(isSame, "\(test.id), step \(index + 1), \(step.call): \(outcome), in C \(answer)")
      }
    }
    #expect(compared > 100 && compared == parts.tests.count)
  }
}
