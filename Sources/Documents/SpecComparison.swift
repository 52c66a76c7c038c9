import SpecProgram
import Verdicts

/// One spec of a comparison: what was found at one scope, and its closed forms.
public struct ComparedDesign: Sendable {
  /// The spec's name, with its scope if one was named: `teardown/release-hint@hint`.
  public let name: String
  public let report: SpecReport
  /// What it counts and the count as a formula; empty when it does not say what it costs.
  public let costs: [(name: String, formula: String)]

  public init(name: String, report: SpecReport, costs: [(name: String, formula: String)]) {
    self.name = name
    self.report = report
    self.costs = costs
  }
}

/// Several specs side by side: a row for each property, call and cost that two of them have.
public struct SpecComparison: Sendable {
  /// One line of the table.
  public struct Row: Sendable {
    public enum Kind: String, Sendable {
      case property, call, cost
    }
    public let kind: Kind
    /// The property's id, the call's name or what is counted.
    public let name: String
    /// What the property claims; empty otherwise.
    public let text: String
    /// For each design what it has, `nil` when it has none of that name.
    public let cells: [String?]

    /// Not all designs have the same.
    public var isDifferent: Bool { Set(cells).count > 1 }
  }

  public let designs: [ComparedDesign]
  public let rows: [Row]

  /// - Parameters:
  ///   - ids: the properties to compare; all that two designs have when empty.
  ///   - onlyDifferent: leaves out what all designs have alike.
  public init(_ designs: [ComparedDesign], ids: [String] = [], onlyDifferent: Bool = false) {
    self.designs = designs
    let all =
      Self.properties(designs, ids) + (ids.isEmpty ? Self.calls(designs) + Self.costs(designs) : [])
    rows = onlyDifferent ? all.filter(\.isDifferent) : all
  }

  /// The worst of the verdicts is that of the comparison: a limit that came first is no answer.
  public var isComplete: Bool {
    designs.allSatisfy { $0.report.properties.allSatisfy { $0.verdict.exitCode != .noAnswer } }
  }

  private static func properties(_ designs: [ComparedDesign], _ ids: [String]) -> [Row] {
    let found = names(designs.map { $0.report.properties.map(\.property.id) })
    let chosen =
      ids.isEmpty ? shared(found, designs.map { $0.report.properties.map(\.property.id) }) : ids
    return chosen.map { id in
      let answers = designs.map { design in
        design.report.properties.first { $0.property.id == id }
      }
      let text = answers.compactMap { $0?.property.text }.first ?? ""
      return Row(kind: .property, name: id, text: text, cells: answers.map { $0.map(cell) })
    }
  }

  /// The verdict, with the length of the shortest run that decides it.
  private static func cell(_ answer: PropertyReport) -> String {
    let steps = answer.trace.map { " (\($0.steps.count))" } ?? ""
    return answer.verdict.rawValue + steps
  }

  /// What each call was seen to answer.
  private static func calls(_ designs: [ComparedDesign]) -> [Row] {
    names(designs.map { $0.report.answers.map(\.call) }).map { call in
      let cells = designs.map { design in
        design.report.answers.first { $0.call == call }.map {
          $0.outcomes.isEmpty ? "never called" : $0.outcomes.joined(separator: " ")
        }
      }
      return Row(kind: .call, name: call, text: "", cells: cells)
    }
  }

  private static func costs(_ designs: [ComparedDesign]) -> [Row] {
    names(designs.map { $0.costs.map(\.name) }).map { name in
      let cells = designs.map { design in design.costs.first { $0.name == name }?.formula }
      return Row(kind: .cost, name: name, text: "", cells: cells)
    }
  }

  /// The names in order of their first appearance.
  private static func names(_ lists: [[String]]) -> [String] {
    var names: [String] = []
    for name in lists.joined() where !names.contains(name) { names.append(name) }
    return names
  }

  private static func shared(_ names: [String], _ lists: [[String]]) -> [String] {
    names.filter { name in lists.filter { $0.contains(name) }.count > 1 }
  }
}
