import ArgumentParser
import CExplorerShims
import Documents
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec diff`.
  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What one spec newly allows and newly forbids compared with another.",
      discussion: """
        Explores both at the same sizes, without reductions, and compares the calls they have, \
        their checks in order, which answers each call can get (also by the state in which it \
        began), the locks held at each SEAMCALL, and the verdicts of the properties that both \
        have. --reduce concerns the verdicts, limits hold for each search apart. \
        What the text of a call does besides its checks is \
        not compared. Each difference in behaviour comes with the shortest run that shows it.

        No difference exits 0, a difference 1. When a limit ended a search, the answers that only \
        the other spec has are left out, and the exit is 3 whatever was found.

        EXAMPLES
          tdxspec diff teardown/mainline teardown/terminate-vm-v4 --scope small
          tdxspec diff teardown/terminate-vm-v4 teardown/terminate-vm-lock-first --markdown
          tdxspec diff bench/tdx-teardown bench/tdx-teardown --other-set BUG=1
          tdxspec diff teardown/mainline teardown/terminate-vm-v4 --scope small --json
        """)

    @Argument(help: "The spec that the other is compared with.")
    var spec: String

    @Argument(help: "The other spec.")
    var other: String

    @OptionGroup var scope: ScopeOptions

    @Option(
      name: .long,
      help: ArgumentHelp(
        "A parameter of the other spec alone; may be repeated.", valueName: "name=value"))
    var otherSet: [String] = []

    @OptionGroup var search: SearchOptions

    @Flag(name: .long, help: "Markdown of 72 columns, for a mail.")
    var markdown = false

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("Write the output to a file instead.", valueName: "file"))
    var output: String?

    func validate() throws {
      if markdown && json { throw ValidationError("--markdown and --json exclude each other") }
    }

    func run() throws {
      var own = ScopeOptions()
      own.set = otherSet
      let apart = try own.overrides()
      let runners = try [(spec, [:]), (other, apart)].map { name, more in
        SurveyRunner(
          spec: try SpecLookup.describe(name), scope: scope.scope,
          overrides: try scope.overrides().merging(more) { $1 }, options: search)
      }
      try SpecDifference.refuseStrangers(runners[0].spec, runners[1].spec)
      let programs = try runners.map { try $0.program() }
      try refuseOtherSizes(programs, apart)
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      let variables = commonVariables(programs)
      let compared = try zip(runners, zip(programs, variables)).map { runner, own in
        ComparedSpec(try runner.survey(own.0, own.1), try runner.report())
      }
      let difference = try SpecDifference(compared[0], compared[1], withEveryRun: json)
      try write(difference)
      if difference.status != .success { throw CommandExit(status: difference.status) }
    }

    private func write(_ difference: SpecDifference) throws {
      var sink = ReportSink(json: json, path: output)
      if json {
        try sink.write(Events.start("diff", version: TDXSpec.version))
        for event in DifferenceEvents(difference, scope: scope.scope).all {
          try sink.write(event)
        }
        try sink.write(Events.end(difference.status))
      } else {
        let text = DifferenceText(difference, scope: scope.scope)
        try sink.write(text: markdown ? text.markdown : text.plain)
      }
      try sink.close()
    }

    /// Answers at different sizes are no difference of the specs.
    private func refuseOtherSizes(_ programs: [Program], _ apart: [String: Int]) throws {
      for (name, value) in programs[0].scope.parameters where apart[name] == nil {
        if let own = programs[1].scope.value(of: name), own != value {
          throw ValidationError(
            "\(name) is \(value) in \(spec) and \(own) in \(other); choose it with --set")
        }
      }
    }

    /// The variables of each spec that both can have as rows and the checks of either read.
    private func commonVariables(_ programs: [Program]) -> [[NamedVariable]] {
      let rows = programs.map(RowVariables.init)
      let names = rows[0].read.map(\.name) + rows[1].read.map(\.name)
      var common: [String] = []
      for name in names where !common.contains(name) {
        if rows.allSatisfy({ (try? $0.named(name)) != nil }) { common.append(name) }
      }
      return rows.map { row in common.compactMap { try? row.named($0) } }
    }
  }
}
