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

/// Every format of `trace check`: recordings of sequences, and traces of processes.
enum CheckedFormat: String, ExpressibleByArgument, CaseIterable {
  case tdxModule = "tdx-module"
  case kvmAnswers = "kvm-answers"
  case strace
  case calls
  case traceCmd = "trace-cmd"

  /// Nil for a format of processes.
  var recording: TraceFormat? { TraceFormat(rawValue: rawValue) }
  var process: SystemCallFormat? { SystemCallFormat(rawValue: rawValue) }
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

        Without --format, or with strace, calls, trace-cmd, the files are traces of processes \
        (docs/traces.md): a trace conforms when a spec explains every call that specs have, for \
        some value of what the trace does not tell. Otherwise the first call that it does not \
        explain is told.

        EXAMPLES
          tdxspec trace check qemu.strace
          strace -f -yy -o vmm.strace VMM; tdxspec trace check --release 7.3 vmm.strace
          tdxspec trace check --format tdx-module Conformance/Recorded/tdx-module-sample.jsonl.gz
          tdxspec trace check --format tdx-module --corpus recordings
          tdxspec trace check --format kvm-answers Conformance/Recorded/kvm-answers-sample.jsonl.gz

        EXIT CODES
          0 the traces conform, or at least 99.5 % of all calls (kvm/tdx: 99 % of answers and of
            lists of SEAMCALLs) and 95 % of each leaf's calls with each answer agree, in each
            environment
          1 one does not, or fewer do  2 unusable input  3 a file ends within a line, or no answer
          4 the corpus is not there
        """)

    @Option(
      name: .long,
      help: "tdx-module, kvm-answers; strace, calls, trace-cmd (told by the first line).")
    var format: CheckedFormat?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Of traces of processes: the kernel, \(TraceKernel.releases.joined(separator: ", ")).",
        valueName: "version"))
    var release: String?

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
      guard corpus == nil || format?.recording != nil else {
        throw ValidationError("--corpus is for --format tdx-module and kvm-answers")
      }
      if let release, !TraceKernel.releases.contains(release) {
        throw ValidationError("there is no release '\(release)'")
      }
      guard !files.isEmpty || corpus != nil else {
        throw ValidationError("name a recording, or a folder with --corpus")
      }
    }

    func run() throws {
      guard let format = format?.recording else {
        let status = try ProcessTraceRunner(json: json).check(
          files, format: format?.process, release: release)
        if status != .success { throw CommandExit(status: status) }
        return
      }
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
