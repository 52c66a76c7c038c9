import ConformanceKit

/// A suite as the text of a file: one line a step, so that a change of a test shows as such and a
/// file has no more white space than calls. It reads like any other suite.
public struct SuiteText {
  private let suite: ConformanceSuite

  public init(_ suite: ConformanceSuite) { self.suite = suite }

  /// The same bytes for the same suite.
  ///
  /// - Throws: ``FormatError`` when a value cannot be written as JSON.
  public func text() throws(FormatError) -> String {
    var lines = [
      "{\"format\":\(ConformanceTest.format),\"name\":\(try json(suite.name)),",
      "\"guarantee\":\(try json(suite.guarantee)),", "\"tests\":[",
    ]
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
    for (number, step) in test.steps.enumerated() {
      lines.append(try json(step) + (number == test.steps.count - 1 ? "" : ","))
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
