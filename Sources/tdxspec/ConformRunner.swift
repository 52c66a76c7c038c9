import ArgumentParser
import Catalogue
import ConformanceKit
import ConformanceReports
import KVMBackend
import SpecLanguage
import SpecProgram
import TestGeneration
import Verdicts

/// Runs a suite and reports.
struct ConformRunner {
  let command: TDXSpec.Conform

  func run() throws -> ExitStatus {
    if let path = command.race { return try RaceRunner(command: command, path: path).run() }
    if let other = command.compare {
      return try ComparisonRunner(command: command, other: other).run()
    }
    do {
      var backend = try AnyBackend(command.backend, command)
      return try run(on: &backend)
    } catch let error as BackendError {
      Terminal.complain("SKIPPED: \(error.message)")
      return .skipped
    }
  }

  private func run<B: Backend>(on backend: inout B) throws -> ExitStatus {
    let path = try command.suitePath
    var suite = try SuiteFile.read(path)
    if command.backend.isKernel {
      for index in suite.tests.indices {
        suite.tests[index].requires.formUnion(suite.tests[index].kernelNeeds)
      }
    }
    if let shard = command.shard { suite.tests = shard.part(of: suite.tests) }
    let committed = try committedSkips(suite)
    let profile: Profile
    do throws(BackendError) { profile = try backend.probe() } catch {
      let isMissing = error.kind == .unavailable
      Terminal.complain(isMissing ? "SKIPPED: \(error.message)" : "\(error)")
      return isMissing ? .skipped : .internalError
    }
    if command.compatibility { return try check(&backend, suite) }
    let runner = Runner(profile: profile, triesAgain: command.backend.isEmulated)
    let report = runner.run(suite, on: &backend)
    let record = RunRecord(
      file: path, suite: suite, report: report, notes: notes(report, suite, &backend),
      skipDifferences: report.skipDifferences(from: committed))
    let status = Self.status(report.exit(committedSkips: committed))
    try write(record, status)
    return status
  }

  private static func status(_ exit: ConformanceExit) -> ExitStatus {
    switch exit {
    case .conforms: .success
    case .fails: .failure
    case .inconclusive: .noAnswer
    case .skipped: .skipped
    case .infrastructure: .internalError
    }
  }

  /// The ids of the list that are in the suite or in no part of it; others' parts are theirs.
  private func committedSkips(_ suite: ConformanceSuite) throws -> Set<String> {
    guard let path = command.skips else { return [] }
    let text = String(decoding: try InputFile.read(path), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      line.prefix { $0 != "#" }.split(separator: " ").joined(separator: " ")
    }
    let ids = Set(lines.filter { !$0.isEmpty })
    return command.shard == nil ? ids : ids.intersection(suite.tests.map(\.id))
  }

  // MARK: Explanations

  /// Shortens and explains the first tests that failed by an answer.
  private func notes<B: Backend>(
    _ report: SuiteReport, _ suite: ConformanceSuite, _ backend: inout B
  ) -> [String: [String]] {
    let failed = report.tests.filter { $0.verdict.isFailure }.prefix(command.explain)
    var oracles: [ConformanceTest.Origin: SpecOracle] = [:]
    var notes: [String: [String]] = [:]
    for test in report.tests where !test.before.isEmpty {
      notes[test.test] = test.before.map { "a second attempt; in the first one \($0)" }
    }
    for test in failed {
      guard let whole = suite.tests.first(where: { $0.id == test.test }),
        let origin = whole.origin
      else { continue }
      do {
        let oracle = try oracles[origin] ?? Self.oracle(origin)
        oracles[origin] = oracle
        let calls = whole.steps.prefix(test.stepsRun).map(\.call)
        var shrinker = DivergenceShrinker(oracle)
        guard let shown = try shrinker.shrink(calls, on: &backend) else {
          notes[test.test, default: []].append(
            "the same calls, made once more, were all answered as allowed")
          continue
        }
        notes[test.test, default: []] += shown.explanation(oracle)
      } catch {
        notes[test.test, default: []].append("no explanation: \(error)")
      }
    }
    return notes
  }

  private static func oracle(_ origin: ConformanceTest.Origin) throws -> SpecOracle {
    let spec = try SpecLookup.describe(origin.spec)
    let scope = try ResolvedScope(spec, overrides: origin.scope)
    let program = try Program(spec, scope, ProgramOptions(withoutProperties: true))
    return try SpecOracle(program, deferred: origin.deferred)
  }

  // MARK: Output

  private func write(_ record: RunRecord, _ status: ExitStatus) throws {
    var sink = ReportSink(json: command.json, path: command.output)
    if command.json {
      try sink.write(Events.start("conform", version: TDXSpec.version))
      for event in ConformEvents(record).all { try sink.write(event) }
      try sink.write(Events.end(status))
    } else {
      try sink.write(text: try record.text(as: command.format))
    }
    try sink.close()
  }

  private func check<B: Backend>(
    _ backend: inout B, _ suite: ConformanceSuite
  ) throws -> ExitStatus {
    let findings = CompatibilityCheck(suite).run(on: &backend)
    let verdict = Verdict.merged(findings.map(\.verdict))
    let status: ExitStatus =
      switch verdict {
      case .pass?: .success
      case .fail?: .failure
      default: .noAnswer
      }
    var sink = ReportSink(json: command.json, path: command.output)
    if command.json {
      try sink.write(Events.start("conform", version: TDXSpec.version))
      for finding in findings { try sink.write(ConformEvents.event(finding)) }
      try sink.write(Events.end(status))
    } else {
      for finding in findings {
        try sink.write(text: "\(finding.verdict.word)  \(finding.rule.rawValue)\n")
        if let reason = finding.verdict.reason { try sink.write(text: "    \(reason)\n") }
      }
    }
    try sink.close()
    return status
  }
}

/// A run's record as events.
struct ConformEvents {
  private let record: RunRecord

  init(_ record: RunRecord) { self.record = record }

  var all: [JSONValue] {
    let tests = record.report.tests.map { test in
      JSONValue.members([
        "event": "test", "id": .string(test.test), "verdict": .string(test.verdict.word),
        "steps": .int(test.stepsRun), "reason": test.verdict.reason.map { .string($0) },
        "notes": record.notes[test.test].map { .array($0.map { .string($0) }) },
      ])
    }
    let errors = record.report.errors.map { failure in
      JSONValue.members([
        "event": "test", "id": .string(failure.test), "verdict": "ERROR",
        "reason": .string("\(failure.error)"),
      ])
    }
    return [profile] + tests + errors + [summary]
  }

  private var profile: JSONValue {
    let profile = record.report.profile
    return .members([
      "event": "backend", "backend": .string(profile.backend),
      "capabilities": .array(profile.capabilities.sorted().map { .string($0.name) }),
      "details": .object(
        profile.details.sorted { $0.key < $1.key }.map {
          .init(name: $0.key, value: .string($0.value))
        }),
    ])
  }

  private var summary: JSONValue {
    .members([
      "event": "conformance", "suite": .string(record.suite.name),
      "guarantee": .string(record.suite.guarantee),
      "tests": .object(record.counts.map { .init(name: $0.word, value: .int($0.count)) }),
      "skip_differences": .array(record.skipDifferences.map { .string($0) }),
    ])
  }

  static func event(_ finding: CompatibilityCheck.Finding) -> JSONValue {
    .members([
      "event": "compatibility", "rule": .string(finding.rule.rawValue),
      "verdict": .string(finding.verdict.word),
      "reason": finding.verdict.reason.map { .string($0) },
    ])
  }
}
