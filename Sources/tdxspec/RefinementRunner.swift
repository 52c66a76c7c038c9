import ArgumentParser
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Decides the `Refines` properties of a spec on its full graph, each in a search of its own.
struct RefinementRunner {
  /// The spec without reductions.
  let program: Program
  let properties: [Property]
  let runner: CheckRunner

  private struct Decided {
    let result: SearchResult
    let report: PropertyReport
  }

  /// A report about nothing else.
  func report() throws -> SpecReport {
    let first = try decide(properties[0], spent: 0)
    let result = first.result
    let report = SpecReport(
      program: program, scope: runner.scope, states: result.states,
      transitions: result.transitions, diameter: result.diameter, seconds: result.seconds,
      peakBytes: result.peakBytes, engine: runner.options.engine.rawValue, reductions: [],
      properties: [first.report],
      notes: Notes(program, result).all + notes(first.report))
    return try adding(Array(properties.dropFirst()), to: report)
  }

  /// A report with the answers added, in the order of the ids.
  func adding(to report: SpecReport, in order: [String]) throws -> SpecReport {
    var report = try adding(properties, to: report)
    report.properties = order.compactMap { id in
      report.properties.first { $0.property.id == id }
    }
    return report
  }

  private func adding(_ properties: [Property], to report: SpecReport) throws -> SpecReport {
    var report = report
    for property in properties {
      if runner.stopAtFirst, report.properties.contains(where: { $0.verdict == .violated }) {
        var answer = PropertyReport(property: property, verdict: .interrupted)
        answer.reason = "--stop-at-first ended the search before it"
        report.properties.append(answer)
        continue
      }
      let decided = try decide(property, spent: report.secondsInAll)
      let result = decided.result
      var answer = decided.report
      answer.graph = GraphFigures(
        program: program, states: result.states, transitions: result.transitions,
        diameter: result.diameter, seconds: result.seconds)
      report.properties.append(answer)
      report.notes += notes(answer)
    }
    return report
  }

  /// - Parameter spent: seconds of the time limit that are gone.
  private func decide(_ property: Property, spent: Double) throws -> Decided {
    let map = try RefinementMap(program, property)
    var limits = runner.options.limits(stopAtFirst: runner.stopAtFirst)
    limits.timeLimit = limits.timeLimit.map { max(0, $0 - spent) }
    do {
      switch runner.options.engine {
      case .table:
        let table = try GuardTable(try GroundProgram(program), monitors: map.monitors)
        return try decide(table, map, limits)
      case .tree:
        return try decide(TreeEngine(program, monitors: map.monitors), map, limits)
      }
    } catch let error as SearchError {
      throw try runner.complain(error, program)
    }
  }

  private func decide<E: Engine>(
    _ engine: E, _ map: RefinementMap, _ limits: SearchLimits
  ) throws -> Decided {
    let progress = ProgressLine("\(program.spec.name), \(map.property.id)")
    defer { progress.clear() }
    let search = try RefinementSearch(engine, map, limits, onProgress: progress.update)
    let (result, finding) = try search.run()
    return Decided(result: result, report: answer(map, finding, result))
  }

  private func answer(
    _ map: RefinementMap, _ finding: RefinementFinding, _ result: SearchResult
  ) -> PropertyReport {
    var report = PropertyReport(property: map.property, verdict: verdict(finding))
    report.trace = finding.refutation?.trace
    report.quality = finding.refutation.map { _ in TraceQuality(isShortest: true) }
    if let stopped = finding.stopped { report.reason = CheckRunner.reason(stopped, result) }
    if report.verdict == .vacuous {
      report.reason = "no step changes anything that \(map.abstract.spec.name) sees"
    }
    report.refinement = RefinementFigures(
      abstract: map.abstract, states: finding.abstractStates, steps: finding.abstractSteps,
      neverTaken: report.verdict == .exhausted ? finding.neverTaken : [],
      gap: finding.refutation?.gap)
    return report
  }

  private func verdict(_ finding: RefinementFinding) -> Verdict {
    if finding.refutation != nil { return .violated }
    switch finding.stopped {
    case .limit: return .bounded
    case .some: return .interrupted
    case nil: return finding.abstractSteps == 0 ? .vacuous : .exhausted
    }
  }

  /// What the abstract spec has and this one never does.
  private func notes(_ answer: PropertyReport) -> [SpecNote] {
    guard let figures = answer.refinement else { return [] }
    return figures.neverTaken.map {
      SpecNote(
        "TDX4006", "\(answer.property.id): no step is “\($0)” of \(figures.abstract.spec.name)",
        at: answer.property.location)
    }
  }
}
