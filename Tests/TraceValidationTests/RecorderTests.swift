import Foundation
import Testing

@testable import TraceValidation

@Suite("The recorder in contrib") struct RecorderTests {
  private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let recorder = here.appendingPathComponent("../../contrib/recorder/recorder.c")
    .path
  static let compiler = "/usr/bin/gcc"
  static let hasCompiler = FileManager.default.isExecutableFile(atPath: compiler)
  static let hasKVM = open("/dev/kvm", O_RDWR | O_CLOEXEC) >= 0

  /// - Returns: the exit status.
  @discardableResult
  private static func run(
    _ program: String, _ arguments: [String], _ more: [String: String] = [:]
  ) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(more) { $1 }
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  private static func compiled(into folder: URL) throws -> (library: String, program: String) {
    let library = folder.appendingPathComponent("recorder.so").path
    let program = folder.appendingPathComponent("memfd").path
    let source = here.appendingPathComponent("../../contrib/recorder/example.c").path
    let strict = ["-O2", "-Wall", "-Werror"]
    #expect(
      try run(compiler, strict + ["-shared", "-fPIC", "-o", library, recorder, "-ldl"]) == 0)
    #expect(try run(compiler, strict + ["-o", program, source]) == 0)
    return (library, program)
  }

  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  @Test("it compiles without a warning", .enabled(if: hasCompiler, "skipped: no gcc"))
  func compiles() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try Self.compiled(into: folder)
  }

  @Test(
    "what it records of a program on /dev/kvm conforms",
    .enabled(if: hasCompiler && hasKVM, "skipped: no gcc, or /dev/kvm cannot be opened"))
  func records() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (library, program) = try Self.compiled(into: folder)
    let trace = folder.appendingPathComponent("trace.jsonl").path
    let status = try Self.run(program, [], ["LD_PRELOAD": library, "TDXSPEC_TRACE": trace])
    let verdict = try RecordedTrace.checker().check(file: trace, format: nil)
    #expect(verdict.format == .calls)
    #expect(verdict.conforms, "\(verdict.outcome)")
    // A host without guest_memfd ends the program early.
    #expect(status == 0 ? verdict.explained >= 9 : status == 4 && verdict.explained >= 1)
  }
}
