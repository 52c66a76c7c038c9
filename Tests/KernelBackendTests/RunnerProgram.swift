import ConformanceKit
import Foundation

/// The runner that this build made, as a process that is spoken to line by line.
final class RunnerProgram {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()

  /// Beside the tests.
  static var path: String {
    var folder = Bundle(for: RunnerProgram.self).bundleURL
    if folder.pathExtension == "xctest" { folder.deleteLastPathComponent() }
    return folder.appendingPathComponent("tdxspec-kvm").path
  }

  /// Why tests that need /dev/kvm do not run here; nil where they do.
  static var missingDevice: String? {
    guard FileManager.default.isReadableFile(atPath: "/dev/kvm"),
      FileManager.default.isWritableFile(atPath: "/dev/kvm")
    else { return "SKIPPED: /dev/kvm is not there, or not for this user" }
    return nil
  }

  init(_ arguments: [String] = []) throws {
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  var pid: Int32 { process.processIdentifier }

  /// What it replies to a line.
  func reply(_ line: String) throws -> [String: Any] {
    try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    while !pending.contains(UInt8(ascii: "\n")) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw Ended() }
      pending += more
    }
    guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { throw Ended() }
    let text = Data(pending[..<end])
    pending = Data(pending[pending.index(after: end)...])
    return try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
  }

  /// Its output has ended.
  struct Ended: Error {}

  /// The status it ends with when there are no more requests.
  func end() throws -> Int32 {
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
