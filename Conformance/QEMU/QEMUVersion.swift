import ConformanceKit
import Foundation

/// Which QEMU is there.
enum QEMUVersion {
  /// - Throws: `unavailable` when there is none, or an older one.
  static func require(
    _ oldest: Int, of command: String, for kernel: String
  ) throws(BackendError) {
    guard let text = output(of: command), let version = major(text) else {
      throw BackendError(.unavailable, "there is no \(command)")
    }
    guard version >= oldest else {
      throw BackendError(
        .unavailable, "\(kernel) needs QEMU \(oldest) or newer; here is \(version)")
    }
  }

  /// The first number after "version".
  static func major(_ text: String) -> Int? {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let place = words.firstIndex(of: "version"), place + 1 < words.count else { return nil }
    return words[place + 1].split(separator: ".").first.flatMap { Int($0) }
  }

  private static func output(of command: String) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [command, "--version"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }
}
