import ArgumentParser
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Properties of states, of infinite runs, or of steps compared with those of another spec.
enum PropertyKind: String, ExpressibleByArgument, CaseIterable {
  case safety
  case liveness
  case refinement
  /// Made for proofs. Lemmas say where threads stand, which leaves `por` little to do.
  case lemma

  init(_ property: Property) {
    self =
      property.isLiveness
      ? .liveness
      : property.refinement != nil ? .refinement : property.isLemma ? .lemma : .safety
  }
}

/// One search of one spec, from options to a report.
struct CheckRunner {
  let spec: SpecDescription
  let scope: String?
  let overrides: [String: Int]
  let options: SearchOptions
  let properties: [String]
  let stopAtFirst: Bool
  /// Which kind of properties; all by default.
  var kind: PropertyKind?
  /// How many of the states found are wanted besides the report.
  var sampleSize = 0

  /// What came of a search.
  struct Outcome {
    var report: SpecReport
    let sample: [[Int]]
  }

  /// The spec at the scope chosen.
  func program() throws -> Program {
    let resolved = try ResolvedScope(spec, scope: scope, overrides: overrides)
    return try program(resolved, fuses: options.fuses(spec.name))
  }

  private func program(_ resolved: ResolvedScope, fuses: Bool) throws -> Program {
    try Program(spec, resolved, ProgramOptions(fuseReleases: fuses))
  }

  func run() throws -> Outcome {
    let program = try program()
    let all = try choose(from: program.properties)
    try refuseReductions(all)
    let live = try liveness(all, program.scope)
    let refinement = try refinement(all, program.scope)
    let ids = all.map(\.property.id)
    let chosen = all.filter { !$0.property.needsFullGraph }
    if chosen.isEmpty, let live {
      let report = try live.report(spent: 0)
      return Outcome(report: try refinement?.adding(to: report, in: ids) ?? report, sample: [])
    }
    if chosen.isEmpty, let refinement {
      return Outcome(report: try refinement.report(), sample: [])
    }
    let lemmas = chosen.filter(\.property.isLemma)
    let claims = chosen.filter { !$0.property.isLemma }
    let searches = MonitorPlan.batches(of: claims) + MonitorPlan.batches(of: lemmas)
    var outcome = try search(searches.first ?? [], program)
    var spent = outcome.report.seconds
    for properties in searches.dropFirst() {
      let further = FurtherSearch(program: program, properties: properties, runner: self)
      outcome.report = try further.adding(to: outcome.report, in: ids, spent: &spent)
    }
    if let live { outcome.report = try live.adding(to: outcome.report, in: ids) }
    if let refinement { outcome.report = try refinement.adding(to: outcome.report, in: ids) }
    return outcome
  }

  /// - Parameter spent: seconds of the time limit that are gone.
  func search(
    _ chosen: [ResolvedProperty], _ program: Program, spent: Double = 0
  ) throws -> Outcome {
    let searched = chosen.filter { !$0.isScenario }
    let engine = SearchEngine(
      program: program, properties: searched, monitors: MonitorPlan(searched).monitors,
      options: options)
    return try engine.use(Checking(runner: self, chosen: chosen, spent: spent))
  }

  private struct Checking: EngineUser {
    let runner: CheckRunner
    let chosen: [ResolvedProperty]
    let spent: Double

    func use<E: Engine>(_ engine: E, _ applied: AppliedReductions) throws -> Outcome {
      try runner.run(engine, chosen, applied, spent: spent)
    }
  }

  /// What decides the properties that are about infinite runs, if there are any.
  private func liveness(
    _ chosen: [ResolvedProperty], _ resolved: ResolvedScope
  ) throws -> LivenessRunner? {
    let properties = chosen.map(\.property).filter(\.isLiveness)
    guard !properties.isEmpty else { return nil }
    return LivenessRunner(
      program: try program(resolved, fuses: false),
      properties: properties, runner: self)
  }

