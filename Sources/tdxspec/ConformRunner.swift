import Foundation
import SimulatorReplay
import TraceValidation
import Verdicts

/// Replays recordings on the simulator and reports.
struct ConformRunner {
  let json: Bool
  let cells: Bool
  let output = Output.standard

  func run(_ paths: [String], limit: Int) throws -> ExitStatus {
    if json { try output.write(Events.start("conform", version: TDXSpec.version).text + "\n") }
    var status = ExitStatus.success
    var replay = SimulatedModuleReplay(limit: limit)
    let clock = ContinuousClock()
    let start = clock.now
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else {
        status = status.combined(with: try skip("\(path) is not there"))
        continue
      }
      do throws(TraceError) {
        try replay.check(file: path)
      } catch {
        status = status.combined(with: try fail(error))
      }
    }
    if replay.tally.total.compared > 0 {
      if !replay.tally.isEnough { status = status.combined(with: .failure) }
      let seconds = (clock.now - start) / .seconds(1)
      try report(replay.tally, replay.disagreements, seconds: seconds)
    }
    if json { try output.write(Events.end(status).text + "\n") }
    return status
  }

  private func skip(_ why: String) throws -> ExitStatus {
    try output.write(json ? TraceEvents.skipped(why).text + "\n" : "SKIPPED: \(why)\n")
    return .skipped
  }

  private func fail(_ error: TraceError) throws -> ExitStatus {
    Terminal.complain(error.description)
    if json { try output.write(Events.error(error.description, code: nil).text + "\n") }
    return error.kind == .torn ? .noAnswer : .usage
  }

  private func report(
    _ tally: ReplayTally, _ found: [ReplayDisagreement], seconds: Double
  ) throws {
    if json {
      let events =
        found.map(ConformText.event)
        + tally.cells.sorted { $0.key < $1.key }.map { TraceEvents.cell($0.key, $0.value) }
        + [ConformText.summary(tally, seconds)]
      return try output.write(events.map { $0.text + "\n" }.joined())
    }
    var text = found.enumerated().map { ConformText.text($1, $0 + 1) + "\n" }.joined()
    let shown = tally.cells.filter { cells || $0.value.isWeak }.sorted { $0.key < $1.key }
    for (cell, count) in shown {
      text += "\(count.isWeak ? "weak: " : "")\(cell.leaf) \(cell.answer): "
      text += TraceReport.text(count) + "\n"
    }
    if !shown.isEmpty { text += "\n" }
    try output.write(text + ConformText.summaryText(tally, seconds))
  }
}

/// A replay's results in words and as events.
enum ConformText {
  static func text(_ found: ReplayDisagreement, _ number: Int) -> String {
    var out = "\(number). \(found.place) \(found.sequence), call \(found.call): \(found.text)\n"
    for difference in found.differences {
      out += "   \(difference.what): recorded \(difference.recorded), "
      out += "the simulator \(difference.got)\n"
    }
    return out
  }

  static func event(_ found: ReplayDisagreement) -> JSONValue {
    .members([
      "event": "conform-disagreement", "place": .string(found.place),
      "sequence": .string(found.sequence), "call": .int(found.call), "text": .string(found.text),
      "differences": .array(
        found.differences.map {
          .members([
            "what": .string($0.what), "recorded": .string($0.recorded), "got": .string($0.got),
          ])
        }),
    ])
  }

  static func summary(_ tally: ReplayTally, _ seconds: Double) -> JSONValue {
    .members([
      "event": "conform-summary", "backend": "simulator", "sequences": .int(tally.sequences),
      "agreed": .int(tally.total.agreed), "compared": .int(tally.total.compared),
      "not_reached": .int(tally.notReached), "cells": .int(tally.cells.count),
      "weak_cells": .int(tally.weakCells.count), "agrees": .bool(tally.isEnough),
      "seconds": .double(seconds),
    ])
  }

  static func summaryText(_ tally: ReplayTally, _ seconds: Double) -> String {
    var out = "\(tally.sequences) sequences, \(TraceReport.text(tally.total))"
    if tally.notReached > 0 {
      out += "; \(tally.notReached) calls after a disagreement were not compared"
    }
    let strong = tally.cells.count - tally.weakCells.count
    out += "\n\(strong) of \(tally.cells.count) pairs of call and answer agree to "
    out += "\(ReplayTally.leastOfCell) % or more; \(TraceReport.rounded(seconds)) s\n"
    return out
      + (tally.isEnough
        ? "The simulator agrees with the recording.\n" : "Too few calls agree.\n")
  }
}
