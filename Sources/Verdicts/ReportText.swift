import SpecLanguage
import SpecProgram

/// A report for people on a terminal.
public struct ReportText {
  private let report: SpecReport
  /// Also show what was met as expected in full.
  private let showsExpected: Bool
  private let showsNotes: Bool

  public init(_ report: SpecReport, showsExpected: Bool, showsNotes: Bool) {
    self.report = report
    self.showsExpected = showsExpected
    self.showsNotes = showsNotes
  }

  public var text: String {
    var out = "\(report.program.spec.name): \(report.program.spec.summary)\n"
    let sizes = report.program.scope.parameters.map { "\($0.name)=\($0.value)" }
    let name = report.scope.map { "\($0): " } ?? ""
    out += "scope \(name)\(sizes.joined(separator: " "))\n"
    for part in report.program.scope.parts {
      out += "  \(part.threads) × \(part.name): only \(part.calls.joined(separator: ", "))\n"
    }
    out += "\n"
    for answer in report.properties { out += text(of: answer) }
    out += "\n\(summary)\n"
    for remark in report.reductionRemarks { out += "  \(remark)\n" }
    if !showsNotes && !report.notes.isEmpty {
      out += "\(report.notes.count) notes on the spec; --notes shows them\n"
    }
    for note in report.notes where showsNotes {
      out += "note \(note.code): \(note.message)\(note.location.map { " (\($0))" } ?? "")\n"
    }
    return out
  }

  private var summary: String {
    let reduction =
      report.reductions.isEmpty ? "" : ", reduced by \(report.reductions.joined(separator: ", "))"
    return """
      \(Self.grouped(report.states)) states, \(Self.grouped(report.transitions)) transitions, \
      diameter \(report.diameter)\(reduction); \(Self.rounded(report.seconds)) s, \
      \(report.peakBytes >> 20) MiB\(lemmas)\(LivenessText.summary(report))\
      \(RefinementText.summary(report))
      """
  }

  /// The graph that the lemmas were decided on, where it is another one.
  private var lemmas: String {
    guard let graph = report.properties.first(where: \.property.isLemma)?.graph else { return "" }
    let names = graph.reductions.joined(separator: ", ")
    return "\nthe lemmas\(names.isEmpty ? "" : ", reduced by \(names)"): \(graph.text)"
  }

  private func text(of answer: PropertyReport) -> String {
    let word = answer.verdict.rawValue
    let padding = String(repeating: " ", count: max(1, 12 - word.count))
    var out = "\(word)\(padding)\(answer.property.id): \(answer.property.text)\n"
    if answer.property.expected != nil {
      let why = answer.property.expectedReason ?? ""
      let word = answer.expectation.rawValue
      if answer.meetsExpectation {
        out += "            as expected: \(why)\n"
      } else if answer.verdict.exitCode == .noAnswer {
        out += "            expected: \(word), because \(why)\n"
      } else {
        out += "            NOT as expected (\(word)): \(why)\n"
      }
    }
    out += RefinementText.figures(answer)
    if let reason = answer.reason { out += "            \(reason)\n" }
    for refusal in answer.refusals {
      out += """
                    refused by the check “\(refusal.check.text)” of \(refusal.check.action): \
        \(refusal.check.outcome.text), in \(Self.grouped(refusal.states)) states \
        (\(refusal.check.location))

        """
    }
    guard let trace = answer.trace else { return out }
    if answer.verdict == .witnessed {
      out += "            in \(trace.steps.count) steps"
      if let quality = answer.quality, !quality.isShortest { out += " (not shown to be fewest)" }
      out += answer.hits.map { "; it holds in \(Self.grouped($0)) of the states seen\n" } ?? "\n"
      if showsExpected { out += TraceText(report.program, trace).text }
      return out
    }
    if trace.loop != nil {
      return out + LivenessText.lasso(answer.traced(in: report), trace, answer)
    }
    out += CounterexampleText(answer.traced(in: report), answer, trace).text
    return out + RefinementText.gap(answer)
  }

  /// `1234567` as `1,234,567`.
  static func grouped(_ number: Int) -> String {
    var out = ""
    for (index, digit) in String(number).reversed().enumerated() {
      if index > 0 && index % 3 == 0 { out.insert(",", at: out.startIndex) }
      out.insert(digit, at: out.startIndex)
    }
    return out
  }

  static func rounded(_ seconds: Double) -> String {
    let hundredths = (seconds * 100).rounded() / 100
    return String(hundredths)
  }
}
