import SpecLanguage
import SpecProgram
import Verdicts

/// A document as JSON events.
public struct DocumentEvents {
  private let document: SpecDocument

  public init(_ document: SpecDocument) { self.document = document }

  /// For each section its text, and what it shows as data.
  public func all(_ sections: [SpecDocument.Section]) -> [JSONValue] {
    sections.flatMap { section -> [JSONValue] in
      let text = document.text(of: section)
      guard !text.isEmpty else { return [] }
      let event = JSONValue.members([
        "event": "section", "spec": .string(document.spec.name),
        "scope": Events.scope(document.program),
        "scope_name": document.scopeName.map { .string($0) },
        "section": .string(section.rawValue), "text": .string(text),
        "exhausted": section.needsGraph ? document.survey.map { .bool($0.isComplete) } : nil,
      ])
      return [event] + data(section)
    }
  }

  private func data(_ section: SpecDocument.Section) -> [JSONValue] {
    switch section {
    case .outcomes:
      document.survey.map {
        document.tables($0).flatMap(cells) + document.calledTables($0).flatMap(called)
      } ?? []
    case .examples:
      document.survey.map { document.examples($0).map(example) } ?? []
    case .locks: document.calledLocks.map(locks)
    case .properties:
      document.report.map { report in
        report.properties.map { Events.verdict($0, in: report) }
      } ?? []
    case .summary, .parameters, .state, .actions, .steps: []
    }
  }

  private var spec: JSONValue { .string(document.spec.name) }

  private func cells(_ table: OutcomeTable) -> [JSONValue] {
    table.columns.flatMap { column in
      zip(table.values, column.cells).compactMap { value, cell in
        guard case .answers(let answers) = cell else { return nil }
        return .members([
          "event": "outcome", "spec": spec, "variable": .string(table.variable.name),
          "subject": .string(column.subject), "value": .string(value),
          "call": .string(column.call), "answers": .array(answers.map { .string($0.text) }),
        ])
      }
    }
  }

  private func called(_ table: CalledTable) -> [JSONValue] {
    zip(table.values, table.cells).compactMap { value, cell in
      guard case .answers(let answers) = cell else { return nil }
      return .members([
        "event": "outcome", "spec": spec, "variable": .string(table.variable.name),
        "subject": .string(table.variable.name), "value": .string(value),
        "called": .string(table.called), "answers": .array(answers.map { .string($0.text) }),
      ])
    }
  }

  private func example(_ example: AnswerExample) -> JSONValue {
    .members([
      "event": "example", "spec": spec, "call": .string(example.call),
      "answer": .string(example.answer.text), "steps": .int(example.trace.steps.count),
      "trace": TraceText(document.program, example.trace).json,
    ])
  }

  private func locks(_ row: CalledLocks) -> JSONValue {
    return .members([
      "event": "locks", "spec": spec, "called": .string(row.called),
      "callers": .array(row.callers.map { .string($0) }), "begins": Self.names(row.atBegin),
      "ends": Self.names(row.atEnd),
    ])
  }

  static func names(_ held: HeldNames) -> JSONValue {
    .members([
      "surely": .array(held.surely.map { .string($0) }),
      "maybe": .array(held.maybe.map { .string($0) }),
    ])
  }
}
