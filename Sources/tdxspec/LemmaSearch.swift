import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Decides the lemmas of a spec in a search of their own.
///
/// Lemmas say where threads stand; watched together with the claims they would leave `por` little
/// to do for the claims.
struct LemmaSearch {
  let program: Program
  let lemmas: [ResolvedProperty]
  let runner: CheckRunner

  /// A report with the answers added, in the order of the ids.
  func adding(to report: SpecReport, in order: [String]) throws -> SpecReport {
    var report = report
    report.properties += try answers(after: &report)
    report.properties = order.compactMap { id in
      report.properties.first { $0.property.id == id }
    }
    return report
  }

  private func answers(after report: inout SpecReport) throws -> [PropertyReport] {
    if runner.stopAtFirst, report.properties.contains(where: { $0.verdict == .violated }) {
      return lemmas.map {
        var answer = PropertyReport(property: $0.property, verdict: .interrupted)
        answer.reason = "--stop-at-first ended the search before it"
        return answer
      }
    }
    let found = try runner.search(lemmas, program, spent: report.seconds).report
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
