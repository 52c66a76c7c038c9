import ArgumentParser
import Foundation
import Simulator
import SimulatorReplay
import TraceValidation
import Verdicts

/// What answers the calls.
enum ReplayBackend: String, ExpressibleByArgument, CaseIterable {
  /// The hand-written machine of `Conformance/Simulator`.
  case simulator
}

extension TDXSpec {
  /// `tdxspec replay`.
  struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compares a backend's answers with recordings of real systems.",
      discussion: """
        Each recorded call is made on the backend; it agrees when the answer, what was written \
        back and everything that can be seen afterwards are as recorded. A sequence is left at its \
        first disagreement. Files are JSON lines, plain or packed with gzip.

        EXAMPLES
          tdxspec replay --backend simulator --format tdx-module \\
            --recorded Conformance/Recorded/tdx-module-sample.jsonl.gz
          tdxspec replay --format kvm-answers \\
            --recorded Conformance/Recorded/kvm-answers-sample.jsonl.gz
          tdxspec replay --draw-faults 5 \\
            --recorded Conformance/Recorded/tdx-module-sample.jsonl.gz

        EXIT CODES
          0 at least 99.5 % of all calls (kvm-answers: 99 %) and 95 % of each call's answers agree,
            in each environment, and every pair of call and answer was reached
          1 fewer do  2 unusable input  3 a file ends within a line  4 a file is not there
        """)

    @Option(name: .long, help: "What answers: simulator.")
    var backend: ReplayBackend = .simulator

    @Option(name: .long, help: "What the recordings are of: tdx-module, kvm-answers.")
    var format: TraceFormat = .tdxModule

    @Option(name: .long, help: ArgumentHelp("A recording; can be given again.", valueName: "file"))
    var recorded: [String] = []

    @Option(name: .long, help: ArgumentHelp("Show so many disagreements.", valueName: "n"))
    var limit = 10

    @Flag(name: .long, help: "Show every pair of call and answer.")
    var cells = false

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Switch on a fault of the simulator, such as \(exampleFault).", valueName: "id"))
    var fault: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Draw so many faults of each operator; tell which the recordings notice.",
        valueName: "n"))
    var drawFaults: Int?

    @Option(name: .long, help: ArgumentHelp("The seed of the draw.", valueName: "n"))
    var seed: UInt64 = 1

    @Flag(name: .long, help: "JSON lines on standard output.")
    var json = false

    private static let exampleFault = "MNG.CREATE/missingEffect/KOT"

    func validate() throws {
      guard limit >= 0 else { throw ValidationError("--limit takes a number from 0") }
      if let fault, Fault(id: fault) == nil {
        throw ValidationError("there is no fault '\(fault)'")
      }
      guard drawFaults.map({ $0 > 0 }) ?? true, fault == nil || drawFaults == nil else {
        throw ValidationError("--draw-faults takes a number from 1, and no --fault")
      }
      guard !recorded.isEmpty else { throw ValidationError("name a recording with --recorded") }
    }

    func run() throws {
      let runner = ReplayRunner(
        json: json, cells: cells, faults: fault.flatMap { Fault(id: $0) }.map { [$0] } ?? [])
      let status =
        if let drawFaults {
          try runner.runFaults(recorded, format, drawFaults, seed: seed)
        } else {
          try runner.run(recorded, format, limit: limit)
        }
      if status != .success { throw CommandExit(status: status) }
    }
  }
}
