import ArgumentParser
import CExplorerShims
import Catalogue
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Explores every interleaving at a scope and decides every property.",
      discussion: """
        Each property gets one word: EXHAUSTED (holds in every reachable state of the scope), \
        VIOLATED (with a counterexample), WITNESSED (a possibility was reached), VACUOUS (its \
        premise was never true, or an exhausted search never reached it), BOUNDED or INTERRUPTED \
        (no answer yet). A LeadsTo is about infinite runs: its counterexample is a lasso, a run \
        that repeats its loop for ever although it is fair. A Refines is about every step: its \
        counterexample ends with the one that the abstract spec does not allow.

        A counterexample is the shortest there is, with as few switches between threads as that \
        allows, or says that this is not shown. Under it stand the actions that play no part, \
        and the nearest twin that passes: the same calls with some steps moved or one call left \
        out.

        EXAMPLES
          tdxspec check teardown/terminate-vm-v4
          tdxspec check --expected teardown/terminate-vm-v4
          tdxspec check bench/tdx-teardown --set N=3 --set P=3 --json
          tdxspec check teardown/mainline --scope small --property S-11
          tdxspec check teardown/mainline --property L-2
          tdxspec check teardown/terminate-vm-v4 --property S-11 --itf trace.itf.json
          tdxspec check bench/tdx-teardown --cross-check z3
        """)

    @Argument(help: "One or more specs.")
    var specs: [String] = []

    @Flag(name: .long, help: "All bundled specs, with --expected.")
    var all = false

    @Flag(
      name: .long,
      help: "Succeed exactly if every verdict is the one that the spec's author expects.")
    var expected = false

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var search: SearchOptions

    @Option(
      name: .long,
      help: ArgumentHelp("Only this property; may be repeated.", valueName: "id"))
    var property: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        """
        Only properties of states (safety), LeadsTo (liveness), Refines (refinement) or Lemmas \
        (lemma). LeadsTo and Refines need the full graph; Lemmas leave por little to do.
        """,
        valueName: "kind"))
    var only: PropertyKind?

    @Flag(name: .long, help: "Stop at the first counterexample; the rest is INTERRUPTED.")
    var stopAtFirst = false

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Verdicts without an answer that shall count as success: bounded.",
        valueName: "word"))
    var accept: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        """
        Compare states, traces and verdicts with Z3 (z3); a disagreement is an internal error. \
        Searches without por.
        """,
        valueName: "name"))
    var crossCheck: String?

    @Flag(name: .long, help: "Show remarks on the spec: what is never reached, written or used.")
    var notes = false

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    @Option(
      name: .long, help: ArgumentHelp("Write the output to a file instead.", valueName: "file"))
    var output: String?

    @Option(
      name: .long,
      help: ArgumentHelp("Write the first counterexample or witness in ITF.", valueName: "file"))
    var itf: String?

    mutating func validate() throws {
      if specs.isEmpty && !all { throw ValidationError("name a spec; tdxspec list shows them") }
      if !specs.isEmpty && all {
        throw ValidationError("--all and a spec's name exclude each other")
      }
      if all && !expected { throw ValidationError("--all goes with --expected") }
      if (specs.count > 1 || all) && !(property + scope.mutate).isEmpty {
        throw ValidationError("--property and --mutate take a single spec")
      }
      if only != nil && !property.isEmpty {
        throw ValidationError("--only and --property exclude each other")
      }
      for word in accept where word != "bounded" {
        throw ValidationError("--accept takes 'bounded', not '\(word)'")
      }
      if let crossCheck, crossCheck != "z3" {
        throw ValidationError("--cross-check takes 'z3', not '\(crossCheck)'")
      }
      if crossCheck != nil { search.reduce = try search.reduce.keepingLengths() }
      if Set(specs).count < specs.count { throw ValidationError("a spec is named twice") }
    }

    func run() throws {
      #if !HAS_Z3
      if crossCheck != nil {
        Terminal.complain("--cross-check z3: built without z3.h; install libz3-dev and build again")
        throw CommandExit(status: .skipped)
      }
      #endif
      let names = all ? Catalogue.all.map(\.name) : specs
      let overrides = try scope.overrides()
      let descriptions = try names.map { try SpecLookup.describe($0, mutate: scope.mutate) }
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      var sink = ReportSink(json: json, path: output)
      if json { try sink.write(Events.start("check", version: TDXSpec.version)) }
      var status = ExitStatus.success
      for description in descriptions {
        let runner = CheckRunner(
          spec: description, scope: scope.scope, overrides: overrides, options: search,
          properties: property, stopAtFirst: stopAtFirst, kind: only)
        if names.count > 1 && description.name != names[0] && !json { try sink.write(text: "\n") }
        status = status.combined(with: try check(runner, &sink))
      }
      try finish(status, &sink)
    }

    private func check(_ runner: CheckRunner, _ sink: inout ReportSink) throws -> ExitStatus {
      var runner = runner
      #if HAS_Z3
      // Before the search, so that a spec that cannot be compared is refused at once.
      let cross = crossCheck == nil ? nil : try CrossCheckRunner(try runner.program())
      if cross != nil { runner.sampleSize = CrossCheckRunner.states }
      #endif
      let outcome = try runner.run()
      let report = outcome.report
      var status = exit(of: report)
      if json {
        for answer in report.properties { try sink.write(Events.verdict(answer, in: report)) }
        for note in report.notes { try sink.write(Events.note(note, spec: runner.spec.name)) }
      } else {
        let text = ReportText(report, showsExpected: !expected, showsNotes: notes).text
        try sink.write(text: text)
      }
      #if HAS_Z3
      if let cross {
        let answer = try cross.run(report, sample: outcome.sample)
        status = status.combined(with: answer.status)
        try json ? sink.write(answer.event) : sink.write(text: answer.text)
      }
      #endif
      try writeITF(report)
      return status
    }

    private func finish(_ status: ExitStatus, _ sink: inout ReportSink) throws {
      if json {
        try sink.write(Events.end(status))
      } else if expected {
        try sink.write(
          text: status == .success
            ? "every verdict is the expected one\n" : "not every verdict is the expected one\n")
      }
      try sink.close()
      if status != .success { throw CommandExit(status: status) }
    }

    private func exit(of report: SpecReport) -> ExitStatus {
      var status = ExitStatus.success
      for answer in report.properties {
        var own = expected ? answer.exitWhenExpected : answer.verdict.exitCode
        if answer.verdict == .bounded && accept.contains("bounded") { own = .success }
        status = status.combined(with: own)
      }
      return status
    }

    private func writeITF(_ report: SpecReport) throws {
      guard let itf else { return }
      guard let answer = report.properties.first(where: { $0.trace != nil }),
        let trace = answer.trace
      else {
        Terminal.complain("no property of \(report.program.spec.name) has a trace for --itf")
        return
      }
      try FileOutput.write(ITF(answer.traced(in: report), trace).json.text + "\n", to: itf)
    }
  }
}

/// Where a report goes: standard output as it comes, or a file when it is whole.
struct ReportSink {
  let json: Bool
  let path: String?
  private var pending = ""

  init(json: Bool, path: String?) {
    self.json = json
    self.path = path
  }

  mutating func write(_ event: JSONValue) throws { try write(text: event.text + "\n") }

  mutating func write(text: String) throws {
    if path == nil {
      try Output.standard.write(text)
    } else {
      pending += text
    }
  }

  func close() throws {
    if let path { try FileOutput.write(pending, to: path) }
  }
}
