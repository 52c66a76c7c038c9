import Foundation

/// What steps of a gate came to, by what they depend on: the tool itself, the arguments, and every
/// file and folder that the arguments name.
///
/// Only steps that ended as they should are kept, each in a file of its own that is written whole
/// or not at all: a run that is ended in the middle loses nothing that was finished.
struct GateCache {
  let folder: String
  private let tool: String

  /// - Parameters:
  ///   - folder: made when something is to be kept.
  ///   - tool: the path of the executable.
  init(folder: String, tool: String) {
    self.folder = folder
    var hash = ContentHash()
    hash.add(path: tool)
    self.tool = hash.text
  }

  /// Where caches are kept: XDG_CACHE_HOME, or `.cache` at home.
  static var usualFolder: String {
    let environment = ProcessInfo.processInfo.environment
    if let base = environment["XDG_CACHE_HOME"], !base.isEmpty { return "\(base)/tdxspec" }
    return "\(environment["HOME"] ?? ".")/.cache/tdxspec"
  }

  private func file(_ step: GatePlan.Step) -> String {
    var hash = ContentHash()
    hash.add(tool)
    for argument in step.arguments {
      hash.add(argument)
      hash.add(path: argument)
    }
    return "\(folder)/\(hash.text)"
  }

  /// How many seconds the step took when it last ended as it should; nil when that is not known.
  func seconds(_ step: GatePlan.Step) -> Double? {
    guard let data = FileManager.default.contents(atPath: file(step)) else { return nil }
    let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 2, words[0] == "ok", let seconds = Double(words[1]), seconds >= 0 else {
      return nil
    }
    return seconds
  }

  /// Keeps that the step ended as it should.
  ///
  /// - Throws: `OutputError` when it cannot be written.
  func keep(_ step: GatePlan.Step, seconds: Double) throws {
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    try FileOutput.write("ok \(seconds)\n", to: file(step))
  }
}
