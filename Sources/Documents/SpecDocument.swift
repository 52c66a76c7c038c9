import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// A spec at a scope as Markdown of 72 columns, ready for a mail.
public struct SpecDocument {
  /// The parts of a document, in order.
  public enum Section: String, CaseIterable, Sendable {
    case summary, parameters, state, actions, outcomes, locks, properties, examples, steps

    /// Whether the whole graph must be known.
    public var needsGraph: Bool { self == .outcomes || self == .examples }
    /// Whether the properties must be decided.
    public var needsVerdicts: Bool { self == .properties }
    /// Whether it can be about one call.
    public var canBeAboutCall: Bool { [.outcomes, .locks, .examples].contains(self) }
  }

  let program: Program
  let scopeName: String?
  /// For the sections that need the graph.
  let survey: SpecSurvey?
  /// For the section that needs verdicts.
  let report: SpecReport?
  /// The only call, or called action, that is asked about; all when `nil`.
  let call: String?

  var spec: SpecDescription { program.spec }

  /// - Parameters:
  ///   - survey: for the sections that need the graph.
  ///   - report: for the section that needs verdicts.
  ///   - call: a call, or an action that is called, which tables of answers and locks and examples
  ///     are to be about alone.
  public init(
    _ program: Program, scope: String?, survey: SpecSurvey?, report: SpecReport?,
    call: String? = nil
  ) {
    self.call = call
    self.program = program
    scopeName = scope
    self.survey = survey
    self.report = report
  }

  /// The sections, one after the other. What was not computed is left out.
  public func text(_ sections: [Section] = Section.allCases) -> String {
    sections.map { text(of: $0) }.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// One section.
  public func text(of section: Section) -> String {
    let lines: [String]
    switch section {
    case .summary: lines = summary
    case .parameters: lines = parameters
    case .state: lines = state
    case .actions: lines = actions
    case .outcomes: lines = outcomes
    case .locks: lines = locks
    case .properties: lines = properties
    case .examples: lines = examples
    case .steps: lines = steps
    }
    let end = lines.lastIndex { !$0.isEmpty } ?? -1
    return lines[...end].map { Self.trimmed($0) + "\n" }.joined()
  }

  private static func trimmed(_ line: String) -> String {
    var line = Substring(line)
    while line.last == " " { line = line.dropLast() }
    return String(line)
  }

  static func paragraph(_ text: String) -> [String] {
    WrappedText.lines(WrappedText.escaped(text)) + [""]
  }

  static func bullet(_ text: String) -> [String] {
    WrappedText.lines(WrappedText.escaped(text), first: "- ", rest: "  ")
  }

  // MARK: What it is

  private var summary: [String] {
    var lines = ["# \(spec.name)", ""] + Self.paragraph(spec.summary)
    lines += Self.paragraph("Scope \(ScopeText(program, scopeName).text).")
    for part in program.scope.parts {
      lines += Self.bullet(
        "\(part.threads) × \(part.name): only \(part.calls.joined(separator: ", "))")
    }
    return lines + (program.scope.parts.isEmpty ? [] : [""]) + bounded
  }

  /// Says that something is missing; nothing when nothing is.
  var bounded: [String] {
    guard let survey, !survey.isComplete else { return [] }
    return Self.paragraph(
      "BOUNDED: \(SpecSurvey.reason(survey.result)). Answers may be missing from every table and "
        + "list below that was read off the graph; those that stand there do happen.")
  }

  private var parameters: [String] {
    guard !spec.parameters.isEmpty else { return [] }
    var table = MarkdownTable(["parameter", "here", "range", "meaning"])
    for parameter in spec.parameters {
      let value = program.scope.value(of: parameter.name) ?? parameter.defaultValue
      let meaning =
        parameter.meaning.isEmpty
        ? parameter.sizeOf.map { "how many \($0.name)" } ?? "" : parameter.meaning
      table.add([
        [parameter.name], ["\(value)"],
        ["\(parameter.range.lowerBound)…\(parameter.range.upperBound)"], [meaning],
      ])
    }
    return ["## Parameters", ""] + table.lines() + [""]
  }

  private var state: [String] {
    let reader = SpecReader(spec)
    var lines = ["## State", ""]
    var table = MarkdownTable(["variable", "what it holds"])
    for line in reader.state { table.add([[line.name], [line.text]]) }
    lines += table.lines() + [""]
    guard !spec.locks.isEmpty else { return lines }
    var locks = MarkdownTable(["lock", "kind, in the order in which they are taken"])
    for line in reader.locks { locks.add([[line.name], [line.text]]) }
    return lines + locks.lines() + [""]
  }
}

/// The sizes of a scope in words: `small: vcpus=1 pages=1`.
struct ScopeText {
  let text: String

  init(_ program: Program, _ name: String?) {
    let sizes = program.scope.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    text = sizes.isEmpty ? name ?? "without parameters" : (name.map { "\($0): " } ?? "") + sizes
  }
}

extension SpecSurvey {
  /// Why an exploration did not see everything.
  static func reason(_ result: SearchResult) -> String {
    let far = "after \(result.states) states, to depth \(result.diameter)"
    if case .limit(let what) = result.end { return "the limit of \(what) came first, \(far)" }
    return "a signal ended the search, \(far)"
  }
}
