import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec ask`: questions to Z3 that are no claims of the spec.
  struct Ask: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Asks Z3 about answers, guards, lemmas and proofs of a spec.",
      discussion: """
        A question that is answered, one way or the other, exits 0; no answer for some part of it \
        is BOUNDED, UNKNOWN or INTERRUPTED, exit 3. Guards that differ exit 1.

        EXAMPLES
          tdxspec ask answers teardown/terminate-vm-v4 --call KVM_RUN --answer EIO
          tdxspec ask guards teardown/terminate-vm-v4 teardown/terminate-vm-lock-first
          tdxspec ask lemmas tdx/hkid --without H-2
          tdxspec ask core tdx/hkid --property S-2
        """,
      subcommands: [AskAnswers.self, AskGuards.self, AskLemmas.self, AskCore.self])
  }
}

/// What every question can be bounded by, and how it is written down.
struct AskOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The longest time in all, such as 90s (default 5m).", valueName: "time"))
  var timeLimit: Duration?

  @OptionGroup var budget: BudgetOption

  @Option(name: .long, help: ArgumentHelp("Write every query as SMT-LIB.", valueName: "folder"))
  var smtlib: String?

  @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
  var json = false

  var seconds: Double { timeLimit?.seconds ?? 300 }

  /// The answer of a tool that was built without Z3.
  func skip(_ command: String, _ spec: String) throws -> ExitStatus {
    let reason = "built without z3.h; install libz3-dev and build again"
    guard json else {
      try Output.standard.write("SKIPPED     \(spec): \(reason)\n")
      return .skipped
    }
    let event = JSONValue.members([
      "event": "skipped", "spec": .string(spec), "verdict": "SKIPPED", "reason": .string(reason),
    ])
    let lines = [Events.start(command, version: TDXSpec.version), event, Events.end(.skipped)]
    try Output.standard.write(lines.map { $0.text + "\n" }.joined())
    return .skipped
  }
}

/// `--rlimit`.
struct BudgetOption: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The most a query may cost in Z3's own units; the same on every machine.",
      valueName: "units"))
  var rlimit: UInt32?

  func validate() throws {
    guard rlimit != 0 else { throw ValidationError("--rlimit takes a number from 1 on") }
  }
}
