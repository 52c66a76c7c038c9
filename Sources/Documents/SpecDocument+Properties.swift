import SpecLanguage
import SpecProgram
import Verdicts

/// What is claimed, and what came of it.
extension SpecDocument {
  var properties: [String] {
    guard let report else { return [] }
    var lines = ["## Properties", ""]
    lines += Self.paragraph("Decided at scope \(ScopeText(program, scopeName).text).")
    var table = MarkdownTable(["property", "verdict", "claim"])
    for answer in report.properties {
      table.add([[answer.property.id], Self.verdict(answer), claim(answer)])
    }
    return lines + table.lines() + [""]
  }

  private func claim(_ answer: PropertyReport) -> [String] {
    var cell = [answer.property.text]
    if !answer.property.citations.isEmpty {
      cell.append("(\(answer.property.citations.joined(separator: "; ")))")
    }
    if answer.property.expected != nil {
      let word = answer.meetsExpectation ? "as expected" : "NOT as expected"
      cell.append("\(word): \(answer.property.expectedReason ?? "")")
    }
    if let reason = answer.reason { cell.append(reason) }
    for refusal in answer.refusals {
      cell.append(
        "\(refusal.check.action) answers \(refusal.check.outcome.text) in \(refusal.states) "
          + "states: “\(refusal.check.text)” does not hold")
    }
    return cell
  }

  /// The word, and how long the run is that shows it.
  static func verdict(_ answer: PropertyReport) -> [String] {
    guard let trace = answer.trace else { return [answer.verdict.rawValue] }
    let steps = trace.steps.count
    let isLong = answer.quality?.isShortest == false
    let length = "\(isLong ? "≤ " : "")\(steps) step\(steps == 1 ? "" : "s")"
    let loop = trace.loop.map { $0 == steps ? "then rests" : "then repeats" }
    return [answer.verdict.rawValue, length] + (loop.map { [$0] } ?? [])
  }
}
