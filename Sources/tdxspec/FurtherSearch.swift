import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Decides properties of a spec in a search after the first one.
///
/// Lemmas say where threads stand; watched together with the claims they would leave `por` little
/// to do for the claims. And a search has room for so many conditions only.
struct FurtherSearch {
  let program: Program
  let properties: [ResolvedProperty]
  let runner: CheckRunner

  /// A report with the answers added, in the order of the ids.
  ///
  /// - Parameter spent: seconds of the time limit that are gone, before and after.
  func adding(
    to report: SpecReport, in order: [String], spent: inout Double
  ) throws -> SpecReport {
    var report = report
    report.properties += try answers(after: &report, &spent)
    report.properties = order.compactMap { id in
      report.properties.first { $0.property.id == id }
    }
    return report
  }

  private func answers(
    after report: inout SpecReport, _ spent: inout Double
  ) throws -> [PropertyReport] {
    if runner.stopAtFirst, report.properties.contains(where: { $0.verdict == .violated }) {
      return properties.map {
        var answer = PropertyReport(property: $0.property, verdict: .interrupted)
        answer.reason = "--stop-at-first ended the search before it"
        return answer
      }
    }
    let found = try runner.search(properties, program, spent: spent).report
    spent += found.seconds
    let graph = GraphFigures(
      program: program, states: found.states, transitions: found.transitions,
      diameter: found.diameter, seconds: found.seconds, reductions: found.reductions)
    report.notes += found.notes.filter { !report.notes.contains($0) }
    return found.properties.map {
      var answer = $0
      answer.graph = graph
      return answer
    }
  }
}