  /// What decides the refinements, if there are any.
  private func refinement(
    _ chosen: [ResolvedProperty], _ resolved: ResolvedScope
  ) throws -> RefinementRunner? {
    let properties = chosen.map(\.property).filter { $0.refinement != nil }
    guard !properties.isEmpty else { return nil }
    return RefinementRunner(
      program: try program(resolved, fuses: false), properties: properties, runner: self)
  }

  private func refuseReductions(_ chosen: [ResolvedProperty]) throws {
    let words = options.reduce.chosen?.map(\.rawValue).sorted() ?? []
    let properties = chosen.map(\.property)
    if let refusal = FullGraphRefusal.refusal(reductions: words, properties: properties) {
      throw refusal
    }
  }

  private func choose(from all: [ResolvedProperty]) throws -> [ResolvedProperty] {
    guard !properties.isEmpty else {
      return all.filter { kind == nil || PropertyKind($0.property) == kind }
    }
    return try properties.map { id in
      guard let found = all.first(where: { $0.property.id == id }) else {
        let known = all.map(\.property.id).joined(separator: ", ")
        throw ValidationError("\(spec.name) has no property '\(id)'; properties: \(known)")
      }
      return found
    }
  }

  private func run<E: Engine>(
    _ engine: E, _ chosen: [ResolvedProperty], _ applied: AppliedReductions,
    spent: Double
  ) throws -> Outcome {
    let searched = chosen.filter { !$0.isScenario }
    let progress = ProgressLine(spec.name)
    do {
      var limits = options.limits(stopAtFirst: stopAtFirst)
      limits.timeLimit = limits.timeLimit.map { max(0, $0 - spent) }
      let search = try Search(engine, searched, limits, onProgress: progress.update)
      let result = try search.run()
      progress.clear()
      let found = try refine(searched, result, search, applied)
      var answers: [PropertyReport] = []
      for property in chosen {
        if let index = searched.firstIndex(where: { $0.property.id == property.property.id }) {
          answers.append(try answer(index, searched, result, search, found[index]))
        } else {
          answers.append(try ScenarioAnswer(engine.program).answer(property.property))
        }
      }
      var report = SpecReport(
        program: engine.program, scope: scope, states: result.states,
        transitions: result.transitions, diameter: result.diameter, seconds: result.seconds,
        peakBytes: result.peakBytes, engine: options.engine.rawValue,
        reductions: applied.names, properties: answers,
        notes: Notes(engine.program, result).all)
      report.reductionRemarks = applied.remarks
      report.answers = Self.answers(engine.program, result)
      return Outcome(report: report, sample: search.sample(most: sampleSize))
    } catch let error as SearchError {
      progress.clear()
      throw try complain(error, engine.program)
    }
  }

  /// Fusion and the like keep which answers each call has.
  private static func answers(_ program: Program, _ result: SearchResult) -> [CallAnswers] {
    var seen: [Int: Set<Int>] = [:]
    for (key, count) in result.coverage where count > 0 {
      if let outcome = key.outcome { seen[key.procedure, default: []].insert(outcome) }
    }
    return program.spec.actions.enumerated().map { number, action in
      let outcomes = (seen[number] ?? []).sorted().map { program.outcomes[$0].text }
      return CallAnswers(call: action.name, outcomes: outcomes)
    }
  }

  /// The best run for each property that a state decided, by the property's index.
  private func refine<E: Engine>(
    _ searched: [ResolvedProperty], _ result: SearchResult, _ search: Search<E>,
    _ applied: AppliedReductions
  ) throws -> [Int: RefinedRun] {
    let decided = searched.indices.filter { result.findings[$0].state != nil }
    let traces = try decided.compactMap { try result.findings[$0].state.map(search.trace) }
    let runs = try CounterexampleRunner(
      program: search.program, options: options, applied: applied
    ).refine(decided.map { searched[$0] }, traces)
    return Dictionary(uniqueKeysWithValues: zip(decided, runs))
  }

