#if HAS_Z3
import ArgumentParser
import CExplorerShims
import SpecLanguage
import SpecProgram
import SymbolicChecker
import Verdicts

/// `check --cross-check z3`: what the explorer found, compared with Z3's encoding.
struct CrossCheckRunner {
  /// How many of the explorer's states are compared at most.
  static let states = 2000
  /// A mistake that the encoding shall make, so that tests see what becomes of one.
  @TaskLocal static var fault: EncoderFault?

  /// What is said about one spec.
  struct Answer {
    let status: ExitStatus
    let text: String
    let event: JSONValue
  }

  let program: Program
  private let check: CrossCheck
  private let command: [String]

  /// - Parameters:
  ///   - seconds: wall time for the states, and again for the verdicts.
  ///   - command: the command line, to be repeated by who reports a disagreement.
  /// - Throws: a usage error when the spec is outside the encoding.
  init(
    _ program: Program, seconds: Double = 30, command: [String] = CommandLine.arguments
  ) throws {
    self.program = program
    self.command = Array(command.dropFirst())
    do throws(SolverError) {
      check = try CrossCheck(try Self.ground(program), seconds: seconds, fault: Self.fault)
    } catch {
      throw ValidationError("--cross-check z3 cannot be done for \(program.spec.name): \(error)")
    }
    check.isStopped = { tdxs_interrupted() != 0 }
  }

  private static func ground(_ program: Program) throws(SolverError) -> GroundProgram {
    do { return try GroundProgram(program) } catch { throw SolverError("\(error)") }
  }

  /// Compares, and complains of a disagreement on standard error.
  func run(_ report: SpecReport, sample: [[Int]]) throws -> Answer {
    let clock = ContinuousClock()
    let start = clock.now
    let claims = claims(report)
    do throws(SolverError) {
      let result = try check.run(claims, sample: sample)
      let time = (clock.now - start).components
      let seconds = Double(time.seconds) + Double(time.attoseconds) * 1e-18
      if let disagreement = result.disagreement { complain(disagreement) }
      let leftOut = result.notCompared + unclaimed(report, claims)
      return Answer(
        status: result.disagreement == nil ? .success : .internalError,
        text: text(result, claims, leftOut), event: event(result, seconds, leftOut))
    } catch {
      Terminal.complain("--cross-check z3: \(error)")
      throw CommandExit(status: .noAnswer)
    }
  }

  /// The verdicts that Z3 can contradict: those with a trace, and those of states to some depth.
  private func claims(_ report: SpecReport) -> [CrossClaim] {
    report.properties.compactMap { answer in
      let found = program.properties.first { $0.property.id == answer.property.id }
      guard let property = found, !property.isScenario else { return nil }
      switch answer.verdict {
      case .violated, .witnessed, .exhausted, .vacuous, .bounded:
        return CrossClaim(property, trace: answer.trace, depth: report.diameter)
      case .proved, .sampled, .interrupted, .unknown, .skipped: return nil
      }
    }
  }

  /// What has no verdict of the explorer.
  private func unclaimed(_ report: SpecReport, _ claims: [CrossClaim]) -> [String] {
    let ids = report.properties.map(\.property.id).filter { id in
      !claims.contains { $0.property.property.id == id }
    }
    return ids.isEmpty ? [] : ["\(ids.joined(separator: " ")) (no verdict of the explorer)"]
  }

  // MARK: Saying

  private func text(
    _ result: CrossCheckResult, _ claims: [CrossClaim], _ leftOut: [String]
  ) -> String {
    if let disagreement = result.disagreement {
      return "cross-check: z3 \(Prover.solverVersion) DISAGREES: \(disagreement.text)\n"
    }
    let whole = claims.count { claim in
      result.depths.contains { $0.id == claim.property.property.id && $0.depth == claim.depth }
    }
    let rest =
      leftOut.isEmpty ? "" : "; not compared: \(leftOut.joined(separator: ", "))"
    return """
      cross-check: z3 \(Prover.solverVersion) agrees on \(result.states) states, \
      \(result.transitions) steps and \(whole) verdicts\(rest)

      """
  }

  private func event(
    _ result: CrossCheckResult, _ seconds: Double, _ leftOut: [String]
  ) -> JSONValue {
    .members([
      "event": "cross_check", "spec": .string(program.spec.name),
      "solver": .string("z3 \(Prover.solverVersion)"),
      "agrees": .bool(result.disagreement == nil), "states": .int(result.states),
      "transitions": .int(result.transitions), "seconds": .double(seconds),
      "properties": .array(
        result.depths.map { .members(["property": .string($0.id), "depth": .int($0.depth)]) }),
      "not_compared": .array(leftOut.map { .string($0) }),
      "disagreement": result.disagreement.map { .string($0.text) },
      "command": result.disagreement == nil ? nil : .string(line),
      "itf": result.disagreement.map { ITF(program, $0.trace).json },
    ])
  }

  private func complain(_ disagreement: CrossDisagreement) {
    Terminal.complain(
      """
      internal error: \(program.spec.name): the explorer and Z3 disagree; please report this
        \(disagreement.text)
        command: \(line)
        where, in ITF: \(ITF(program, disagreement.trace).json.text)
      """)
  }

  /// The command line as a shell takes it.
  private var line: String {
    let words = command.map { word in
      let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_=/.,".contains($0) }
      return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
    return (["tdxspec"] + words).joined(separator: " ")
  }
}
#endif
