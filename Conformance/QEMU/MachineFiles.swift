import ConformanceKit
import Foundation

/// The files of a machine, which go when nobody uses it any more.
final class MachineFiles: Sendable {
  private let folder: String

  /// What the machine's kernel wrote to its console.
  var console: String { folder + "/console" }
  /// What QEMU itself says: remarks on its processor mostly, and why it does not start.
  var complaints: String { folder + "/complaints" }
  /// The machine's initial file system.
  var initialFiles: String { folder + "/initrd" }

  /// - Parameters:
  ///   - runner: becomes the first process.
  ///   - known: calls that requests name by number.
  init(runner: String, known: [Call]) throws(BackendError) {
    let place = FileManager.default.temporaryDirectory
      .appendingPathComponent("tdxspec-\(UUID().uuidString)")
    folder = place.path
    guard let program = FileManager.default.contents(atPath: runner) else {
      throw BackendError(.unavailable, "there is no runner \(runner)")
    }
    guard ExecutableFile.isStatic(Array(program)) == true else {
      throw BackendError(
        .unavailable, "\(runner) needs other files to start; tools/static-runner builds one")
    }
    var archive = CpioArchive()
    for directory in ["dev", "proc", "sys", "tmp"] { archive.add(directory: directory) }
    archive.add(device: "dev/console", major: 5, minor: 1)
    archive.add(program: "init", Array(program))
    do {
      archive.add(file: "calls", try known.flatMap { try StrictJSON.line($0) })
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try Data(archive.finished()).write(to: URL(fileURLWithPath: initialFiles))
    } catch {
      throw BackendError(.unavailable, "the machine's files cannot be written: \(error)")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The end of one of the files, without control characters.
  func lastLines(_ file: String, _ count: Int) -> [String] {
    let bytes = FileManager.default.contents(atPath: file) ?? Data()
    let text = String(decoding: bytes.suffix(8192), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      String(line.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 })
    }
    return lines.filter { !$0.isEmpty }.suffix(count)
  }
}
