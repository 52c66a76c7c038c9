import ArgumentParser
import CExplorerShims
import Documents
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec doc`.
  struct Doc: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a spec as Markdown of 72 columns, ready for a review mail.",
      discussion: """
        What a spec is made of, every call with its checks in order, what calls answer in which \
        state, the locks held at each SEAMCALL, verdicts, and the shortest way to each answer. \
        Tables of answers are read off the full graph, which is explored without reductions; \
        --reduce concerns the verdicts. Limits hold for each search apart. \
        A document that a limit cut short says BOUNDED and exits \
        3. Sections that need no exploration (summary, parameters, state, actions, locks, steps) \
        are written at once.

        EXAMPLES
          tdxspec doc tutorial/ticket-lock
          tdxspec doc teardown/terminate-vm-v4 --scope small -o v4.md
          tdxspec doc teardown/mainline --scope small --section outcomes --by td_lifecycle
          tdxspec doc teardown/terminate-vm-v4 --section locks
          tdxspec doc kvm/tdx --scope arguments --section outcomes --by kvm_tdx.state \
        --call KVM_CREATE_VCPU
          tdxspec doc kvm/tdx --section locks --call TDH.MNG.VPFLUSHDONE
          tdxspec doc tdx/hkid --scope small --section outcomes --section examples --json
        """)

    @Argument(help: "The spec.")
    var spec: String

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var search: SearchOptions

    @Option(
      name: .long,
      help: ArgumentHelp("Only this section; may be repeated.", valueName: "name"))
    var section: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "One table of answers, by this variable; all that checks read by default.",
        valueName: "variable"))
    var by: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Only this call or SEAMCALL, in the sections outcomes, locks and examples.",
        valueName: "name"))
    var call: String?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("Write the output to a file instead.", valueName: "file"))
    var output: String?

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    private var sections: [SpecDocument.Section] {
      SpecDocument.Section.allCases.filter {
        section.isEmpty ? call == nil || $0.canBeAboutCall : section.contains($0.rawValue)
      }
    }

    func validate() throws {
      let names = SpecDocument.Section.allCases.map(\.rawValue)
      for name in section where !names.contains(name) {
        throw ValidationError(
          "there is no section '\(name)'; sections: \(names.joined(separator: ", "))")
      }
      if by != nil, !sections.contains(.outcomes) {
        throw ValidationError("--by chooses the rows of the section outcomes, which is left out")
      }
      if call != nil, let other = sections.first(where: { !$0.canBeAboutCall }) {
        throw ValidationError("the section \(other.rawValue) cannot be about one --call")
      }
      if Set(section).count < section.count { throw ValidationError("a section is named twice") }
    }

    func run() throws {
      let runner = SurveyRunner(
        spec: try SpecLookup.describe(spec), scope: scope.scope,
        overrides: try scope.overrides(), options: search)
      let program = try runner.program()
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      if let call {
        let names = program.spec.actions.map(\.name) + program.calledLocks.map(\.called)
        guard names.contains(call) else {
          throw ValidationError("\(spec) has no call '\(call)'; tdxspec read lists them")
        }
      }
      let rows = RowVariables(program)
      let variables = try by.map { [try rows.named($0)] } ?? rows.read
      let report = sections.contains(where: \.needsVerdicts) ? try runner.report() : nil
      let survey =
        sections.contains(where: \.needsGraph) ? try runner.survey(program, variables) : nil
      let document = SpecDocument(
        program, scope: scope.scope, survey: survey, report: report, call: call)
      let status = status(survey, report)
      var sink = ReportSink(json: json, path: output)
      if json {
        try sink.write(Events.start("doc", version: TDXSpec.version))
        for event in DocumentEvents(document).all(sections) { try sink.write(event) }
        try sink.write(Events.end(status))
      } else {
        try sink.write(text: document.text(sections))
      }
      try sink.close()
      if status != .success { throw CommandExit(status: status) }
    }

    /// A document is no judgement: only what a limit left open counts.
    private func status(_ survey: SpecSurvey?, _ report: SpecReport?) -> ExitStatus {
      let isOpen = report?.properties.contains { $0.verdict.exitCode == .noAnswer } ?? false
      return survey.map(\.isComplete) == false || isOpen ? .noAnswer : .success
    }
  }
}
