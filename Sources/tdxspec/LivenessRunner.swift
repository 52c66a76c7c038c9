import ArgumentParser
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Decides the `LeadsTo` properties of a spec on its full graph, in a search of its own.
struct LivenessRunner {
  /// The spec without reductions.
  let program: Program
  let properties: [Property]
  let runner: CheckRunner

  private typealias Answers = (result: SearchResult, reports: [PropertyReport])

  /// A report about nothing else.
  func report(spent: Double) throws -> SpecReport {
    let (result, reports) = try decide(properties, spent: spent)
    return SpecReport(
      program: program, scope: runner.scope, states: result.states,
      transitions: result.transitions, diameter: result.diameter, seconds: result.seconds,
      peakBytes: result.peakBytes, engine: runner.options.engine.rawValue, reductions: [],
      properties: reports, notes: Notes(program, result).all)
  }

  /// A report with the answers added, in the order of the ids.
  func adding(to report: SpecReport, in order: [String]) throws -> SpecReport {
    var report = report
    report.properties += try answers(after: report)
    report.properties = order.compactMap { id in
      report.properties.first { $0.property.id == id }
    }
    return report
  }

  private func answers(after report: SpecReport) throws -> [PropertyReport] {
    if runner.stopAtFirst, report.properties.contains(where: { $0.verdict == .violated }) {
      return properties.map {
        var answer = PropertyReport(property: $0, verdict: .interrupted)
        answer.reason = "--stop-at-first ended the search before it"
        return answer
      }
    }
    let idle = properties.filter(isRuledOut).map {
      var answer = PropertyReport(property: $0, verdict: .vacuous)
      answer.reason = "the scope's parameters rule its premise out"
      return answer
    }
    let asked = properties.filter { !isRuledOut($0) }
    guard !asked.isEmpty else { return idle }
    let (result, reports) = try decide(asked, spent: report.secondsInAll)
    let figures = GraphFigures(
      program: program, states: result.states, transitions: result.transitions,
      diameter: result.diameter, seconds: result.seconds)
    return idle
      + reports.map {
        var answer = $0
        answer.graph = figures
        return answer
      }
  }

  private func isRuledOut(_ property: Property) -> Bool {
    program.properties.contains { $0.property.id == property.id && $0.isRuledOut }
  }

  /// - Parameter spent: seconds of the time limit that are gone.
  private func decide(_ asked: [Property], spent: Double) throws -> Answers {
    let chosen = asked.compactMap { property in
      program.properties.first { $0.property.id == property.id }
    }
    let plan = LivenessPlan(chosen)
    var limits = runner.options.limits(stopAtFirst: runner.stopAtFirst)
    limits.timeLimit = limits.timeLimit.map { max(0, $0 - spent) }
    do {
      switch runner.options.engine {
      case .table:
        let table = try GuardTable(try GroundProgram(program), monitors: plan.monitors)
        return try decide(table, plan, chosen, limits)
      case .tree:
        return try decide(TreeEngine(program, monitors: plan.monitors), plan, chosen, limits)
      }
    } catch let error as SearchError {
      throw try runner.complain(error, program)
    }
  }

  private func decide<E: Engine>(
    _ engine: E, _ plan: LivenessPlan, _ chosen: [ResolvedProperty], _ limits: SearchLimits
  ) throws -> Answers {
    let progress = ProgressLine("\(program.spec.name), what leads to what")
    defer { progress.clear() }
    let search = try LivenessSearch(engine, plan, limits, onProgress: progress.update)
    let (result, findings) = try search.run(chosen)
    let reports = zip(chosen, findings).map { answer($0.property, $1, result) }
    return (result, reports)
  }

  private func answer(
    _ property: Property, _ finding: LivenessFinding, _ result: SearchResult
  ) -> PropertyReport {
    if let refutation = finding.refutation {
      var report = PropertyReport(property: property, verdict: .violated)
      report.trace = refutation.trace
      report.fairness = refutation.fairness
      report.blame = [neverReached(property, refutation.element)]
      return report
    }
    if let stopped = finding.stopped {
      let isLimit = if case .limit = stopped { true } else { false }
      var report = PropertyReport(property: property, verdict: isLimit ? .bounded : .interrupted)
      report.reason = CheckRunner.reason(stopped, result)
      return report
    }
    guard finding.premiseSeen else {
      var report = PropertyReport(property: property, verdict: .vacuous)
      report.reason = "its premise was never true, so it says nothing"
      return report
    }
    return PropertyReport(property: property, verdict: .exhausted)
  }

  /// The conclusion with its element, in words.
  private func neverReached(_ property: Property, _ element: String?) -> String {
    guard case .leadsTo(let claim) = property.kind else { return "" }
    var reader = ExpressionReader(program.spec)
    if let bound = claim.element, let element { reader = reader.naming(bound, element) }
    return "never: \(reader.condition(claim.conclusion))"
  }
}
