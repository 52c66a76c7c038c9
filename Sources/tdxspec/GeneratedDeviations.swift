import ConformanceKit
import SpecLanguage
import TestGeneration
import Verdicts

/// A suite of deviations as `generate` tells of it.
struct GeneratedDeviations {
  private let suite: ConformanceSuite
  private let guarantee: String
  private let hypotheses: [String]
  /// What was looked at, as a name and a number each.
  private let looked: [(name: String, count: Int)]

  init(_ made: DeviationSuite) {
    suite = made.suite
    guarantee = made.guarantee
    hypotheses = made.hypotheses
    looked = [("tried", made.tried), ("roomless", made.roomless)]
  }

  init(_ made: ModuleSuite) {
    suite = made.suite
    guarantee = made.guarantee
    hypotheses = made.hypotheses
    looked = [("looked_at", made.looked), ("kinds", made.kinds)]
  }

  private var steps: Int { suite.tests.reduce(0) { $0 + $1.steps.count } }

  func text(json: Bool) -> String {
    guard json else { return text }
    let events = [
      Events.start("generate", version: TDXSpec.version), event, Events.end(.success),
    ]
    return events.map { $0.text + "\n" }.joined()
  }

  private static let words = [
    "tried": "deviations tried", "roomless": "of them the spec has no room for",
    "looked_at": "calls looked at", "kinds": "kinds of answers shown",
  ]

  private var text: String {
    let counts = looked.map { "\($0.count) \(Self.words[$0.name] ?? $0.name)" }
    var lines = [
      "\(suite.name): \(suite.tests.count) tests, \(steps) calls",
      counts.joined(separator: ", "), "guarantee: \(guarantee)",
    ]
    lines += hypotheses.map { "  provided that \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private var event: JSONValue {
    .object(
      [
        .init(name: "event", value: "suite"), .init(name: "name", value: .string(suite.name)),
        .init(name: "tests", value: .int(suite.tests.count)),
        .init(name: "calls", value: .int(steps)),
      ] + looked.map { .init(name: $0.name, value: .int($0.count)) } + [
        .init(name: "guarantee", value: .string(guarantee)),
        .init(name: "hypotheses", value: .array(hypotheses.map { .string($0) })),
      ])
  }
}
