import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

#if HAS_Z3
import SymbolicChecker
#endif

/// `tdxspec ask core`.
struct AskCore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "core",
    abstract: "What the proof of a claim needs: lemmas, conditions of actions, initial values.",
    discussion: """
      For the claim, and for every claim that its 1-induction stands on, a minimal set: leave out \
      any one of them and this proof is gone. Another minimal set may exist. Conditions of When \
      and of locks, and the effects of actions, always count.

      EXAMPLES
        tdxspec ask core tdx/hkid --property S-2
        tdxspec ask core tdx/hkid --property S-3 --json
      """)

  @Argument(help: "The spec.")
  var spec: String

  @OptionGroup var scope: ScopeOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Only this claim; may be repeated.", valueName: "id"))
  var property: [String] = []

  @OptionGroup var options: AskOptions

  func run() throws {
    let description = try SpecLookup.describe(spec, mutate: scope.mutate)
    let resolved = try ResolvedScope(
      description, scope: scope.scope, overrides: try scope.overrides())
    let (switched, switches) = description.withGuardSwitches()
    let program = try Program(switched, resolved)
    let claims = program.properties.filter {
      if case .always = $0.property.kind {
        !$0.isBuiltIn && $0.property.expected == nil
      } else {
        false
      }
    }
    var chosen = claims
    if !property.isEmpty {
      chosen = try property.map { id in
        guard let found = claims.first(where: { $0.property.id == id }) else {
          let known = claims.map(\.property.id).joined(separator: ", ")
          throw ValidationError("\(spec) has no claim '\(id)'; claims: \(known)")
        }
        return found
      }
    }
    #if HAS_Z3
    let status = try CoreRunner(
      options: options, program: program, claims: chosen, switches: switches
    ).run()
    #else
    let status = try options.skip("ask core", program.spec.name)
    #endif
    if status != .success { throw CommandExit(status: status) }
  }
}

#if HAS_Z3
/// Finds cores and prints them in the spec's words.
private struct CoreRunner {
  let options: AskOptions
  let program: Program
  let claims: [ResolvedProperty]
  let switches: [GuardSwitch]

  func run() throws -> ExitStatus {
    let session = try AskSession("ask core", options)
    let finder = CoreFinder(try session.prover(GroundProgram(program)), switches)
    if !options.json {
      try session.say(
        "\(program.spec.name): what the proofs need, \(AskSession.heading(program))\n")
    }
    var status = ExitStatus.success
    for claim in claims {
      let cores: [ClaimCore]
      do throws(CoreFailure) {
        cores = try finder.cores(of: claim.property.id)
      } catch {
        let verdict: Verdict = error == .notInductive ? .unknown : session.noAnswer
        status = status.combined(with: verdict.exitCode)
        try say(claim.property, verdict, error, session)
        continue
      }
      try say(claim.property, cores, session)
    }
    return try session.end(status)
  }

  private func reason(_ failure: CoreFailure) -> String {
    switch failure {
    case .notInductive: "it is not inductive, even with the other claims"
    case .noAnswer(let reason): reason
    }
  }

  private func say(
    _ claim: Property, _ verdict: Verdict, _ failure: CoreFailure, _ session: AskSession
  ) throws {
    if options.json {
      return try session.say(
        Events.proof(
          claim, verdict, in: program,
          [.init(name: "reason", value: .string(reason(failure)))]))
    }
    try session.say(
      "\n" + AskSession.line(verdict, "\(claim.id): \(claim.text)")
        + "            \(reason(failure))\n")
  }

  private func say(
    _ claim: Property, _ cores: [ClaimCore], _ session: AskSession
  ) throws {
    if options.json {
      return try session.say(
        Events.proof(
          claim, .proved, in: program,
          [
            .init(name: "method", value: "induction"), .init(name: "k", value: 1),
            .init(
              name: "lemmas",
              value: .array(cores.dropFirst().map { .string($0.claim.id) })),
            .init(name: "core", value: .array(cores.map(json))),
          ]))
    }
    var out = "\n" + AskSession.line(.proved, "\(claim.id): \(claim.text)")
    for core in cores { out += text(core) }
    try session.say(out)
  }

  private func json(_ core: ClaimCore) -> JSONValue {
    .members([
      "claim": .string(core.claim.id), "location": .string(core.claim.location.description),
      "assumes_itself": .bool(core.assumesItself),
      "lemmas": .array(core.lemmas.map { .string($0.id) }),
      "guards": .array(
        core.guards.map {
          .members([
            "action": .string($0.action), "text": .string($0.text),
            "location": .string($0.location.description),
          ])
        }),
      "initial": .array(core.initial.map { .string($0.name) }),
    ])
  }

  private func text(_ core: ClaimCore) -> String {
    var out = "  \(core.claim.id) (\(core.claim.location))\n"
    let own = core.assumesItself ? [core.claim.id] : []
    let before = own + core.lemmas.map(\.id)
    out += "    before a step: \(before.isEmpty ? "nothing" : before.joined(separator: ", "))\n"
    for condition in core.guards {
      out += "    \(condition.action) needs “\(condition.text)” (\(condition.location))\n"
    }
    let initial = core.initial.map(\.name)
    out += "    at first: \(initial.isEmpty ? "nothing" : initial.joined(separator: ", "))\n"
    return out
  }
}
#endif
