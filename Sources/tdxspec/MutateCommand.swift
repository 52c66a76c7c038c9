import ArgumentParser
import CExplorerShims
import Catalogue
import Simulator
import SpecLanguage
import Verdicts

extension TDXSpec {
  /// `tdxspec mutate`.
  struct Mutate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts bugs into a spec, or into the simulator, and sees whether they are noticed.",
      discussion: """
        A mutation names the properties that must break and the smallest scope that shows it. \
        Each is searched at that scope, and so is the spec without it: a property counts only if \
        it holds there. What leads to what is asked only where such a property must break.

        CAUGHT: all that are named break. MISSED: one of them does not. HARMLESS: a change that \
        must not be noticed is not. FLAGGED: it is. UNKNOWN: a limit came first.

        With --suite the bugs are faults of the simulator: each check, effect, lock and limit of \
        it left out, weakened or moved. A fault is noticed by a test that passes without it and \
        does not with it, or after which the simulated system complains or has left something \
        behind. For each suite so many of the faults are noticed; those that no test notices are \
        listed.

        EXAMPLES
          tdxspec mutate teardown/mainline
          tdxspec mutate teardown/mainline B-10-kick --json
          tdxspec mutate --all
          tdxspec mutate --suite Conformance/Suites/kvm-tdx-checks.json --faults \
        Conformance/Faults/faults.txt
          tdxspec mutate --draw-faults 20 --seed 1 >Conformance/Faults/faults.txt
          tdxspec mutate --draw-faults 8 --seed 1 --backend simulator:s390
          tdxspec check teardown/mainline --scope small --mutate B-10-kick   the counterexample
        """)

    @Argument(help: "A spec, then the ids of some of its mutations; all by default.")
    var spec: String?

    @Argument(help: "Ids of mutations.")
    var ids: [String] = []

    @Flag(name: .long, help: "Every mutation of every bundled spec.")
    var all = false

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Measure a suite instead; may be repeated. SYSTEM=FILE for another backend.",
        valueName: "file"))
    var suite: [String] = []

    @Option(name: .long, help: ArgumentHelp(BackendChoice.help, valueName: "backend"))
    var backend = BackendChoice.simulator(.usual)

    @Option(
      name: .long,
      help: ArgumentHelp("The faults, an id a line; else all there can be.", valueName: "file"))
    var faults: String?

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Draw so many faults of each class instead, with calls that show each; write the list. "
          + "Of KVM and the TDX module, or of s390 with --backend simulator:s390.",
        valueName: "n"))
    var drawFaults: Int?

    @Option(name: .long, help: ArgumentHelp("The seed of the draw.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Why faults survive, an id, a tab and a reason a line. Exit 1 when others do.",
        valueName: "file"))
    var survivors: String?

    @Flag(
      name: .long,
      help: "Measure each suite by the faults only that no suite before it has noticed.")
    var inTurn = false

    @Option(
      name: .long,
      help: ArgumentHelp("Exit 1 when fewer of the faults are noticed.", valueName: "percent"))
    var atLeast: Int?

    @OptionGroup var search: SearchOptions

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func validate() throws {
      if let drawFaults {
        guard drawFaults > 0, suite.isEmpty, spec == nil, !all else {
          throw ValidationError("--draw-faults takes a number from 1, no suite and no spec")
        }
        return
      }
      guard suite.isEmpty else {
        if spec != nil || all { throw ValidationError("--suite and a spec exclude each other") }
        return
      }
      if faults != nil || atLeast != nil || inTurn || survivors != nil {
        throw ValidationError(
          "--faults, --at-least, --in-turn and --survivors are for --suite")
      }
      if spec == nil && !all { throw ValidationError("name a spec; tdxspec list shows them") }
      if spec != nil && all { throw ValidationError("--all and a spec's name exclude each other") }
    }

    func run() throws {
      if let drawFaults {
        let faults = drawsFromS390 ? Fault.allOfS390 : Fault.all
        let draw = FaultDraw(drawFaults, ofEach: seed, from: faults)
        return try Output.standard.write(FaultListText(draw, ofAll: !drawsFromS390).text)
      }
      guard suite.isEmpty else {
        let status = try FaultRunner(command: self).run()
        if status != .success { throw CommandExit(status: status) }
        return
      }
      let specs =
        try spec.map { [try SpecLookup.describe($0)] } ?? Catalogue.all.map { $0.describe() }
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("signal handlers cannot be installed")
      }
      if json { try write(Events.start("mutate", version: TDXSpec.version)) }
      var status = ExitStatus.success
      for description in specs where !(all && description.mutations.isEmpty) {
        let chosen = try choose(description)
        var runner = MutationRunner(spec: description, options: search)
        if !json { try Output.standard.write("\(description.name): \(chosen.count) mutations\n") }
        for mutation in chosen {
          let answer = try runner.run(mutation)
          status = status.combined(with: answer.exit)
          try json ? write(answer.event) : Output.standard.write(answer.text)
        }
        if !json { try Output.standard.write(runner.table) }
      }
      if json { try write(Events.end(status)) }
      if status != .success { throw CommandExit(status: status) }
    }

    /// Whether the list shall be of the simulated s390, as the backend says.
    private var drawsFromS390: Bool {
      guard case .simulator(let system) = backend else { return false }
      return system.faults.contains(where: \.isOfS390)
    }

    private func write(_ event: JSONValue) throws { try Output.standard.write(event.text + "\n") }

    private func choose(_ spec: SpecDescription) throws -> [Mutation] {
      guard !spec.mutations.isEmpty else {
        throw ValidationError("\(spec.name) has no mutations")
      }
      guard !ids.isEmpty else { return spec.mutations }
      return try ids.map { id in
        guard let found = spec.mutations.first(where: { $0.id == id }) else {
          let known = spec.mutations.map(\.id).joined(separator: ", ")
          throw ValidationError("\(spec.name) has no mutation '\(id)'; mutations: \(known)")
        }
        return found
      }
    }
  }
}
