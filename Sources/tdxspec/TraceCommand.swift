import ArgumentParser
import Catalogue
import Foundation
import SpecProgram
import TraceValidation
import Verdicts

extension TDXSpec {
  /// `tdxspec trace`.
  struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compares recordings of real systems with a spec.",
      subcommands: [Check.self])
  }
}

/// What recordings are of.
enum TraceFormat: String, ExpressibleByArgument, CaseIterable {
  /// Calls of the TDX module with their answers and state changes.
  case tdxModule = "tdx-module"
  /// Calls of a VMM with KVM's answers and the SEAMCALLs it made.
  case kvmAnswers = "kvm-answers"

  /// The file of the whole corpus.
  var corpusFile: String {
    switch self {
    case .tdxModule: "tdx-module-traces.jsonl.gz"
    case .kvmAnswers: "kvm-answers.jsonl.gz"
    }
  }
}

extension TDXSpec.Trace {
  /// `tdxspec trace check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Replays recorded calls against the spec and compares every answer.",
      discussion: """
        A call agrees when status, code, operand, what was written back and the state afterwards \
        are the same; a call of KVM when its answer and its SEAMCALLs are, or what user space \
        reads through a mapping. Sequences of TDs are replayed with kvm/tdx, those of 6.18 and \
        of software-protected VMs with gmem/mainline. A sequence is left at its first \
        disagreement. Files are JSON lines, plain or packed with gzip.

        EXAMPLES
          tdxspec trace check --format tdx-module Conformance/Recorded/tdx-module-sample.jsonl.gz
          tdxspec trace check --format tdx-module --corpus recordings
          tdxspec trace check --format kvm-answers Conformance/Recorded/kvm-answers-sample.jsonl.gz

        EXIT CODES
          0 at least 99.5 % of all calls (kvm/tdx: 99 % of answers and of lists of SEAMCALLs)
            and 95 % of each leaf's calls with each answer agree, in each environment
          1 fewer do  2 unusable input  3 a file ends within a line  4 the corpus is not there
        """)

    @Option(name: .long, help: "What the recordings are of: tdx-module, kvm-answers.")
    var format: TraceFormat

    @Argument(help: ArgumentHelp("Recordings.", valueName: "file"))
    var files: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Replay the whole corpus in this folder (tdx-module-traces, kvm-answers).",
        valueName: "folder"))
    var corpus: String?

    @Option(
      name: .long,
      help: ArgumentHelp("Show so many disagreements.", valueName: "n"))
    var limit = 10

    @Flag(name: .long, help: "JSON lines on standard output.")
    var json = false

    func validate() throws {
      guard limit >= 0 else { throw ValidationError("--limit takes a number from 0") }
      guard !files.isEmpty || corpus != nil else {
        throw ValidationError("name a recording, or a folder with --corpus")
      }
    }

    func run() throws {
      let runner = TraceRunner(json: json)
      try runner.begin()
      var paths = files
      if let corpus {
        let path = "\(corpus)/\(format.corpusFile)"
        guard FileManager.default.fileExists(atPath: path) else {
          try runner.skip("\(path) is not there")
          throw CommandExit(status: .skipped)
        }
        paths.append(path)
      }
      let status =
        switch format {
        case .tdxModule: try runner.check(paths, limit: limit)
        case .kvmAnswers: try runner.checkKVM(paths, limit: limit)
        }
      if status != .success { throw CommandExit(status: status) }
    }
  }
}
