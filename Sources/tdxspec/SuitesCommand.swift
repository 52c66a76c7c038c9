import ArgumentParser
import Foundation
import Verdicts

extension TDXSpec {
  /// `tdxspec suites`.
  struct Suites: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes the suites of a folder anew, or says which are not as the specs give them.",
      discussion: """
        The folder's file 'commands', or the one of --list, has a line for each suite: its name, a \
        tab, and what tdxspec generate is called with. NAME.json is the suite, NAME.txt what \
        generate says of it; a suite of hsi or hybrid has its NAME.certificate.json too.

        EXAMPLES
          tdxspec suites Conformance/Suites
          tdxspec suites Conformance/Suites --compare
          tdxspec suites Conformance/Suites --list nightly --into /tmp/nightly

        EXIT CODES
          0 made, or as committed  1 different  2 unusable input  3 a limit came first
        """)

    @Argument(help: "The folder.")
    var folder: String

    @Option(name: .long, help: ArgumentHelp("The file that says which.", valueName: "name"))
    var list = "commands"

    @Option(
      name: .long, help: ArgumentHelp("Write them to another folder.", valueName: "folder"))
    var into: String?

    @Flag(name: .long, help: "Change nothing; tell which files would change.")
    var compare = false

    func validate() throws {
      if compare && (into != nil || list != "commands") {
        throw ValidationError("--compare takes no --into or --list")
      }
    }

    func run() throws {
      let status = try SuitesRunner(
        folder: folder, list: list, into: into ?? folder, compares: compare
      ).run()
      if status != .success { throw CommandExit(status: status) }
    }
  }
}

/// Makes the suites of a folder.
private struct SuitesRunner {
  let folder: String
  let list: String
  let into: String
  let compares: Bool
  /// Seconds for one suite.
  private static let budget = 600

  func run() throws -> ExitStatus {
    let text = String(decoding: try InputFile.read("\(folder)/\(list)"), as: UTF8.self)
    let target = compares ? NSTemporaryDirectory() + "tdxspec-\(UUID().uuidString)" : into
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    defer { if compares { try? FileManager.default.removeItem(atPath: target) } }
    for (number, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
      let parts = line.split(separator: "\t")
      guard parts.count == 2 else {
        throw ValidationError(
          "\(folder)/\(list):\(number + 1): a line has a name, a tab and arguments of generate")
      }
      let status = try make(
        String(parts[0]), Self.words(String(parts[1])), target)
      guard status == .success else { return status }
    }
    return compares ? try difference(target) : .success
  }

  /// Arguments between spaces; one in single quotes may have some itself.
  static func words(_ line: String) -> [String] {
    line.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap {
      $0.offset % 2 == 1
        ? [String($0.element)] : $0.element.split(separator: " ").map(String.init)
    }
  }

  private func make(_ name: String, _ arguments: [String], _ target: String) throws -> ExitStatus {
    let file = "\(target)/\(name)"
    let isCertified = ["hsi", "hybrid"].contains { arguments.contains($0) }
    var call = ["generate"] + arguments + ["-o", "\(file).json"]
    if isCertified { call += ["--certificate", "\(file).certificate.json"] }
    var text = try ToolCall(arguments: call, budget: Self.budget).run()
    guard text.status == .success else { return fail(call, text) }
    var said = text.text
    if isCertified {
      let check = ["certificate", "\(file).certificate.json", "--suite", "\(file).json"]
      text = try ToolCall(arguments: check, budget: Self.budget).run()
      guard text.status == .success else { return fail(check, text) }
      said += text.text
    }
    try FileOutput.write(said, to: "\(file).txt")
    return .success
  }

  private func fail(_ call: [String], _ end: ToolCall.End) -> ExitStatus {
    Terminal.complain("tdxspec \(call.joined(separator: " ")): \(end.text)")
    return end.status
  }

  /// Files that are other, missing or more than what the commands make.
  private func difference(_ made: String) throws -> ExitStatus {
    let files = FileManager.default
    let names = Set(try files.contentsOfDirectory(atPath: made))
      .union(try files.contentsOfDirectory(atPath: folder)).subtracting(["commands", "nightly"])
    let different = names.sorted().filter {
      files.contents(atPath: "\(made)/\($0)") != files.contents(atPath: "\(folder)/\($0)")
    }
    guard different.isEmpty else {
      for name in different {
        try Output.standard.write("\(folder)/\(name): not as the specs give it\n")
      }
      return .failure
    }
    try Output.standard.write("suites: as committed\n")
    return .success
  }
}
