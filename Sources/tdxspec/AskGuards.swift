import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

#if HAS_Z3
import SymbolicChecker
#endif

/// `tdxspec ask guards`.
struct AskGuards: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guards",
    abstract: "Where the conditions of two specs differ.",
    discussion: """
      For every step of every action that both specs have: is it allowed, and refused with the \
      same answers, in the same states? All states count that the types allow, reachable or not. \
      Actions, variables, steps, enumeration cases and answers are the same when their names are. \
      Effects and the \
      order of steps are not compared. A difference exits 1.

      EXAMPLES
        tdxspec ask guards teardown/terminate-vm-v4 teardown/terminate-vm-lock-first
        tdxspec ask guards bench/tdx-teardown bench/tdx-teardown --other-set BUG=2
      """)

  @Argument(help: "The first spec.")
  var spec: String

  @Argument(help: "The second spec; it gets the same sizes.")
  var other: String

  @OptionGroup var scope: ScopeOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A parameter of the second spec alone; may be repeated.", valueName: "name=value"))
  var otherSet: [String] = []

  @OptionGroup var options: AskOptions

  func run() throws {
    guard scope.mutate.isEmpty else {
      throw ValidationError("--mutate does not say which of the two specs it means")
    }
    var own = ScopeOptions()
    own.set = otherSet
    let apart = try own.overrides()
    let programs = try [(spec, [:]), (other, apart)].map { name, more in
      let description = try SpecLookup.describe(name)
      let resolved = try ResolvedScope(
        description, scope: scope.scope,
        overrides: try scope.overrides().merging(more) { $1 })
      return try Program(description, resolved)
    }
    for (name, value) in programs[0].scope.parameters where apart[name] == nil {
      if let own = programs[1].scope.value(of: name), own != value {
        throw ValidationError(
          "\(name) is \(value) in \(spec) and \(own) in \(other); choose it with --set")
      }
    }
    #if HAS_Z3
    let status = try GuardRunner(
      options: options, first: programs[0], second: programs[1]
    ).run()
    #else
    let status = try options.skip("ask guards", programs[0].spec.name)
    #endif
    if status != .success { throw CommandExit(status: status) }
  }
}

#if HAS_Z3
/// Compares and prints.
private struct GuardRunner {
  let options: AskOptions
  let first: Program
  let second: Program

  func run() throws -> ExitStatus {
    let session = try AskSession("ask guards", options)
    let comparison = try GuardComparison(
      session.prover(GroundProgram(first)), GroundProgram(second))
    if !options.json {
      try session.say(
        """
        \(first.spec.name) and \(second.spec.name): are the conditions of their steps the same?
        in all states that both can have, \(AskSession.heading(first))


        """)
    }
    try leftovers(comparison.onlyInFirst, first, session)
    try leftovers(comparison.onlyInSecond, second, session)
    var status = ExitStatus.success
    var same = 0
    try comparison.compare { row in
      let verdict: Verdict =
        switch row.answer {
        case .equivalent: .proved
        case .different: .violated
        case .unknown: session.noAnswer
        }
      status = status.combined(with: verdict.exitCode)
      if verdict == .proved { same += 1 }
      if options.json {
        try session.say(event(row, verdict))
      } else if verdict != .proved {
        try session.say(text(row, verdict))
      }
    }
    if !options.json {
      try session.say(
        "\(same) steps have the same conditions and answers; effects and order were not compared\n")
    }
    return try session.end(status)
  }

  private func leftovers(
    _ found: GuardLeftovers, _ program: Program, _ session: AskSession
  ) throws {
    if options.json {
      return try session.say(
        .members([
          "event": "only", "spec": .string(program.spec.name),
          "actions": .array(found.actions.map { .string($0) }),
          "variables": .array(found.variables.map { .string($0) }),
          "steps": .array(found.steps.map { .string($0) }),
        ]))
    }
    for (word, names) in [
      ("actions", found.actions), ("variables", found.variables), ("steps", found.steps),
    ] where !names.isEmpty {
      try session.say(
        "only in \(program.spec.name), \(word): \(names.joined(separator: "; "))\n")
    }
  }

  private func text(_ row: GuardRow, _ verdict: Verdict) -> String {
    let place = row.location.map { " (\($0))" } ?? ""
    var out = AskSession.line(verdict, "\(row.action): \(row.step)\(place)")
    switch row.answer {
    case .equivalent: break
    case .unknown(let reason): out += "            \(reason)\n"
    case .different(let found):
      let who = found.thread.map { " by thread \($0)" } ?? ""
      let sure = found.isReplayed ? "" : ", not confirmed by the interpreter"
      out += "            \(found.call)\(who), in this state\(sure):\n"
      for (cell, value) in found.state { out += "              \(cell) is \(value)\n" }
      out += "              \(first.spec.name) \(found.first)\n"
      out += "              \(second.spec.name) \(found.second)\n"
    }
    return out
  }

  private func event(_ row: GuardRow, _ verdict: Verdict) -> JSONValue {
    var difference: JSONValue?
    var reason: String?
    switch row.answer {
    case .equivalent: break
    case .unknown(let why): reason = why
    case .different(let found):
      difference = .members([
        "call": .string(found.call), "thread": found.thread.map { .int($0) },
        "state": .object(
          found.state.map { JSONValue.Member(name: $0.cell, value: .string($0.value)) }),
        "first": .string(found.first), "second": .string(found.second),
        "replayed": .bool(found.isReplayed),
      ])
    }
    return .members([
      "event": "guard", "spec": .string(first.spec.name), "other": .string(second.spec.name),
      "scope": Events.scope(first), "action": .string(row.action), "step": .string(row.step),
      "location": row.location.map { .string($0.description) },
      "verdict": .string(verdict.rawValue), "difference": difference,
      "reason": reason.map { .string($0) },
    ])
  }
}
#endif
