import SpecLanguage
import SpecProgram

/// What a report says about refinements.
enum RefinementText {
  private static let indent = "            "

  /// How much of the abstract spec is there.
  static func figures(_ answer: PropertyReport) -> String {
    guard let figures = answer.refinement else { return "" }
    let states = CounterexampleText.count(figures.states, "state")
    let steps = CounterexampleText.count(figures.steps, "step")
    return "\(indent)of \(figures.abstract.spec.name): \(states), \(steps) between them\n"
  }

  /// What the abstract spec does not allow, and what it would have allowed.
  static func gap(_ answer: PropertyReport) -> String {
    guard let gap = answer.refinement?.gap else { return "" }
    guard let trace = answer.trace, !trace.steps.isEmpty else {
      return """
        \(indent)\(gap.abstract) begins with \(text(gap.before))
        \(indent)but the initial state maps to \(text(gap.after))

        """
    }
    let changes = zip(gap.before, gap.after).filter { $0 != $1 }.map {
      "\($0.name): \($0.value) → \($1.value)"
    }
    var out = """
      \(indent)to \(gap.abstract), step \(trace.steps.count) is [\(changes.joined(separator: "; "))]
      \(indent)in the state \(text(gap.before)), where all that it can do is

      """
    if gap.possible.isEmpty { out += "\(indent)  nothing\n" }
    for way in gap.possible {
      let changes = way.changes.map { "\($0.cell): \($0.before) → \($0.after)" }
      out += "\(indent)  \(way.call)  [\(changes.joined(separator: "; "))]\n"
    }
    return out
  }

  private static func text(_ values: [NamedValue]) -> String {
    values.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
  }

  /// The graphs that refinements were decided on, where they are others than the report's.
  static func summary(_ report: SpecReport) -> String {
    report.properties.filter { $0.refinement != nil }.map { answer in
      answer.graph.map { "\n\(answer.property.id), on the full graph: \($0.text)" } ?? ""
    }.joined()
  }

  /// The member `refinement` of a verdict event.
  static func json(_ figures: RefinementFigures) -> JSONValue {
    .members([
      "abstract": .string(figures.abstract.spec.name), "scope": Events.scope(figures.abstract),
      "states": .int(figures.states), "steps": .int(figures.steps),
      "never_taken": .array(figures.neverTaken.map { .string($0) }),
      "before": figures.gap.map { json($0.before) },
      "after": figures.gap.map { json($0.after) },
      "possible": figures.gap.map { gap in
        .array(
          gap.possible.map {
            .members(["call": .string($0.call), "changes": $0.changes.json])
          })
      },
    ])
  }

  private static func json(_ values: [NamedValue]) -> JSONValue {
    .object(values.map { .init(name: $0.name, value: .string($0.value)) })
  }
}

extension GraphFigures {
  var text: String {
    """
    \(ReportText.grouped(states)) states, \(ReportText.grouped(transitions)) transitions, \
    diameter \(diameter); \(ReportText.rounded(seconds)) s
    """
  }
}
