import SpecLanguage
import TestGeneration
import Verdicts

/// A suite of deviations as `generate` tells of it.
struct GeneratedDeviations {
  private let made: DeviationSuite

  init(_ made: DeviationSuite) { self.made = made }

  private var steps: Int { made.tests.reduce(0) { $0 + $1.steps.count } }

  func text(json: Bool) -> String {
    guard json else { return text }
    let events = [
      Events.start("generate", version: TDXSpec.version), event, Events.end(.success),
    ]
    return events.map { $0.text + "\n" }.joined()
  }

  private var text: String {
    var lines = [
      "\(made.suite.name): \(made.tests.count) tests, \(steps) calls",
      "tried: \(made.tried) deviations; for \(made.roomless) the spec has no room",
      "guarantee: \(made.guarantee)",
    ]
    lines += made.hypotheses.map { "  provided that \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private var event: JSONValue {
    .members([
      "event": "suite", "name": .string(made.suite.name), "tests": .int(made.tests.count),
      "calls": .int(steps), "tried": .int(made.tried), "roomless": .int(made.roomless),
      "guarantee": .string(made.guarantee),
      "hypotheses": .array(made.hypotheses.map { .string($0) }),
    ])
  }
}
