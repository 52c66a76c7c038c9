import Foundation

/// The built tool, run as a user runs it.
struct Tool {
  /// What a run left behind.
  struct Result {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// The output's JSON lines.
    func events() throws -> [[String: Any]] {
      try lines.map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
      }
    }
  }

  /// The tool stands beside the test bundle.
  static let path =
    Bundle.allBundles.compactMap(\.executableURL).map {
      $0.deletingLastPathComponent().appendingPathComponent("tdxspec").path
    }.first { FileManager.default.isExecutableFile(atPath: $0) }
    ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("tdxspec").path

  static func run(_ arguments: String...) throws -> Result { try run(arguments) }

  static func run(_ arguments: [String]) throws -> Result {
    try finish(start(path, arguments))
  }

  /// Runs a line of shell in which `$TOOL` is the tool.
  static func shell(_ line: String) throws -> Result {
    try finish(start("/bin/sh", ["-c", line]))
  }

  static func start(_ program: String, _ arguments: [String]) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["TOOL": path]) { $1 }
    let output = scratchFile()
    let errors = scratchFile()
    for url in [output, errors] { try Data().write(to: url) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return Running(process: process, output: output, errors: errors)
  }

  struct Running {
    let process: Process
    let output: URL
    let errors: URL
  }

  static func finish(_ running: Running) throws -> Result {
    running.process.waitUntilExit()
    defer {
      try? FileManager.default.removeItem(at: running.output)
      try? FileManager.default.removeItem(at: running.errors)
    }
    return Result(
      status: running.process.terminationStatus,
      output: String(decoding: try Data(contentsOf: running.output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: running.errors), as: UTF8.self))
  }

  static func scratchFile() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("tdxspec-\(UUID().uuidString)")
  }
}
