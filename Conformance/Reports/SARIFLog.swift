import ConformanceKit

/// What did not pass as a SARIF 2.1.0 log; tests that passed are not in it.
struct SARIFLog: Encodable {
  let version = "2.1.0"
  let schema = "https://json.schemastore.org/sarif-2.1.0.json"
  let runs: [Run]

  private enum CodingKeys: String, CodingKey {
    case version
    case schema = "$schema"
    case runs
  }

  struct Run: Encodable {
    let tool: Tool
    let results: [Result]
  }

  struct Tool: Encodable {
    let driver: Driver
  }

  struct Driver: Encodable {
    let name = "tdxspec"
    let rules: [Rule]
  }

  struct Rule: Encodable {
    let id: String
    let shortDescription: Message
  }

  struct Message: Encodable {
    let text: String
  }

  struct Result: Encodable {
    let ruleId: String
    let level: String
    let message: Message
    let locations: [Location]
  }

  struct Location: Encodable {
    let physicalLocation: Physical
    let logicalLocations: [Logical]
  }

  struct Physical: Encodable {
    let artifactLocation: Artifact
  }

  struct Artifact: Encodable {
    let uri: String
  }

  struct Logical: Encodable {
    let name: String
    let fullyQualifiedName: String
  }

  /// The words of tests that did not pass, with what they mean.
  private static let rules = [
    ("FAIL", "the system did what the specification forbids"),
    ("INCONCLUSIVE", "the test could not decide"),
    ("SKIP", "the test did not run"),
    ("ERROR", "the machinery broke"),
    ("NOT RUN", "the run ended before"),
  ]

  init(_ record: RunRecord) {
    let results = record.rows.filter { $0.ending.word != "PASS" }.map { test, ending in
      let text = ([ending.reason ?? ""] + (record.notes[test.id] ?? [])).joined(separator: "\n")
      return Result(
        ruleId: ending.word, level: Self.level(ending.word), message: Message(text: text),
        locations: [
          Location(
            physicalLocation: Physical(artifactLocation: Artifact(uri: record.file)),
            logicalLocations: [
              Logical(name: test.id, fullyQualifiedName: "\(record.suite.name)/\(test.id)")
            ])
        ])
    }
    let rules = Self.rules.map { Rule(id: $0.0, shortDescription: Message(text: $0.1)) }
    runs = [Run(tool: Tool(driver: Driver(rules: rules)), results: results)]
  }

  private static func level(_ word: String) -> String {
    switch word {
    case "FAIL", "ERROR": "error"
    case "SKIP": "note"
    default: "warning"
    }
  }
}
