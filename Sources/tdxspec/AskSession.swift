#if HAS_Z3
import ArgumentParser
import CExplorerShims
import Dispatch
import Foundation
import SpecProgram
import SymbolicChecker
import Verdicts

/// What all questions share: the time, the signal, the queries' files, the first and last event.
final class AskSession {
  let options: AskOptions
  private let command: String
  private var failure: OutputError?
  private var queries = 0

  /// - Throws: when a signal or the folder for queries cannot be prepared.
  init(_ command: String, _ options: AskOptions) throws {
    self.command = command
    self.options = options
    guard tdxs_install_sigint() == 0 else {
      throw ValidationError("signal handlers cannot be installed")
    }
    if let folder = options.smtlib {
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw OutputError(path: folder, errno: EACCES)
      }
    }
    if options.json { try say(Events.start(command, version: TDXSpec.version)) }
  }

  /// Writes a query; what goes wrong is said at the end.
  var onQuery: ((String, String) -> Void)? {
    guard let folder = options.smtlib else { return nil }
    return { name, text in
      do throws(OutputError) {
        try FileOutput.write(text, to: "\(folder)/\(name).smt2")
      } catch {
        self.failure = error
      }
    }
  }

  func prover(_ ground: GroundProgram) throws -> Prover {
    let prover = try Prover(
      ground, seconds: options.seconds, resources: options.budget.rlimit, onQuery: onQuery)
    prover.isStopped = { tdxs_interrupted() != 0 }
    watch(prover.interrupt)
    return prover
  }

  /// A signal stops the query that runs, and any that is begun after it.
  func watch(_ interrupt: @escaping @Sendable () -> Void) {
    DispatchQueue.global().async {
      while true {
        if tdxs_interrupted() != 0 { interrupt() }
        usleep(50_000)
      }
    }
  }

  /// The word for a question without an answer.
  var noAnswer: Verdict { tdxs_interrupted() != 0 ? .interrupted : .unknown }

  func say(_ event: JSONValue) throws { try Output.standard.write(event.text + "\n") }
  func say(_ text: String) throws { try Output.standard.write(text) }

  /// `PROVED      text`.
  static func line(_ verdict: Verdict, _ text: String) -> String {
    let word = verdict.rawValue
    return "\(word)\(String(repeating: " ", count: max(1, 12 - word.count)))\(text)\n"
  }

  static func heading(_ program: Program) -> String {
    let sizes = program.scope.parameters.map { "\($0.name)=\($0.value)" }
    return "at \(sizes.joined(separator: " ")); z3 \(Prover.solverVersion)"
  }

  func end(_ status: ExitStatus) throws -> ExitStatus {
    if let failure { throw failure }
    if options.json { try say(Events.end(status)) }
    return status
  }
}
#endif
