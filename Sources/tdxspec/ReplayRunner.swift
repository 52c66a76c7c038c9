import Foundation
import Simulator
import SimulatorReplay
import TraceValidation
import Verdicts

/// Replays recordings on the simulator and reports.
struct ReplayRunner {
  let json: Bool
  let cells: Bool
  let faults: [Fault]
  let output = Output.standard

  func run(_ paths: [String], _ format: TraceFormat, limit: Int) throws -> ExitStatus {
    if json { try output.write(Events.start("replay", version: TDXSpec.version).text + "\n") }
    var status = ExitStatus.success
    var there: [String] = []
    for path in paths {
      if FileManager.default.fileExists(atPath: path) {
        there.append(path)
      } else {
        status = status.combined(with: try skip("\(path) is not there"))
      }
    }
    status = status.combined(
      with: format == .tdxModule
        ? try runModule(there, limit: limit) : try runKVM(there, limit: limit))
    if json { try output.write(Events.end(status).text + "\n") }
    return status
  }

  private func runModule(_ paths: [String], limit: Int) throws -> ExitStatus {
    var replay = SimulatedModuleReplay(ModuleBackend(faults: faults), limit: limit)
    let clock = ContinuousClock()
    let start = clock.now
    var status = ExitStatus.success
    for path in paths {
      do throws(TraceError) {
        try replay.check(file: path)
      } catch {
        status = status.combined(with: try fail(error))
      }
    }
    guard replay.tally.total.compared > 0 else { return status }
    try report([("module", replay.tally)], replay.disagreements, (clock.now - start) / .seconds(1))
    return replay.tally.isEnough ? status : status.combined(with: .failure)
  }

  private func runKVM(_ paths: [String], limit: Int) throws -> ExitStatus {
    var replay = SimulatedKVMReplay(faults: faults, limit: limit)
    let clock = ContinuousClock()
    let start = clock.now
    var status = ExitStatus.success
    for path in paths {
      do throws(TraceError) {
        try replay.check(file: path)
      } catch {
        status = status.combined(with: try fail(error))
      }
    }
    guard !replay.tallies.isEmpty else { return status }
    let tallies = replay.tallies.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    try report(tallies, replay.disagreements, (clock.now - start) / .seconds(1))
    return replay.isEnough ? status : status.combined(with: .failure)
  }

  /// Replays the recordings with each of the faults drawn. 0 whatever they notice: it is a measure.
  func runFaults(
    _ paths: [String], _ format: TraceFormat, _ count: Int, seed: UInt64
  ) throws -> ExitStatus {
    if json { try output.write(Events.start("replay", version: TDXSpec.version).text + "\n") }
    let subject: FaultTally.Subject = format == .tdxModule ? .module : .kernel
    let possible = Set(FaultTally.faults(of: subject))
    let faults = Fault.drawn(count, ofEach: seed, from: possible)
    var tally = FaultTally()
    do throws(TraceError) {
      for path in paths {
        let recording = try Recording(path).agreed(subject)
        for fault in faults { try tally.add(fault, recording, subject) }
      }
    } catch {
      return try fail(error)
    }
    try output.write(json ? ReplayText.events(tally) : ReplayText.text(tally))
    if json { try output.write(Events.end(.success).text + "\n") }
    return .success
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
    _ tallies: [(String, ReplayTally)], _ found: [ReplayDisagreement], _ seconds: Double
  ) throws {
    guard !json else {
      var events = found.map(ReplayText.event)
      for (name, tally) in tallies {
        events += tally.cells.sorted { $0.key < $1.key }
          .map { TraceEvents.cell($0.key, $0.value, of: name) }
        events.append(ReplayText.summary(name, tally, seconds))
      }
      return try output.write(events.map { $0.text + "\n" }.joined())
    }
    var text = found.enumerated().map { ReplayText.text($1, $0 + 1) + "\n" }.joined()
    for (name, tally) in tallies {
      let shown = tally.cells.filter { cells || $0.value.isWeak }.sorted { $0.key < $1.key }
      for (cell, count) in shown {
        text += "\(count.isWeak ? "weak: " : "")\(cell.leaf) \(cell.answer): "
        text += TraceReport.text(count) + "\n"
      }
      text += (shown.isEmpty ? "" : "\n") + ReplayText.summaryText(name, tally)
    }
    text += "\(TraceReport.rounded(seconds)) s\n"
    let isEnough = tallies.allSatisfy(\.1.isEnough)
    text += isEnough ? "The simulator agrees with the recording.\n" : "Too few calls agree.\n"
    try output.write(text)
  }
}

/// A replay's results in words and as events.
enum ReplayText {
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
      "event": "replay-disagreement", "place": .string(found.place),
      "sequence": .string(found.sequence), "call": .int(found.call), "text": .string(found.text),
      "differences": .array(
        found.differences.map {
          .members([
            "what": .string($0.what), "recorded": .string($0.recorded), "got": .string($0.got),
          ])
        }),
    ])
  }

  static func summary(
    _ name: String, _ tally: ReplayTally, _ seconds: Double
  ) -> JSONValue {
    .members([
      "event": "replay-summary", "backend": "simulator", "of": .string(name),
      "sequences": .int(tally.sequences),
      "agreed": .int(tally.total.agreed), "compared": .int(tally.total.compared),
      "not_reached": .int(tally.notReached), "cells": .int(tally.cells.count),
      "weak_cells": .int(tally.weakCells.count), "agrees": .bool(tally.isEnough),
      "seconds": .double(seconds),
    ])
  }

  static func summaryText(_ name: String, _ tally: ReplayTally) -> String {
    var out = "\(name): \(tally.sequences) sequences, \(TraceReport.text(tally.total))"
    if tally.notReached > 0 {
      out += "; \(tally.notReached) calls after a disagreement were not compared"
    }
    let strong = tally.cells.count - tally.weakCells.count
    out += "\n  \(strong) of \(tally.cells.count) pairs of call and answer agree to "
    return out + "\(ReplayTally.leastOfCell) % or more\n"
  }
}
