import Foundation
import Verdicts

/// A call of this tool in a process of its own.
struct ToolCall {
  /// How it ended.
  struct End {
    let status: ExitStatus
    let seconds: Double
    let isOutOfTime: Bool
    /// What it printed, both streams.
    let text: String
  }

  /// The path of this executable.
  static var tool: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }

  let arguments: [String]
  /// Seconds until it is ended.
  let budget: Int

  /// Runs it to its end.
  ///
  /// - Throws: when it cannot be started.
  func run() throws -> End {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "tdxspec-\(UUID().uuidString)")
    guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
      throw OutputError(path: file.path, errno: errno)
    }
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.tool)
    process.arguments = arguments
    let handle = try FileHandle(forWritingTo: file)
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    let clock = ContinuousClock()
    let start = clock.now
    try process.run()
    let isOutOfTime = ended.wait(timeout: .now() + .seconds(budget)) == .timedOut
    if isOutOfTime {
      process.terminate()
      if ended.wait(timeout: .now() + .seconds(5)) == .timedOut {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
      }
    }
    let seconds = (clock.now - start) / .seconds(1)
    let text = String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    return End(
      status: status(process, isOutOfTime), seconds: seconds, isOutOfTime: isOutOfTime, text: text)
  }

  private func status(_ process: Process, _ isOutOfTime: Bool) -> ExitStatus {
    if isOutOfTime { return .noAnswer }
    guard process.terminationReason == .exit else { return .internalError }
    return ExitStatus(rawValue: process.terminationStatus) ?? .internalError
  }
}
