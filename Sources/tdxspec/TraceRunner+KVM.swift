import Catalogue
import SpecLanguage
import SpecProgram
import TraceValidation
import Verdicts

extension TraceRunner {
  /// Replays recordings of KVM's answers and reports.
  ///
  /// - Returns: 0 or 1 by the tallies, 2 or 3 for a file that could not be read to its end.
  func checkKVM(_ paths: [String], limit: Int) throws -> ExitStatus {
    let description = try SpecLookup.describe(KVMTraceCheck.spec)
    var check = KVMTraceCheck(description, limit: limit)
    var status = ExitStatus.success
    let start = clock.now
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
    if !check.isEnough { status = status.combined(with: .failure) }
    let report = KVMTraceReport(
      files: paths, check: check, seconds: Double((clock.now - start) / .seconds(1)))
    try output.write(json ? report.events : report.text)
    if json { try output.write(Events.end(status).text + "\n") }
    return status
  }
}

/// What a replay of KVM's answers found.
struct KVMTraceReport {
  let files: [String]
  let check: KVMTraceCheck
  let seconds: Double

  private var tallies: [(name: String, tally: ReplayTally)] {
    [("answers", check.answers), ("lists of SEAMCALLs", check.lists)]
  }

  var text: String {
    var out = "\(KVMTraceCheck.spec) against \(files.joined(separator: ", "))\n\n"
    for (number, disagreement) in check.disagreements.enumerated() {
      out += TraceReport.text(disagreement, number + 1) + "\n"
    }
    for (name, tally) in tallies {
      for (cell, count) in tally.weakCells {
        out += "weak \(name): \(cell.leaf) \(cell.answer): \(TraceReport.text(count))\n"
      }
    }
    out += "\(check.answers.sequences) sequences of \(KVMTraceCheck.environment)"
    if check.passedOver > 0 { out += "; \(check.passedOver) of other environments passed over" }
    if check.answers.notReached > 0 {
      out += "; \(check.answers.notReached) calls after a disagreement were not compared"
    }
    out += "\n"
    for (name, tally) in tallies {
      out += "\(name): \(tally.total.agreed) of \(tally.total.compared) agree "
      out += "(\(tally.total.percent) %); "
      out += "\(tally.cells.count - tally.weakCells.count) of \(tally.cells.count) pairs of call "
      out += "and answer agree to \(ReplayTally.leastOfCell) % or more\n"
    }
    let rate = Int(Double(check.answers.total.compared) / max(0.001, seconds))
    out += "\(TraceReport.rounded(seconds)) s, \(rate) calls/s\n"
    return out + (check.isEnough ? "The spec agrees with the recording.\n" : "Too few agree.\n")
  }

  /// The same as JSON lines.
  var events: String {
    var events = check.disagreements.map(TraceEvents.disagreement)
    for (name, tally) in tallies {
      events += tally.cells.sorted { $0.key < $1.key }
        .map { TraceEvents.cell($0.key, $0.value, of: name) }
    }
    events.append(
      .members([
        "event": "trace-summary", "spec": .string(KVMTraceCheck.spec),
        "files": .array(files.map { .string($0) }),
        "sequences": .int(check.answers.sequences), "passed_over": .int(check.passedOver),
        "agreed": .int(check.answers.total.agreed),
        "compared": .int(check.answers.total.compared),
        "lists_agreed": .int(check.lists.total.agreed),
        "lists_compared": .int(check.lists.total.compared),
        "not_reached": .int(check.answers.notReached),
        "weak_cells": .int(check.answers.weakCells.count + check.lists.weakCells.count),
        "agrees": .bool(check.isEnough), "seconds": .double(seconds),
      ]))
    return events.map { $0.text + "\n" }.joined()
  }
}
