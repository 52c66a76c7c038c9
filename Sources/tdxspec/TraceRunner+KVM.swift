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
    let descriptions = try KVMAnswersCheck.specs.map { try SpecLookup.describe($0) }
    var check = KVMAnswersCheck(td: descriptions[0], gmem: descriptions[1], limit: limit)
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
  let check: KVMAnswersCheck
  let seconds: Double

  /// What was found in one environment.
  struct Environment {
    let spec: String
    let name: String
    let answers: ReplayTally
    /// Lists of SEAMCALLs, where the recording has any.
    let lists: ReplayTally?
    let disagreements: [TraceDisagreement]
    let isEnough: Bool

    var tallies: [(name: String, tally: ReplayTally)] {
      [("answers", answers)] + (lists.map { [("lists of SEAMCALLs", $0)] } ?? [])
    }
  }

  /// Those that have sequences.
  private var environments: [Environment] {
    let td = Environment(
      spec: KVMTraceCheck.spec, name: KVMTraceCheck.environment, answers: check.td.answers,
      lists: check.td.lists, disagreements: check.td.disagreements, isEnough: check.td.isEnough)
    let gmem = check.gmem.map {
      Environment(
        spec: KVMAnswersCheck.specs[1], name: $0.environment.name, answers: $0.answers,
        lists: nil, disagreements: $0.disagreements, isEnough: $0.answers.isEnough)
    }
    return ([td] + gmem).filter { $0.answers.sequences > 0 }
  }

  var text: String {
    var out = ""
    for environment in environments { out += text(environment) }
    if check.passedOver > 0 {
      out += "\(check.passedOver) sequences of other environments passed over\n"
    }
    let compared = environments.reduce(0) { $0 + $1.answers.total.compared }
    let rate = Int(Double(compared) / max(0.001, seconds))
    out += "\(TraceReport.rounded(seconds)) s, \(rate) calls/s\n"
    return out
      + (check.isEnough ? "The spec agrees with the recording.\n" : "Too few agree.\n")
  }

  private func text(_ environment: Environment) -> String {
    var out = "\(environment.spec) against \(environment.name) of "
    out += "\(files.joined(separator: ", "))\n\n"
    for (number, disagreement) in environment.disagreements.enumerated() {
      out += TraceReport.text(disagreement, number + 1) + "\n"
    }
    for (name, tally) in environment.tallies {
      for (cell, count) in tally.weakCells {
        out += "weak \(name): \(cell.leaf) \(cell.answer): \(TraceReport.text(count))\n"
      }
    }
    out += "\(environment.answers.sequences) sequences of \(environment.name)"
    if environment.answers.notReached > 0 {
      out += "; \(environment.answers.notReached) calls after a disagreement were not compared"
    }
    out += "\n"
    for (name, tally) in environment.tallies {
      out += "\(name): \(tally.total.agreed) of \(tally.total.compared) agree "
      out += "(\(tally.total.percent) %); "
      out += "\(tally.cells.count - tally.weakCells.count) of \(tally.cells.count) pairs of call "
      out += "and answer agree to \(ReplayTally.leastOfCell) % or more\n"
    }
    return out + "\n"
  }

  /// The same as JSON lines: the events of each environment end with its summary.
  var events: String {
    environments.flatMap(events).map { $0.text + "\n" }.joined()
  }

  private func events(_ environment: Environment) -> [JSONValue] {
    var events = environment.disagreements.map(TraceEvents.disagreement)
    for (name, tally) in environment.tallies {
      events += tally.cells.sorted { $0.key < $1.key }
        .map { TraceEvents.cell($0.key, $0.value, of: name) }
    }
    let (answers, lists) = (environment.answers, environment.lists)
    events.append(
      .members([
        "event": "trace-summary", "spec": .string(environment.spec),
        "environment": .string(environment.name),
        "files": .array(files.map { .string($0) }),
        "sequences": .int(answers.sequences), "passed_over": .int(check.passedOver),
        "agreed": .int(answers.total.agreed), "compared": .int(answers.total.compared),
        "lists_agreed": .int(lists?.total.agreed ?? 0),
        "lists_compared": .int(lists?.total.compared ?? 0),
        "not_reached": .int(answers.notReached),
        "weak_cells": .int(answers.weakCells.count + (lists?.weakCells.count ?? 0)),
        "agrees": .bool(environment.isEnough), "seconds": .double(seconds),
      ]))
    return events
  }
}
