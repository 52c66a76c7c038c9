import SpecLanguage
import SpecProgram
import Verdicts

/// A comparison as Markdown of 72 columns, with the runs that show each difference at the end.
public struct DifferenceText {
  let difference: SpecDifference
  let scopeName: String?
  /// The runs, each once, by number from 1.
  let witnesses: [Witness]
  private let numbers: [String: Int]

  public init(_ difference: SpecDifference, scope: String?) {
    self.difference = difference
    scopeName = scope
    var numbers: [String: Int] = [:]
    var witnesses: [Witness] = []
    for witness in difference.witnesses(explained: false) where numbers[witness.key] == nil {
      witnesses.append(witness)
      numbers[witness.key] = witnesses.count
    }
    self.numbers = numbers
    self.witnesses = witnesses
  }

  /// `[3]`, or nothing.
  func mark(_ witness: Witness?) -> String {
    witness.flatMap { numbers[$0.key] }.map { " [\($0)]" } ?? ""
  }

  /// The sizes, with those of B apart where they are others.
  var scopeText: String {
    let texts = [difference.a, difference.b].map { ScopeText($0.program, scopeName).text }
    return texts[0] == texts[1] ? texts[0] : "of A \(texts[0]), of B \(texts[1])"
  }

  public var markdown: String {
    var lines = head
    lines += calls + answers + cells + checks + locks + claims + runs
    let end = lines.lastIndex { !$0.isEmpty } ?? -1
    return lines[...end].map { $0 + "\n" }.joined()
  }

  private var head: [String] {
    let (a, b) = (difference.a, difference.b)
    var lines = WrappedText.lines("# \(a.spec.name) → \(b.spec.name)") + [""]
    for (side, own) in [(Side.a, a), (.b, b)] {
      lines += WrappedText.lines(
        "\(side.rawValue) = \(own.spec.name): \(WrappedText.escaped(own.spec.summary))",
        first: "- ", rest: "  ")
    }
    lines += [""] + SpecDocument.paragraph("Scope \(scopeText).")
    lines += bounded
    if difference.isEmpty {
      lines += SpecDocument.paragraph(
        difference.isComplete ? "No difference." : "No difference was found so far.")
    } else {
      lines += SpecDocument.paragraph(
        "Newly allowed: in B and not in A. Newly forbidden: in A and not in B. A number in "
          + "brackets is the shortest run that shows it, at the end.")
    }
    return lines
  }

  private var bounded: [String] {
    if difference.isComplete { return [] }
    var lines: [String] = []
    for (side, own) in [(Side.a, difference.a), (.b, difference.b)] where !own.survey.isComplete {
      lines += SpecDocument.paragraph(
        "BOUNDED: of \(side.rawValue), \(SpecSurvey.reason(own.survey.result)). What it may "
          + "answer beyond is not known, so what only the other one answers is left out.")
    }
    if !difference.undecided.isEmpty {
      lines += SpecDocument.paragraph(
        "Without a verdict: \(difference.undecided.joined(separator: ", ")).")
    }
    return lines
  }

  private var calls: [String] {
    guard !difference.calls.isEmpty else { return [] }
    let bullets = difference.calls.flatMap { call in
      SpecDocument.bullet("only in \(call.side.rawValue): \(call.name)\(mark(call.witness))")
    }
    return ["## Calls", ""] + bullets + [""]
  }

  private var answers: [String] {
    guard !difference.answers.isEmpty else { return [] }
    var table = MarkdownTable(["call", "newly allowed", "newly forbidden"])
    for call in difference.answers.map(\.call).uniqued {
      let own = difference.answers.filter { $0.call == call }
      table.add([[call], items(own, .b), items(own, .a)])
    }
    return ["## Answers", ""] + table.lines() + [""]
  }

  private var cells: [String] {
    guard !difference.cells.isEmpty else { return [] }
    let all = difference.cells.compactMap(\.row?.variable).uniqued
    let more = Set(
      difference.cells.filter { !difference.isExplained($0) }.compactMap(\.row?.variable))
    let variables = all.filter(more.contains)
    let calls = difference.cells.filter { cell in
      cell.row.map { more.contains($0.variable) } ?? false
    }.map(\.call).uniqued
    let letters = CallLetters(calls) { name in variables.allSatisfy { matrix($0, name).fits } }
    var lines = ["## Answers by the state in which a call began", ""]
    lines += SpecDocument.paragraph(
      "A row is the value that a variable had before the first step of a call; “+” is newly "
        + "allowed, “-” newly forbidden. Without a number it is as above, whatever the state.")
    let same = all.filter { !more.contains($0) }
    if !same.isEmpty {
      lines += SpecDocument.paragraph(
        "By \(same.joined(separator: ", ")) nothing differs but the answers above.")
    }
    lines += letters.legend
    for variable in variables {
      let own = difference.cells.filter { $0.row?.variable == variable }
      let subjects = own.map(\.call).uniqued.map { call in
        let cell = own.first { $0.call == call }
        return (call: letters.name(call), subject: cell?.row?.subject ?? variable)
      }
      lines += ["### By \(WrappedText.escaped(variable))", ""]
      lines += OutcomeText.subjects(subjects, variable) + matrix(variable, letters.name).lines
    }
    return lines
  }

  /// Values by calls, as far as something differs.
  private func matrix(_ variable: String, _ name: (String) -> String) -> ColumnTable {
    let own = difference.cells.filter { $0.row?.variable == variable }
    let known = difference.a.survey.tables.first { $0.variable.name == variable }?.values ?? []
    let values = known.filter { value in own.contains { $0.row?.value == value } }
    let columns = own.map(\.call).uniqued.map { call in
      let cells = values.map { value in
        let same = own.filter { $0.call == call && $0.row?.value == value }
        return same.map {
          "\($0.side == .b ? "+" : "-") \($0.answer.text)\(mark($0.witness))"
        }
      }
      return (name: name(call), cells: cells)
    }
    return ColumnTable(name: variable, values: values, columns: columns)
  }

  private func items(_ answers: [SpecDifference.Answer], _ side: Side) -> [String] {
    SpecDocument.cell(
      answers.filter { $0.side == side }.map { $0.answer.text + mark($0.witness) })
  }
}
