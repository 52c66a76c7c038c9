import SpecLanguage
import SpecProgram

/// What calls answered in which states, and the shortest way to each answer.
extension SpecDocument {
  var outcomes: [String] {
    guard let survey, !survey.tables.isEmpty else { return [] }
    if tables(survey).isEmpty { return called(survey, bounded) }
    var lines = ["## What calls answer in which state", ""]
    lines += Self.paragraph(
      "A row is the value that a variable had before the first step of a call; others may have "
        + "changed it before the last. A cell has every answer that such a call got in some run, "
        + "– when no call ever began so.")
    lines += bounded
    let tables = tables(survey).map { OutcomeText(table: $0) }
    let letters = CallLetters(spec.actions.map(\.name).filter(isAsked)) { name in
      tables.allSatisfy { $0.table(name).fits }
    }
    lines += letters.legend
    for table in tables { lines += table.lines(letters) }
    return lines + called(survey, [])
  }

  func isAsked(_ name: String) -> Bool { call == nil || call == name }

  /// The tables, with the columns that are asked for.
  func tables(_ survey: SpecSurvey) -> [OutcomeTable] {
    survey.tables.map { $0.keeping(isAsked) }.filter { !$0.columns.isEmpty }
  }

  /// The tables of called actions that are asked for.
  func calledTables(_ survey: SpecSurvey) -> [CalledTable] {
    survey.called.filter { isAsked($0.called) }
  }

  func examples(_ survey: SpecSurvey) -> [AnswerExample] {
    (survey.examples + survey.calledExamples).filter { isAsked($0.call) }
  }

  /// The locks at the called actions that are asked for.
  var calledLocks: [CalledLocks] { program.calledLocks.filter { isAsked($0.called) } }

  /// The same for SEAMCALLs and other called actions.
  ///
  /// - Parameter remark: what stands before the tables.
  private func called(_ survey: SpecSurvey, _ remark: [String]) -> [String] {
    let all = calledTables(survey)
    guard !all.isEmpty else { return [] }
    var lines = ["## What called actions answer in which state", ""]
    lines += Self.paragraph(
      "The same for SEAMCALLs, wherever they are called: a row is the value before the first step "
        + "of the called action.")
    lines += remark
    for name in all.map(\.called).uniqued {
      lines += ["### \(WrappedText.escaped(name)) answers", ""]
      for table in all where table.called == name {
        let cells = table.cells.map(OutcomeText.text)
        lines +=
          ColumnTable(
            name: table.variable.name, values: table.values, columns: [("answers", cells)]
          ).lines
      }
    }
    return lines
  }

  var examples: [String] {
    guard let survey, !examples(survey).isEmpty else { return [] }
    var lines = ["## The shortest way to each answer", ""]
    lines += bounded
    for example in examples(survey) {
      let steps = example.trace.steps.count
      let text = "\(example.call) answers \(example.answer.text): "
      lines += Self.paragraph(text + "\(steps) step\(steps == 1 ? "" : "s")")
      lines += RunSummary(program, example.trace).lines + [""]
    }
    return lines
  }

  /// The locks at each called action, by caller.
  var locks: [String] {
    let all = calledLocks
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

/// One outcome table as text.
struct OutcomeText {
  let table: OutcomeTable

  func table(_ name: (String) -> String) -> ColumnTable {
    ColumnTable(
      name: table.variable.name, values: table.values,
      columns: table.columns.map { (name($0.call), $0.cells.map(Self.text)) })
  }

  static func text(_ cell: OutcomeTable.Cell) -> [String] {
    switch cell {
    case .neverBegun: ["–"]
    case .answers(let answers): answers.isEmpty ? ["no answer"] : answers.map(\.text)
    }
  }

  func lines(_ letters: CallLetters) -> [String] {
    let name = WrappedText.escaped(table.variable.name)
    let subjects = table.columns.map { (call: letters.name($0.call), subject: $0.subject) }
    return ["### By \(name)", ""] + Self.subjects(subjects, table.variable.name)
      + table(letters.name).lines
  }

  /// Says what the rows are values of, where that is not the variable as a whole.
  static func subjects(
    _ all: [(call: String, subject: String)], _ variable: String
  ) -> [String] {
    let subjects = all.filter { $0.subject != variable }
    if subjects.isEmpty { return [] }
    let words = Dictionary(grouping: subjects, by: \.subject).sorted { $0.key < $1.key }
    return words.flatMap { subject, columns in
      WrappedText.lines(
        "\(columns.map(\.call).joined(separator: ", ")): a row is a value of \(subject)",
        first: "- ", rest: "  ")
    } + [""]
  }
}
