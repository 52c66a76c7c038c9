import SpecProgram
import Verdicts

/// A comparison for a terminal: a line for each difference, the run that shows it below.
extension DifferenceText {
  public var plain: String {
    let (a, b) = (difference.a, difference.b)
    var lines = ["A  \(a.spec.name)", "B  \(b.spec.name)"]
    lines.append("scope \(scopeText)")
    lines.append("")
    for call in difference.calls {
      lines += line(call.side, "the call \(call.name)", call.witness.map { [$0] } ?? [])
    }
    for answer in difference.answers {
      let text = "\(answer.call) answers \(answer.answer.text)"
      lines += line(answer.side, text, answer.witness.map { [$0] } ?? [])
    }
    for cell in difference.cells where !difference.isExplained(cell) {
      let when = cell.row.map { ", begun when \($0.subject) is \($0.value)" } ?? ""
      let text = "\(cell.call)\(when), answers \(cell.answer.text)"
      lines += line(cell.side, text, cell.witness.map { [$0] } ?? [])
    }
    for entry in difference.checks {
      for change in entry.lines {
        guard let side = change.side else { continue }
        lines += line(side, "\(entry.name): \(change.text)", [])
      }
    }
    lines += lockLines + claimLines + ending
    return lines.map { $0 + "\n" }.joined()
  }

  private func line(_ side: Side, _ text: String, _ witnesses: [Witness]) -> [String] {
    ["only \(side.rawValue)      \(text)"] + runs(witnesses)
  }

  private func runs(_ witnesses: [Witness]) -> [String] {
    witnesses.flatMap { witness -> [String] in
      let steps = witness.trace.steps.count
      return ["            shortest in \(witness.side.rawValue), \(steps) steps:"]
        + RunSummary(witness.program, witness.trace).lines.map { "          \($0)" }
    }
  }

  private var lockLines: [String] {
    difference.locks.flatMap { row -> [String] in
      let way = (row.callers + [row.called]).joined(separator: " / ")
      var lines: [String] = []
      for (when, a, b) in [
        ("begins", row.a?.atBegin, row.b?.atBegin), ("ends", row.a?.atEnd, row.b?.atEnd),
      ] where a != b {
        lines.append("locks       \(way), when it \(when)")
        lines.append("            A: \(Self.words(a))")
        lines.append("            B: \(Self.words(b))")
      }
      return lines + runs(row.witnesses)
    }
  }

  private static func words(_ locks: HeldNames?) -> String {
    guard let locks else { return "not called" }
    let items = locks.surely + locks.maybe.map { "maybe \($0)" }
    return items.isEmpty ? "none" : items.joined(separator: ", ")
  }

  private var claimLines: [String] {
    difference.claims.flatMap { claim in
      ["verdict     \(claim.id): \(claim.text)"]
        + ["            A: \(claim.a.verdict.rawValue), B: \(claim.b.verdict.rawValue)"]
        + runs(claim.witnesses)
    }
  }

  private var ending: [String] {
    var lines: [String] = []
    for (side, own) in [(Side.a, difference.a), (.b, difference.b)] where !own.survey.isComplete {
      lines.append("BOUNDED     \(side.rawValue): \(SpecSurvey.reason(own.survey.result));")
      lines.append("            what only the other one answers is left out")
    }
    if !difference.undecided.isEmpty {
      lines.append("BOUNDED     no verdict: \(difference.undecided.joined(separator: ", "))")
    }
    if difference.isEmpty {
      lines.append(difference.isComplete ? "no difference" : "no difference was found so far")
    }
    return lines
  }
}
