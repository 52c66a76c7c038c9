import ArgumentParser
import CExplorerShims
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec explore`.
  struct Explore: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Explores without properties: counts, coverage, and the graph of a small spec.",
      discussion: """
        EXAMPLES
          tdxspec explore teardown/mainline --scope small
          tdxspec explore bench/tdx-teardown --set N=1 --set P=1 --set L=1 --dot graph.dot
          tdxspec explore bench/tdx-teardown --json
        """)

    @Argument(help: "The spec.")
    var spec: String

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var search: SearchOptions

    @Option(name: .long, help: ArgumentHelp("Write the graph for Graphviz.", valueName: "file"))
    var dot: String?

    @Option(name: .long, help: ArgumentHelp("Write the graph for Mermaid.", valueName: "file"))
    var mermaid: String?

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func run() throws {
      let description = try SpecLookup.describe(spec, mutate: scope.mutate)
      let resolved = try ResolvedScope(
        description, scope: scope.scope, overrides: try scope.overrides())
      let options = ProgramOptions(fuseReleases: search.fuses(spec))
      let program = try Program(description, resolved, options)
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      let result = try explore(program)
      let summary = CoverageText(program, result)
      if json {
        let lines =
          [Events.start("explore", version: TDXSpec.version)] + summary.events
          + [Events.end(status(result))]
        try Output.standard.write(lines.map { $0.text + "\n" }.joined())
      } else {
        try Output.standard.write(summary.text)
      }
      if dot != nil || mermaid != nil {
        let graph = try StateGraph(program)
        if let dot { try FileOutput.write(graph.dot, to: dot) }
        if let mermaid { try FileOutput.write(graph.mermaid, to: mermaid) }
      }
      if status(result) != .success { throw CommandExit(status: status(result)) }
    }

    private func status(_ result: SearchResult) -> ExitStatus {
      result.end == .exhausted ? .success : .noAnswer
    }

    private func explore(_ program: Program) throws -> SearchResult {
      let progress = ProgressLine(spec)
      defer { progress.clear() }
      let limits = search.limits(stopAtFirst: false)
      let engine = SearchEngine(program: program, properties: [], monitors: [], options: search)
      do {
        return try engine.use(Exploring(limits: limits, progress: progress))
      } catch SearchError.fault(let fault) {
        throw fault.error
      } catch SearchError.spec(let error) {
        throw error
      }
    }
  }
}

private struct Exploring: EngineUser {
  let limits: SearchLimits
  let progress: ProgressLine

  func use<E: Engine>(_ engine: E, _ applied: AppliedReductions) throws -> SearchResult {
    try Search(engine, [], limits, onProgress: progress.update).run()
  }
}

/// The counts of an exploration, for people and as events.
struct CoverageText {
  private let program: Program
  private let result: SearchResult

  init(_ program: Program, _ result: SearchResult) {
    self.program = program
    self.result = result
  }

  private struct Row {
    let action: String
    let step: String
    let answer: String
    let count: Int
  }

  private var rows: [Row] {
    let order = result.coverage.sorted {
      ($0.key.procedure, -$0.key.node, $0.key.refusedBy ?? -1, $0.key.outcome ?? -1)
        < ($1.key.procedure, -$1.key.node, $1.key.refusedBy ?? -1, $1.key.outcome ?? -1)
    }
    return order.map { key, count in
      var answer = key.outcome.map { "answers \(program.outcomes[$0].text)" } ?? ""
      if let check = key.refusedBy { answer += " because “\(program.checks[check].text)” fails" }
      return Row(
        action: program.actionName(key.procedure), step: program.step(key).text,
        answer: answer, count: count)
    }
  }

  var text: String {
    var out = "\(program.spec.name): \(result.states) states, \(result.transitions) transitions, "
    out += "diameter \(result.diameter)"
    out += result.end == .exhausted ? "\n\n" : " (not all: \(result.end))\n\n"
    var action = ""
    for row in rows {
      if row.action != action {
        out += "\(row.action)\n"
        action = row.action
      }
      let count = String(repeating: " ", count: max(0, 12 - "\(row.count)".count)) + "\(row.count)"
      out += "\(count)  \(row.step)\(row.answer.isEmpty ? "" : ": \(row.answer)")\n"
    }
    return out
  }

  var events: [JSONValue] {
    let counts = JSONValue.members([
      "event": "exploration", "spec": .string(program.spec.name),
      "scope": Events.scope(program), "parts": Events.parts(program), "states": .int(result.states),
      "transitions": .int(result.transitions), "diameter": .int(result.diameter),
      "exhausted": .bool(result.end == .exhausted), "seconds": .double(result.seconds),
      "peak_bytes": .int(result.peakBytes),
    ])
    return [counts]
      + rows.map {
        .members([
          "event": "coverage", "action": .string($0.action), "step": .string($0.step),
          "answer": .string($0.answer), "count": .int($0.count),
        ])
      }
  }
}
