import Catalogue
import SpecProgram
import TraceValidation
import Verdicts

/// Replays recordings of the TDX module and reports.
struct TraceRunner {
  let json: Bool
  let output = Output.standard
  let clock = ContinuousClock()

  init(json: Bool) { self.json = json }

  func begin() throws {
    guard json else { return }
    try output.write(Events.start("trace check", version: TDXSpec.version).text + "\n")
  }

  func skip(_ why: String) throws {
    try output.write(json ? "" : "SKIPPED: \(why)\n")
    guard json else { return }
    try output.write(TraceEvents.skipped(why).text + "\n" + Events.end(.skipped).text + "\n")
  }

  /// - Returns: 0 or 1 by the tally, 2 or 3 for a file that could not be read to its end.
  func check(_ paths: [String], limit: Int) throws -> ExitStatus {
    let description = try SpecLookup.describe(ModuleTraceCheck.spec)
    let scope = try ResolvedScope(description, scope: ModuleTraceCheck.scope)
    let program = try Program(description, scope)
    var check: ModuleTraceCheck
    var status = ExitStatus.success
    let start = clock.now
    do {
      check = try ModuleTraceCheck(program, limit: limit)
    } catch {
      return try fail(error)
    }
    let line = TraceProgressLine()
    for path in paths {
      do throws(TraceError) {
        try check.check(file: path, progress: line.update)
      } catch {
        line.clear()
        status = status.combined(with: try fail(error, ends: false))
      }
    }
    line.clear()
    if !check.tally.isEnough { status = status.combined(with: .failure) }
    let seconds =
      Double((clock.now - start).components.seconds)
      + Double((clock.now - start).components.attoseconds) / 1e18
    let report = TraceReport(
      program: program, files: paths, tally: check.tally, disagreements: check.disagreements,
      seconds: seconds)
    try output.write(json ? TraceEvents.text(report) : report.text)
    if json { try output.write(Events.end(status).text + "\n") }
    return status
  }

  func fail(_ error: TraceError, ends: Bool = true) throws -> ExitStatus {
    let status: ExitStatus = error.kind == .torn ? .noAnswer : .usage
    Terminal.complain(error.description)
    guard json else { return status }
    try output.write(Events.error(error.description, code: nil).text + "\n")
    if ends { try output.write(Events.end(status).text + "\n") }
    return status
  }
}

/// How far a replay is.
final class TraceProgressLine {
  private let line = PacedLine(every: 10)

  func update(_ progress: TraceProgress) {
    line.update { seconds in
      let rate = Int(Double(progress.calls) / seconds)
      let left =
        seconds * Double(progress.allSequences - progress.sequences)
        / Double(max(1, progress.sequences))
      return "trace check: \(progress.sequences) of \(progress.allSequences) sequences, "
        + "\(progress.calls) calls, \(rate) calls/s, \(Int(left.rounded(.up))) s left"
    }
  }

  func clear() { line.clear() }
}
