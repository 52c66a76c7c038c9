import ArgumentParser
import CExplorerShims
import Documents
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec compare`.
  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts designs side by side: verdicts, answers of calls, costs.",
      discussion: """
        Checks each spec and makes one table: a row for each property that two of them have, for \
        each call with the answers that it was seen to give, for each cost with its closed form. \
        A cell is a verdict with the steps of the shortest run that decides it; – is what a spec \
        does not have. NAME@SCOPE chooses a scope of one spec.

        A table exits 0 whatever stands in it, 3 when a limit left a cell without an answer.

        EXAMPLES
          tdxspec compare teardown/mainline teardown/terminate-vm-v4
          tdxspec compare teardown/mainline teardown/release-hint@hint --only-different
          tdxspec compare teardown/mainline teardown/terminate-vm-v4 --property S-11 F-2 F-6
          tdxspec compare teardown/mainline teardown/terminate-vm-v4 --scope small --markdown
        """)

    @Argument(help: "Specs, each with @SCOPE if it is not to be the default.")
    var specs: [String]

    @Option(name: .long, help: ArgumentHelp("The scope of the others.", valueName: "name"))
    var scope: String?

    @Option(
      name: .long, parsing: .upToNextOption,
      help: ArgumentHelp("Only these properties, in this order.", valueName: "id"))
    var property: [String] = []

    @Option(
      name: .long,
      help: "Which kind of properties: safety (the default), liveness, refinement or lemma.")
    var only: PropertyKind = .safety

    @Flag(name: .long, help: "Leave out what all have alike.")
    var onlyDifferent = false

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
      if specs.count < 2 { throw ValidationError("name two specs or more") }
      if specs.count > 26 { throw ValidationError("at most 26 specs fit a table") }
      if markdown && json { throw ValidationError("--markdown and --json exclude each other") }
      for (index, name) in specs.enumerated() where specs[..<index].contains(name) {
        throw ValidationError("\(name) is given twice")
      }
    }

    func run() throws {
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      let chosen = try specs.map { ($0, try described($0)) }
      try refuseUnknown(chosen.map(\.1.spec))
      let designs = try chosen.map { name, choice in
        ComparedDesign(
          name: name, report: try report(choice.spec, choice.scope), costs: try costs(choice.spec))
      }
      let comparison = SpecComparison(designs, ids: property, onlyDifferent: onlyDifferent)
      let status: ExitStatus = comparison.isComplete ? .success : .noAnswer
      var sink = ReportSink(json: json, path: output)
      if json {
        try sink.write(Events.start("compare", version: TDXSpec.version))
        for event in comparison.events { try sink.write(event) }
        try sink.write(Events.end(status))
      } else {
        try sink.write(text: markdown ? comparison.markdown : comparison.plain)
      }
      try sink.close()
      if status != .success { throw CommandExit(status: status) }
    }

    /// A spec and its scope from `NAME` or `NAME@SCOPE`.
    private func described(_ text: String) throws -> (spec: SpecDescription, scope: String?) {
      let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let own = parts.count > 1 ? String(parts[1]) : scope
      return (try SpecLookup.describe(String(parts[0])), own)
    }

    private func refuseUnknown(_ specs: [SpecDescription]) throws {
      let known = Set(specs.flatMap { $0.properties.map(\.id) })
      if let unknown = property.first(where: { !known.contains($0) }) {
        throw ValidationError("none of the specs has a property '\(unknown)'")
      }
    }

    private func report(_ spec: SpecDescription, _ scope: String?) throws -> SpecReport {
      let own = property.filter { id in spec.properties.contains { $0.id == id } }
      return try CheckRunner(
        spec: spec, scope: scope, overrides: [:], options: search, properties: own,
        stopAtFirst: false, kind: only
      ).run().report
    }

    private func costs(_ spec: SpecDescription) throws -> [(name: String, formula: String)] {
      guard spec.cost != nil, property.isEmpty else { return [] }
      return try CostedDesign(spec).terms.map { ($0.name, $0.form.text("pages", "vcpus")) }
    }
  }
}
