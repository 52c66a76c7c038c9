import ConformanceKit

/// A suite as the text of a file: one line a step, and one for steps in a row that tests share and
/// that have numbers. It reads like any other suite.
public struct SuiteText {
  private let suite: ConformanceSuite
  /// Steps that are there more than twice, in the order of their first use.
  private let shared: [ConformanceTest.Step]
  private let numbers: [ConformanceTest.Step: Int]

  /// - Parameter sharesSteps: steps that are there often are written once. Who reads suites without
  ///   this kit, as the checker of certificates does, needs not know of that otherwise.
  public init(_ suite: ConformanceSuite, sharesSteps: Bool = false) {
    self.suite = suite
    let all = sharesSteps ? suite.tests.flatMap(\.steps) : []
    let uses = Dictionary(all.map { ($0, 1) }, uniquingKeysWith: +)
    shared = all.uniqued.filter { uses[$0, default: 0] > 2 }
    numbers = Dictionary(
      shared.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The same bytes for the same suite.
  ///
  /// - Throws: ``FormatError`` when a value cannot be written as JSON.
  public func text() throws(FormatError) -> String {
    var lines = [
      "{\"format\":\(ConformanceTest.format),\"name\":\(try json(suite.name)),",
      "\"guarantee\":\(try json(suite.guarantee)),",
    ]
    if !shared.isEmpty {
      lines.append("\"shared\":[")
      for (number, step) in shared.enumerated() {
        lines.append(try json(step) + (number == shared.count - 1 ? "]," : ","))
      }
    }
    lines.append("\"tests\":[")
    for (number, test) in suite.tests.enumerated() {
      try append(test, to: &lines)
      lines[lines.count - 1] += number == suite.tests.count - 1 ? "]}" : ","
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func append(_ test: ConformanceTest, to lines: inout [String]) throws(FormatError) {
    lines.append("{\"id\":\(try json(test.id)),\"purpose\":\(try json(test.purpose)),")
    if let origin = test.origin { lines.append("\"origin\":\(try json(origin)),") }
    if !test.covers.isEmpty { lines.append("\"covers\":\(try json(test.covers)),") }
    if !test.requires.isEmpty {
      lines.append("\"requires\":\(try json(test.requires.sorted().map(\.name))),")
    }
    if test.condones { lines.append("\"condones\":true,") }
    lines.append("\"steps\":[")
    var isAfterNumber = false
    for (place, step) in test.steps.enumerated() {
      let number = numbers[step].map { "\($0)" }
      let text = if let number { number } else { try json(step) }
      if isAfterNumber, numbers[step] != nil {
        lines[lines.count - 1] += text
      } else {
        lines.append(text)
      }
      isAfterNumber = numbers[step] != nil
      if place < test.steps.count - 1 { lines[lines.count - 1] += "," }
    }
    lines[lines.count - 1] += "]"
    if let race = test.race {
      lines[lines.count - 1] += ","
      lines.append("\"race\":\(try json(race))")
    }
    lines[lines.count - 1] += "}"
  }

  private func json(_ value: some Encodable) throws(FormatError) -> String {
    String(decoding: try StrictJSON.line(value).dropLast(), as: UTF8.self)
  }
}
