import ArgumentParser
import Verdicts

/// Runs the steps of a plan, one after another, and sums up.
struct GateRunner {
  let command: TDXSpec.Gate

  func run() throws -> ExitStatus {
    let bytes = try InputFile.read(command.plan)
    let plan = try GatePlan(String(decoding: bytes, as: UTF8.self), path: command.plan)
    let steps = try chosen(plan)
    let cache: GateCache? =
      command.noCache
      ? nil : GateCache(folder: command.cache ?? GateCache.usualFolder, tool: ToolCall.tool)
    if command.json {
      try Output.standard.write(Events.start("gate", version: TDXSpec.version).text + "\n")
    }
    var results: [GateResult] = []
    for (number, step) in steps.enumerated() {
      if Terminal.isInteractive { Terminal.status("\(number + 1)/\(steps.count) \(step.text)") }
      let result = try run(step, cache)
      if Terminal.isInteractive { Terminal.status("") }
      try Output.standard.write(command.json ? result.event.text + "\n" : result.text)
      results.append(result)
    }
    let summary = GateSummary(results)
    if command.json {
      let events = [summary.event, Events.end(summary.status)]
      try Output.standard.write(events.map { $0.text + "\n" }.joined())
    } else {
      try Output.standard.write(summary.text)
    }
    return summary.status
  }

  private func chosen(_ plan: GatePlan) throws -> [GatePlan.Step] {
    guard !command.stage.isEmpty else { return plan.steps }
    for stage in command.stage where !plan.stages.contains(stage) {
      throw ValidationError(
        "there is no stage '\(stage)'; stages: \(plan.stages.joined(separator: ", "))")
    }
    return plan.steps.filter { command.stage.contains($0.stage) }
  }

  private func run(_ step: GatePlan.Step, _ cache: GateCache?) throws -> GateResult {
    if let seconds = cache?.seconds(step) {
      return GateResult(step: step, status: .success, seconds: seconds, isKept: true)
    }
    let end = try ToolCall(arguments: step.arguments, budget: step.budget).run()
    if end.status == .success { try cache?.keep(step, seconds: end.seconds) }
    var result = GateResult(step: step, status: end.status, seconds: end.seconds, isKept: false)
    result.isOutOfTime = end.isOutOfTime
    result.output = end.status == .success ? "" : end.text
    return result
  }
}

/// What a step came to.
struct GateResult {
  let step: GatePlan.Step
  let status: ExitStatus
  let seconds: Double
  /// It was not run again.
  let isKept: Bool
  var isOutOfTime = false
  /// What it printed, if it did not end well.
  var output = ""

  /// The last lines of what it printed are shown.
  private static let mostLines = 20

  private var word: String {
    switch status {
    case .success: isKept ? "kept" : "ok"
    case .failure: "FAIL"
    case .noAnswer: isOutOfTime ? "out of time" : "no answer"
    case .skipped: "skipped"
    case .usage: "unusable"
    case .internalError, .outputError: "broke down"
    }
  }

  var text: String {
    let tenths = Int((seconds * 10).rounded())
    let columns = [
      step.stage.padding(to: 8), word.padding(to: 11),
      "\(tenths / 10).\(tenths % 10) s".padding(to: 8), step.text,
    ]
    let lines = output.split(separator: "\n").suffix(Self.mostLines).map { "    \($0)" }
    return ([columns.joined(separator: "  ")] + lines).joined(separator: "\n") + "\n"
  }

  var event: JSONValue {
    .members([
      "event": "step", "stage": .string(step.stage),
      "arguments": .array(step.arguments.map { .string($0) }), "result": .string(word),
      "exit": .int(Int(status.rawValue)), "seconds": .double(seconds), "kept": .bool(isKept),
      "output": output.isEmpty ? nil : .string(output),
    ])
  }
}

/// All steps together.
struct GateSummary {
  private let results: [GateResult]

  init(_ results: [GateResult]) { self.results = results }

  /// The worst that happened; a skip counts only when nothing else was run.
  var status: ExitStatus {
    let ran = results.map(\.status).filter { $0 != .skipped }
    guard !ran.isEmpty else { return .skipped }
    return ran.reduce(.success) { $0.combined(with: $1) }
  }

  private func count(_ status: ExitStatus) -> Int { results.count { $0.status == status } }

  private var spent: Double { results.reduce(0) { $0 + ($1.isKept ? 0 : $1.seconds) } }

  var text: String {
    let kept = results.count(where: \.isKept)
    var parts = ["\(count(.success)) of \(results.count) ended well"]
    if kept > 0 { parts.append("\(kept) of them kept from before") }
    for (status, words) in [
      (ExitStatus.failure, "failed"), (.noAnswer, "without an answer"), (.skipped, "skipped"),
      (.usage, "unusable"), (.internalError, "broke down"),
    ] where count(status) > 0 {
      parts.append("\(count(status)) \(words)")
    }
    return "gate: \(parts.joined(separator: ", ")); \(Int(spent.rounded())) s\n"
  }

  var event: JSONValue {
    .members([
      "event": "gate", "steps": .int(results.count), "well": .int(count(.success)),
      "kept": .int(results.count(where: \.isKept)), "failed": .int(count(.failure)),
      "no_answer": .int(count(.noAnswer)), "skipped": .int(count(.skipped)),
      "seconds": .double(spent),
    ])
  }
}
