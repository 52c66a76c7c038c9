import SpecProgram
import Verdicts

/// The parts about texts, locks, claims, and the runs.
extension DifferenceText {
  var checks: [String] {
    guard !difference.checks.isEmpty else { return [] }
    var lines = ["## Checks, in order", ""]
    for entry in difference.checks {
      lines += ["### \(WrappedText.escaped(entry.name))", "", "```diff"]
      for line in Self.near(entry.lines) {
        let sign = line.side.map { $0 == .a ? "-" : "+" } ?? " "
        lines += WrappedText.lines(line.text, first: "\(sign) ", rest: "\(sign)   ")
      }
      lines += ["```", ""]
    }
    return lines
  }

  /// Changed lines with two lines around them.
  private static func near(
    _ lines: [(side: Side?, text: String)]
  ) -> [(side: Side?, text: String)] {
    var result: [(side: Side?, text: String)] = []
    var last = -1
    for index in lines.indices {
      let around = max(0, index - 2)...min(lines.count - 1, index + 2)
      guard around.contains(where: { lines[$0].side != nil }) else { continue }
      if index > last + 1 { result.append((nil, "…")) }
      result.append(lines[index])
      last = index
    }
    return result + (last < lines.count - 1 ? [(nil, "…")] : [])
  }

  var locks: [String] {
    guard !difference.locks.isEmpty else { return [] }
    var lines = ["## Locks held by the caller", ""]
    lines += SpecDocument.paragraph(
      "What is held whenever a thread comes there; what may be held is in parentheses.")
    for name in difference.locks.map(\.called).uniqued {
      lines += ["### \(WrappedText.escaped(name))", ""]
      var table = MarkdownTable(["called in", "when it", "A", "B"])
      for row in difference.locks where row.called == name {
        let a = row.witnesses.first { $0.side == .a }
        let b = row.witnesses.first { $0.side == .b }
        table.add([
          [row.callers.joined(separator: " / ")], ["begins"],
          Self.held(row.a?.atBegin, mark(a)), Self.held(row.b?.atBegin, mark(b)),
        ])
        table.add([[""], ["ends"], Self.held(row.a?.atEnd, ""), Self.held(row.b?.atEnd, "")])
      }
      lines += table.lines() + [""]
    }
    return lines
  }

  private static func held(_ locks: HeldNames?, _ mark: String) -> [String] {
    guard let locks else { return ["not called"] }
    var items = SpecDocument.cell(locks.surely + locks.maybe.map { "(\($0))" })
    items[items.count - 1] += mark
    return items
  }

  var claims: [String] {
    guard !difference.claims.isEmpty else { return [] }
    var table = MarkdownTable(["property", "A", "B", "claim"])
    for claim in difference.claims {
      let sides = [(Side.a, claim.a), (.b, claim.b)].map { side, answer in
        let own = claim.witnesses.first { $0.side == side }
        return SpecDocument.verdict(answer) + (own == nil ? [] : [String(mark(own).dropFirst())])
      }
      let texts = [claim.a.property.text, claim.b.property.text]
      let claims = texts[0] == texts[1] ? [texts[0]] : ["A: \(texts[0])", "B: \(texts[1])"]
      table.add([[claim.id], sides[0], sides[1], claims])
    }
    return ["## Verdicts", ""] + table.lines() + [""]
  }

  var runs: [String] {
    guard !witnesses.isEmpty else { return [] }
    var lines = ["## Runs", ""]
    for (index, witness) in witnesses.enumerated() {
      let steps = witness.trace.steps.count
      lines += SpecDocument.paragraph(
        "[\(index + 1)] In \(witness.side.rawValue): \(witness.what): "
          + "\(steps) step\(steps == 1 ? "" : "s")")
      lines += RunSummary(witness.program, witness.trace).lines + [""]
    }
    return lines
  }
}

extension Witness {
  /// The same for the same run of the same spec.
  var key: String {
    "\(side.rawValue) \(what) \(RunSummary(program, trace).lines.joined(separator: "\n"))"
  }
}

extension SpecDifference {
  /// Every run that shows a difference, in the order of the text.
  ///
  /// - Parameter explained: whether also those of cells that say no more than an answer as a whole.
  func witnesses(explained: Bool) -> [Witness] {
    let first = calls.compactMap(\.witness) + answers.compactMap(\.witness)
    let own = cells.filter { explained || !isExplained($0) }
    return first + own.compactMap(\.witness) + locks.flatMap(\.witnesses)
      + claims.flatMap(\.witnesses)
  }

  /// Whether the answer is a difference whatever the state.
  func isExplained(_ cell: Answer) -> Bool {
    answers.contains { $0.side == cell.side && $0.call == cell.call && $0.answer == cell.answer }
  }
}
