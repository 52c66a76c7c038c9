import Catalogue
import ConformanceKit
import Foundation
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration

@Suite("Suites as selftests in C") struct KselftestTests {
  private static let suites = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Conformance/Suites")
  private static let compiler = "/usr/bin/gcc"

  /// The kernel that the suite's answers are of.
  private static let release = "6.18."

  private static func suite(_ name: String) throws -> ConformanceSuite {
    let bytes = try Data(contentsOf: suites.appendingPathComponent("\(name).json"))
    return try StrictJSON.decode(ConformanceSuite.self, from: [UInt8](bytes))
  }

  private static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, text: String) {
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

  @Test("every test is a function, and every call a line") func shape() throws {
    let suite = try Self.suite("gmem-6.18-deviations")
    let made = try Kselftest(suite)
    #expect(made.tests + made.left.count == suite.tests.count)
    let left = Set(made.left.map(\.id))
    let calls = suite.tests.filter { !left.contains($0.id) }
      .reduce(0) { $0 + $1.steps.count { $0.call.name != "exit" } }
    #expect(made.text.split(separator: "\n").count { $0.hasPrefix("\tCHECK(") } == calls)
  }

  @Test("a suite with calls that no C is for is refused") func refused() throws {
    #expect(throws: KselftestError.self) { try Kselftest(try Self.suite("kvm-tdx-checks")) }
  }

  @Test(
    "it compiles without a warning, and passes or skips on this host",
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: compiler), "skipped: no gcc"))
  func runs() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("gmem_test.c")
    let program = folder.appendingPathComponent("gmem_test").path
    let made = try Kselftest(try Self.suite("gmem-6.18-deviations"))
    try Data(made.text.utf8).write(to: source)
    let compiled = try Self.run(
      Self.compiler, ["-O1", "-Wall", "-Werror", "-o", program, source.path])
    #expect(compiled.status == 0)
    let kernel = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    guard kernel.hasPrefix(Self.release) else {
      print("selftest: compiled, SKIPPED to run it: it is for \(Self.release), not \(kernel)")
      return
    }
    let (status, text) = try Self.run(program, [])
    #expect(text.hasPrefix("TAP version 13\n"))
    if status == 4 {
      #expect(text.contains("1..0 # SKIP"))
    } else {
      #expect(text.split(separator: "\n").count { $0.hasPrefix("ok ") } == made.tests)
    }
  }
}

@Suite("Automata of runtime verification") struct RVAutomatonTests {
  private static func automaton() throws -> RVAutomaton {
    let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
    let program = try Program(
      spec, try ResolvedScope(spec, scope: "creation"), ProgramOptions(withoutProperties: true))
    let options = MachineOptions()
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    return RVAutomaton(
      try ObservableMachine(engine, try CallAlphabet(program, options), options))
  }

  @Test("the model of a TD has an edge for each success, and a sequence for each refusal")
  func model() throws {
    let automaton = try Self.automaton()
    let (states, events) = (automaton.states.count, automaton.events.count)
    #expect(states > 5 && Set(automaton.events).count == events)
    let lines = automaton.dot().split(separator: "\n").map(String.init)
    // rvgen keeps one edge for each pair of states; its label has every event.
    let edges = lines.filter { $0.contains("[ label = \"") }
    let labels = edges.flatMap { $0.split(separator: "\"")[5].split(separator: "\\n") }
    #expect(labels.count + automaton.negatives.count == states * events)
    #expect(Set(edges.map { $0.prefix { $0 != "[" } }).count == edges.count)
    #expect(lines.contains { $0.contains("\"s0\" -> \"s1\" [ label = \"kvm_create_vm") })
    let tests = automaton.kunit("td").split(separator: "\n")
    #expect(tests.count { $0.hasPrefix("\t{ ") } == automaton.negatives.count)
  }
}