  private func answer<E: Engine>(
    _ index: Int, _ chosen: [ResolvedProperty], _ result: SearchResult, _ search: Search<E>,
    _ run: RefinedRun?
  ) throws -> PropertyReport {
    let property = chosen[index].property
    let finding = result.findings[index]
    let verdict = verdict(chosen[index], finding, result.end)
    var report = PropertyReport(property: property, verdict: verdict)
    if let run {
      report.trace = run.trace
      report.quality = run.quality
      if verdict == .violated {
        report.blame = try blame(chosen[index], run.trace, search.program)
        report.twin = TwinSearch(search.program, chosen[index], run.trace).find()
      }
    }
    if case .possible = property.kind {
      report.hits = finding.hits
      if verdict == .vacuous {
        report.refusals = try search.refusals(of: index).sorted {
          ($1.value, $0.key) < ($0.value, $1.key)
        }.map {
          Refusal(check: search.program.checks[$0.key], states: $0.value)
        }
      }
    } else if verdict == .vacuous {
      report.reason = "its premise was never true, so it says nothing"
    }
    if verdict.exitCode == .noAnswer { report.reason = Self.reason(result.end, result) }
    return report
  }

  private func verdict(
    _ property: ResolvedProperty, _ finding: Finding, _ end: SearchEnd
  ) -> Verdict {
    let isPossible = if case .possible = property.property.kind { true } else { false }
    if finding.state != nil { return isPossible ? .witnessed : .violated }
    switch end {
    case .exhausted:
      if isPossible { return .vacuous }
      return property.hasPremise && !finding.premiseSeen ? .vacuous : .exhausted
    case .limit: return .bounded
    case .interrupted, .stoppedAtFirst, .decided: return .interrupted
    }
  }

  static func reason(_ end: SearchEnd, _ result: SearchResult) -> String {
    let far = "after \(result.states) states, to depth \(result.diameter)"
    switch end {
    case .limit(let what): return "the limit of \(what) came first, \(far)"
    case .stoppedAtFirst: return "--stop-at-first ended the search, \(far)"
    default: return "a signal ended the search, \(far)"
    }
  }

  private func blame(
    _ property: ResolvedProperty, _ trace: Trace, _ program: Program
  ) throws -> [String] {
    if property.isBuiltIn {
      return (0..<program.threadCount).compactMap { thread in
        program.place(of: thread, in: trace.last).map { "thread \(thread) stands in \($0)" }
      }
    }
    return try program.blame(property.property.condition, in: trace.last)
  }

  /// Turns a search's failure into what the tool says and how it exits.
  func complain(_ error: SearchError, _ program: Program) throws -> any Error {
    switch error {
    case .fault(let fault):
      try Output(descriptor: 2, path: "standard error").write(
        TraceText(program, fault.trace).text)
      return fault.error
    case .spec(let error): return error
    case .outOfMemory(let states):
      Terminal.complain("out of memory after \(states) states; --max-memory ends a search in time")
      return CommandExit(status: .noAnswer)
    case .disagreement(let text):
      Terminal.complain("internal error: \(text); please report this with the command line")
      return CommandExit(status: .internalError)
    }
  }
}

/// The progress line on a terminal; nothing elsewhere.
final class ProgressLine {
  private let name: String
  private let shows = Terminal.isInteractive
  private var last: SearchProgress?
  private var isShown = false

  init(_ name: String) { self.name = name }

  func update(_ now: SearchProgress) {
    guard shows else { return }
    let before = last
    last = now
    let seconds = now.seconds - (before?.seconds ?? 0)
    let rate = seconds > 0 ? Double(now.states - (before?.states ?? 0)) / seconds : 0
    Terminal.status(
      """
      \(name): \(now.states) states, \(Int(rate)) states/s, depth \(now.depth), \
      frontier \(now.frontier), \(now.bytes >> 20) MiB, \(Int(now.seconds)) s
      """)
    isShown = true
  }

  func clear() {
    if isShown { Terminal.status("") }
  }
}
