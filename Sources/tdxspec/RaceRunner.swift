import ArgumentParser
import Catalogue
import ConformanceKit
import Simulator
import SpecProgram
import TestGeneration
import Verdicts

/// Runs `conform --race`: a race of a run that the tool found, tried on a backend.
struct RaceRunner {
  let command: TDXSpec.Conform
  let path: String

  func run() throws -> ExitStatus {
    let trial: RaceTrial
    let run: RecordedRun
    do {
      run = try RecordedRun(events: try InputFile.read(path))
      let spec = try SpecLookup.describe(run.spec)
      let scope = try ResolvedScope(spec, overrides: run.scope)
      trial = try RaceTrial(
        run, try Program(spec, scope, ProgramOptions(withoutProperties: true)))
    } catch let error as RaceTraceError {
      throw ValidationError("\(path): \(error)")
    }
    do {
      var backend = try AnyBackend(command.backend, command)
      let profile = try backend.probe()
      guard profile.capabilities.contains(.race) else {
        throw BackendError(.unavailable, "\(profile.backend) makes no calls at once")
      }
      var record = RaceRecord(
        run: run, trial: trial, backend: command.backend.defaultValueDescription,
        isInjected: profile.capabilities.contains("standin"),
        isDelayed: profile.capabilities.contains("standin-delay"))
      for attempt in 0..<command.times {
        guard let came = try tried(record, attempt, &backend) else { break }
        record.add(came)
      }
      return try report(record)
    } catch let error as BackendError {
      let isMissing = error.kind == .unavailable
      Terminal.complain(isMissing ? "SKIPPED: \(error.message)" : "\(error)")
      return isMissing ? .skipped : .internalError
    }
  }

  /// How long a held SEAMCALL waits, in microseconds: from 1 to 64 ms, and again.
  private static func delay(_ attempt: Int) -> Int64 { 1_000 << Int64(attempt % 7) }

  /// One attempt, from a fresh start; nil when the backend knows no more ways.
  private func tried(
    _ record: RaceRecord, _ attempt: Int, _ backend: inout AnyBackend
  ) throws(BackendError) -> RaceRecord.Came? {
    let trial = record.trial
    try backend.reset()
    for step in trial.prefix {
      let outcome = try backend.perform(step.call).outcome
      guard step.expected.accepts(outcome) else {
        throw BackendError(
          .unavailable,
          "before the race \(step.call) answers \(outcome), not \(step.expected) as in the trace")
      }
    }
    for leaf in record.isDelayed ? trial.held : [] {
      let arguments: [String: ConformanceKit.Value] = [
        "leaf": .text(leaf), "count": 1, "microseconds": .integer(Self.delay(attempt)),
      ]
      _ = try backend.perform(Call("standin_delay", arguments))
    }
    for busy in record.isInjected ? trial.busy : [] {
      let status = "0x" + String(RaceTrial.busyStatus, radix: 16)
      _ = try backend.perform(
        Call(
          "standin_fail",
          [
            "leaf": .text(busy.leaf), "count": .integer(Int64(busy.count)),
            "status": .text(status),
          ]))
    }
    guard let results = try backend.race(trial.threads, attempt: attempt) else { return nil }
    let seen = try backend.observe()
    var isDead: Bool?
    if case .flag(let flag)? = seen["vm0.dead"] { isDead = flag }
    let complaints = try backend.conclude().map(RaceRecord.withoutPlace)
    return RaceRecord.Came(
      answers: results.map { $0.map(\.outcome) }, isDead: isDead, complaints: complaints)
  }

  private func report(_ record: RaceRecord) throws -> ExitStatus {
    let status: ExitStatus =
      record.attempts == 0 ? .skipped : record.cameAsInTrace > 0 ? .success : .failure
    var sink = ReportSink(json: command.json, path: command.output)
    if command.json {
      try sink.write(Events.start("conform", version: TDXSpec.version))
      for event in record.events { try sink.write(event) }
      try sink.write(Events.end(status))
    } else {
      try sink.write(text: record.text)
    }
    try sink.close()
    return status
  }
}
