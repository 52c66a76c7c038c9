import SpecLanguage
import SpecProgram

/// What calls answered in which states, and the shortest way to each answer.
extension SpecDocument {
  var outcomes: [String] {
    guard let survey, !survey.tables.isEmpty else { return [] }
    var lines = ["## What calls answer in which state", ""]
    lines += Self.paragraph(
      "A row is the value that a variable had before the first step of a call; others may have "
        + "changed it before the last. A cell has every answer that such a call got in some run, "
        + "– when no call ever began so.")
    lines += bounded
    let letters = OutcomeLetters(survey.tables)
    lines += letters.legend
    for table in survey.tables { lines += OutcomeText(table, letters).lines }
    return lines
  }

  var examples: [String] {
    guard let survey, !survey.examples.isEmpty else { return [] }
    var lines = ["## The shortest way to each answer", ""]
    lines += bounded
    for example in survey.examples {
      let steps = example.trace.steps.count
      let text = "\(example.call) answers \(example.answer.text): "
      lines += Self.paragraph(text + "\(steps) step\(steps == 1 ? "" : "s")")
      lines += RunSummary(program, example.trace).lines + [""]
    }
    return lines
  }

  /// The locks at each called action, by caller.
  var locks: [String] {
    let all = program.calledLocks
    guard !all.isEmpty else { return [] }
    var lines = ["## Locks held by the caller", ""]
    lines += Self.paragraph(
      "At each called action, from the flow of control: what is held whenever a thread comes "
        + "there, and what may be. “ends” is before the step that completes it, so that the locks "
        + "which it takes itself are in.")
    for name in all.map(\.called).uniqued {
      lines += ["### \(WrappedText.escaped(name))", ""]
      var table = MarkdownTable(["called in", "when it", "surely held", "maybe held"])
      for row in all where row.called == name {
        let way = row.callers.joined(separator: " / ")
        table.add([[way], ["begins"], Self.cell(row.atBegin.surely), Self.cell(row.atBegin.maybe)])
        table.add([[""], ["ends"], Self.cell(row.atEnd.surely), Self.cell(row.atEnd.maybe)])
      }
      lines += table.lines() + [""]
    }
    return lines
  }

  static func cell(_ items: [String]) -> [String] { items.isEmpty ? ["–"] : items }
}

/// Short names for calls where the long ones do not fit a row of headings.
struct OutcomeLetters {
  private let names: [String: String]
  let legend: [String]

  init(_ tables: [OutcomeTable]) {
    let calls = tables.first?.columns.map(\.call) ?? []
    let fits = tables.allSatisfy {
      OutcomeText.table($0, Array($0.columns.indices)) {
        $0
      }.naturalWidth <= WrappedText.mailWidth
    }
    guard !fits else {
      names = [:]
      legend = []
      return
    }
    let letters = calls.indices.map(Self.letter)
    names = Dictionary(zip(calls, letters), uniquingKeysWith: { first, _ in first })
    legend = zip(calls, letters).map { "    \($1)  \($0)" } + [""]
  }

  /// A, B, … Z, AA, AB, …
  private static func letter(_ index: Int) -> String {
    let scalar = UnicodeScalar(UInt8(65 + index % 26))
    return (index < 26 ? "" : letter(index / 26 - 1)) + String(Character(scalar))
  }

  func name(_ call: String) -> String { names[call] ?? WrappedText.escaped(call) }
}

/// One outcome table as text.
struct OutcomeText {
  private let table: OutcomeTable
  private let letters: OutcomeLetters

  init(_ table: OutcomeTable, _ letters: OutcomeLetters) {
    self.table = table
    self.letters = letters
  }

  static func table(
    _ table: OutcomeTable, _ columns: [Int], _ name: (String) -> String
  ) -> MarkdownTable {
    var result = MarkdownTable([table.variable.name] + columns.map { name(table.columns[$0].call) })
    for (row, value) in table.values.enumerated() {
      result.add([[value]] + columns.map { text(table.columns[$0].cells[row]) })
    }
    return result
  }

  private static func text(_ cell: OutcomeTable.Cell) -> [String] {
    switch cell {
    case .neverBegun: ["–"]
    case .answers(let answers): answers.isEmpty ? ["no answer"] : answers.map(\.text)
    }
  }

  /// As few tables as the width allows, with the calls in order.
  private var pieces: [[Int]] {
    var pieces: [[Int]] = [[]]
    for column in table.columns.indices {
      let longer = pieces[pieces.count - 1] + [column]
      let width = Self.table(table, longer, letters.name).naturalWidth
      if width - 2 * (longer.count + 1) > WrappedText.mailWidth, longer.count > 1 {
        pieces.append([column])
      } else {
        pieces[pieces.count - 1] = longer
      }
    }
    return pieces
  }

  var lines: [String] {
    let name = WrappedText.escaped(table.variable.name)
    var lines = ["### By \(name)", ""]
    let subjects = table.columns.filter { $0.subject != table.variable.name }
    if !subjects.isEmpty {
      let words = Dictionary(grouping: subjects, by: \.subject).sorted { $0.key < $1.key }
      for (subject, columns) in words {
        let calls = columns.map { letters.name($0.call) }.joined(separator: ", ")
        lines += WrappedText.lines(
          "\(calls): a row is a value of \(subject)", first: "- ", rest: "  ")
      }
      lines += [""]
    }
    let tables = pieces.map { Self.table(table, $0, letters.name) }
    // Spaces are the first to go.
    let isCompact = tables.contains { $0.naturalWidth > WrappedText.mailWidth }
    for var piece in tables {
      piece.isCompact = isCompact
      lines += piece.lines() + [""]
    }
    return lines
  }
}
