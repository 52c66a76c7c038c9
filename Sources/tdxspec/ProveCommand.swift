import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

#if HAS_Z3
import SymbolicChecker
#endif

extension TDXSpec {
  /// `tdxspec prove`.
  struct Prove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Proves properties for every reachable state of a scope, without enumerating them.",
      discussion: """
        Z3 is asked by induction (all claims of the spec together), k-induction, Spacer and \
        bounded search, in that order, until one answers. PROVED names the method and the lemmas \
        it stands on, for the sizes named; a counterexample is replayed by the interpreter; no \
        answer is UNKNOWN or BOUNDED, exit 3.

        EXAMPLES
          tdxspec prove bench/tdx-teardown --set N=4 --set P=4
          tdxspec prove bench/tdx-teardown --property I2 --set BUG=2 --method bmc --depth 12
          tdxspec prove bench/tdx-teardown --property I1 --method spacer --smtlib queries
          tdxspec prove bench/tdx-teardown --rlimit 2000000
          tdxspec prove tdx/hkid --every-size
          tdxspec prove teardown/mainline --explain
        """)

    @Argument(help: "The spec.")
    var spec: String

    @OptionGroup var scope: ScopeOptions

    @Option(
      name: .long,
      help: ArgumentHelp("Only this property; may be repeated.", valueName: "id"))
    var property: [String] = []

    @Option(
      name: .long,
      help: ArgumentHelp(
        "induction, k-induction, spacer or bmc; may be repeated; all of them by default.",
        valueName: "name"))
    var method: [String] = []

    @Option(name: .long, help: "The deepest bounded search.")
    var depth = 20

    @Option(
      name: .long,
      help: ArgumentHelp("The longest time in all, such as 90s (default 5m).", valueName: "time"))
    var timeLimit: Duration?

    @OptionGroup var budget: BudgetOption

    @Flag(
      name: .long,
      help: "Claim it for every number of elements; specs of one-step actions only.")
    var everySize = false

    @Flag(name: .long, help: "Name what keeps the spec from --every-size, and stop.")
    var explain = false

    @Option(name: .long, help: ArgumentHelp("Write every query as SMT-LIB.", valueName: "folder"))
    var smtlib: String?

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    static let methods = ["induction", "k-induction", "spacer", "bmc"]

    func validate() throws {
      guard depth >= 1 && depth <= 1000 else {
        throw ValidationError("--depth takes a number from 1 to 1000")
      }
      if everySize && (!method.isEmpty || smtlib != nil || budget.rlimit != nil) {
        throw ValidationError(
          "--every-size has a method of its own; drop --method, --smtlib and --rlimit")
      }
      for name in method where !Self.methods.contains(name) {
        throw ValidationError(
          "--method takes \(Self.methods.joined(separator: ", ")), not '\(name)'")
      }
    }

    func run() throws {
      let description = try SpecLookup.describe(spec, mutate: scope.mutate)
      let resolved = try ResolvedScope(
        description, scope: scope.scope, overrides: try scope.overrides())
      let program = try Program(description, resolved)
      let chosen = try choose(from: program)
      #if HAS_Z3
      let limit = timeLimit?.seconds ?? 300
      let status: ExitStatus
      if everySize || explain {
        status = try EverySizeRunner(
          program: program, properties: chosen, seconds: limit, explains: explain, json: json
        ).run()
      } else {
        status = try ProofRunner(
          program: program, properties: chosen, methods: method, depth: depth, seconds: limit,
          folder: smtlib, rlimit: budget.rlimit, json: json, scopeName: scope.scope
        ).run()
      }
      #else
      let reason = "built without z3.h; install libz3-dev and build again"
      let status = try skip(chosen, program, reason)
      #endif
      if status != .success { throw CommandExit(status: status) }
    }

    private func choose(from program: Program) throws -> [ResolvedProperty] {
      let provable = program.properties.filter {
        if case .always = $0.property.kind { !$0.isBuiltIn } else { false }
      }
      let live = program.properties.map(\.property).filter(\.isLiveness).map(\.id)
      guard !property.isEmpty else {
        if !live.isEmpty {
          Terminal.complain(
            "about infinite runs, so not asked: \(live.joined(separator: ", ")); "
              + "tdxspec check decides them")
        }
        let refinements = program.properties.filter { $0.property.refinement != nil }
        if !refinements.isEmpty {
          let ids = refinements.map(\.property.id).joined(separator: ", ")
          Terminal.complain(
            "about the steps of two specs, so not asked: \(ids); tdxspec check decides them")
        }
        return provable
      }
      return try property.map { id in
        if let claim = program.properties.first(where: { $0.property.id == id })?.property
          .refinement
        {
          throw ValidationError(
            "'\(id)' is about steps and those of \(claim.abstract.name), which prove cannot do; "
              + "tdxspec check decides it")
        }
        guard !live.contains(id) else {
          throw ValidationError(
            "'\(id)' is about infinite runs, which prove cannot do; tdxspec check decides it")
        }
        guard let found = provable.first(where: { $0.property.id == id }) else {
          let known = provable.map(\.property.id).joined(separator: ", ")
          throw ValidationError("\(spec) has no claim '\(id)' to prove; claims: \(known)")
        }
        return found
      }
    }

    private func skip(
      _ properties: [ResolvedProperty], _ program: Program, _ reason: String
    ) throws -> ExitStatus {
      var out = json ? Events.start("prove", version: TDXSpec.version).text + "\n" : ""
      for property in properties {
        out +=
          json
          ? Events.proof(
            property.property, .skipped, in: program,
            [.init(name: "reason", value: .string(reason))]
          ).text + "\n"
          : "SKIPPED     \(property.property.id): \(reason)\n"
      }
      if json { out += Events.end(.skipped).text + "\n" }
      try Output.standard.write(out)
      return .skipped
    }
  }
}
