import SpecProgram
import TraceValidation
import Verdicts

/// What a replay found, in words.
struct TraceReport {
  let program: Program
  let files: [String]
  let tally: ReplayTally
  let disagreements: [TraceDisagreement]
  let seconds: Double

  var text: String {
    let total = tally.total
    var out = "\(program.spec.name) against \(files.joined(separator: ", "))\n\n"
    for (number, disagreement) in disagreements.enumerated() {
      out += Self.text(disagreement, number + 1) + "\n"
    }
    for (cell, count) in tally.weakCells {
      out += "weak: \(cell.leaf) \(cell.answer): \(Self.text(count))\n"
    }
    if !tally.weakCells.isEmpty { out += "\n" }
    out += "\(tally.sequences) sequences, \(Self.text(total))"
    if tally.notReached > 0 {
      out += "; \(tally.notReached) calls after a disagreement were not compared"
    }
    let agreeing = tally.cells.count - tally.weakCells.count
    out += "\n\(agreeing) of \(tally.cells.count) pairs of leaf and answer agree to "
    out += "\(ReplayTally.leastOfCell) % or more"
    let rate = Int(Double(total.compared) / max(0.001, seconds))
    out += "; \(Self.rounded(seconds)) s, \(rate) calls/s\n"
    return out
      + (tally.isEnough ? "The spec agrees with the recording.\n" : "Too few calls agree.\n")
  }

  static func rounded(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }

  static func text(_ count: ReplayTally.Count) -> String {
    "\(count.agreed) of \(count.compared) calls agree (\(count.percent) %)"
  }

  static func text(_ disagreement: TraceDisagreement, _ number: Int) -> String {
    var out = "\(number). \(disagreement.place) \(disagreement.sequence), call "
    out += "\(disagreement.call): \(disagreement.leaf) \(disagreement.arguments)\n"
    for difference in disagreement.differences {
      out += "   \(difference.what): recorded \(difference.expected), the spec \(difference.got)\n"
    }
    return out + "   answered by \(disagreement.check)\n"
  }
}

/// The events of `trace check`.
enum TraceEvents {
  static func skipped(_ why: String) -> JSONValue {
    .members(["event": "trace-skipped", "message": .string(why)])
  }

  static func text(_ report: TraceReport) -> String {
    var events = report.disagreements.map(disagreement)
    events += report.tally.cells.sorted { $0.key < $1.key }.map { cell($0.key, $0.value) }
    events.append(summary(report))
    return events.map { $0.text + "\n" }.joined()
  }

  static func disagreement(_ found: TraceDisagreement) -> JSONValue {
    .members([
      "event": "trace-disagreement", "place": .string(found.place),
      "sequence": .string(found.sequence), "call": .int(found.call), "leaf": .string(found.leaf),
      "arguments": .string(found.arguments),
      "differences": .array(
        found.differences.map {
          .members([
            "what": .string($0.what), "expected": .string($0.expected), "got": .string($0.got),
          ])
        }),
      "answered_by": .string(found.check),
    ])
  }

  static func cell(
    _ cell: ReplayTally.Cell, _ count: ReplayTally.Count, of what: String = "answers"
  ) -> JSONValue {
    .members([
      "event": "trace-cell", "of": .string(what), "leaf": .string(cell.leaf),
      "answer": .string(cell.answer),
      "agreed": .int(count.agreed), "compared": .int(count.compared), "weak": .bool(count.isWeak),
    ])
  }

  private static func summary(_ report: TraceReport) -> JSONValue {
    .members([
      "event": "trace-summary", "spec": .string(report.program.spec.name),
      "scope": Events.scope(report.program),
      "files": .array(report.files.map { .string($0) }),
      "sequences": .int(report.tally.sequences), "agreed": .int(report.tally.total.agreed),
      "compared": .int(report.tally.total.compared),
      "not_reached": .int(report.tally.notReached),
      "weak_cells": .int(report.tally.weakCells.count), "agrees": .bool(report.tally.isEnough),
      "seconds": .double(report.seconds),
    ])
  }
}
