import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

#if HAS_Z3
import SymbolicChecker
#endif

/// `tdxspec ask lemmas`.
struct AskLemmas: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lemmas",
    abstract: "Which claims each claim is needed for.",
    discussion: """
      Drops one claim or lemma at a time and proves the others again by 1-induction, all of them \
      together; --without several times drops them at once.

      EXAMPLES
        tdxspec ask lemmas tdx/hkid
        tdxspec ask lemmas tdx/hkid --without H-2 --every-size
      """)

  @Argument(help: "The spec.")
  var spec: String

  @OptionGroup var scope: ScopeOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Only this claim or lemma; may be repeated.", valueName: "id"))
  var without: [String] = []

  @Flag(name: .long, help: "Prove them for every number of elements.")
  var everySize = false

  @OptionGroup var options: AskOptions

  func validate() throws {
    if everySize && (options.smtlib != nil || options.budget.rlimit != nil) {
      throw ValidationError("--every-size takes neither --smtlib nor --rlimit")
    }
  }

  func run() throws {
    let description = try SpecLookup.describe(spec, mutate: scope.mutate)
    let resolved = try ResolvedScope(
      description, scope: scope.scope, overrides: try scope.overrides())
    let program = try Program(description, resolved)
    let claims = program.properties.filter {
      if case .always = $0.property.kind {
        !$0.isBuiltIn && $0.property.expected == nil
      } else {
        false
      }
    }
    for id in without where !claims.contains(where: { $0.property.id == id }) {
      let known = claims.map(\.property.id).joined(separator: ", ")
      throw ValidationError("\(spec) has no claim '\(id)' to leave out; claims: \(known)")
    }
    #if HAS_Z3
    let status = try LemmaRunner(question: self, program: program, claims: claims).run()
    #else
    let status = try options.skip("ask lemmas", program.spec.name)
    #endif
    if status != .success { throw CommandExit(status: status) }
  }
}

#if HAS_Z3
/// Drops claims and says what is lost.
private struct LemmaRunner {
  let question: AskLemmas
  let program: Program
  let claims: [ResolvedProperty]

  private var json: Bool { question.options.json }

  func run() throws -> ExitStatus {
    let session = try AskSession("ask lemmas", question.options)
    var chosen = claims.map(\.property)
    if !question.without.isEmpty {
      chosen = chosen.filter { question.without.contains($0.id) }
    }
    let prove = try prover(session)
    var status = ExitStatus.success
    do {
      let (all, doubt) = try prove([])
      if !json {
        let sizes = question.everySize ? "for every size" : AskSession.heading(program)
        let open = claims.map(\.property.id).filter { !all.contains($0) }
        let rest = open.isEmpty ? "" : "; not by induction: \(open.joined(separator: ", "))"
        try session.say(
          """
          \(program.spec.name): which claims are needed for which, \(sizes)
          \(all.count) of \(claims.count) claims are proved together by 1-induction\(rest)


          """)
      }
      for property in chosen {
        let (ids, unsure) = try prove([property.id])
        let lost = all.filter { $0 != property.id && !ids.contains($0) }
        let reason = lost.isEmpty ? nil : unsure ?? doubt
        let verdict: Verdict = reason == nil ? .proved : session.noAnswer
        status = status.combined(with: verdict.exitCode)
        try say(property, lost, ids, verdict, reason, all, session)
      }
    } catch {
      status = .noAnswer
      try sayNothing("\(error)", session)
    }
    return try session.end(status)
  }

  /// What is proved without some claims, and why a drop may be the solver's fault.
  private func prover(
    _ session: AskSession
  ) throws -> (Set<String>) throws -> (ids: [String], doubt: String?) {
    guard question.everySize else {
      let prover = try session.prover(GroundProgram(program))
      return { try prover.inductiveIDs(without: $0) }
    }
    let prover = try EverySizeProver(program, seconds: question.options.seconds)
    session.watch(prover.interrupt)
    if let obstacle = prover.obstacles(claims).first {
      throw ValidationError(
        "\(program.spec.name) cannot be claimed for every size: \(obstacle.what)")
    }
    return { try prover.inductiveIDs(claims, without: $0) }
  }

  private func say(
    _ property: Property, _ lost: [String], _ kept: [String], _ verdict: Verdict,
    _ reason: String?, _ all: [String], _ session: AskSession
  ) throws {
    if json {
      return try session.say(
        .members([
          "event": "lemma", "spec": .string(program.spec.name),
          "scope": question.everySize ? nil : Events.scope(program),
          "sizes": question.everySize ? "every" : nil, "without": .string(property.id),
          "is_lemma": .bool(property.isLemma), "verdict": .string(verdict.rawValue),
          "needed": reason == nil ? .bool(!lost.isEmpty) : nil,
          "was_proved": .bool(all.contains(property.id)),
          "still_proved": .array(kept.map { .string($0) }),
          "lost": .array(lost.map { .string($0) }), "reason": reason.map { .string($0) },
        ]))
    }
    let what = "without \(property.id) (\(property.isLemma ? "lemma" : "claim"))"
    let name = "\(what)\(String(repeating: " ", count: max(1, 26 - what.count)))"
    let answer: String
    if let reason {
      answer = "no answer for \(lost.joined(separator: ", ")): \(reason)"
    } else if !all.contains(property.id) {
      answer = "it takes no part in the proofs"
    } else if lost.isEmpty {
      answer = "everything else is still proved"
    } else {
      answer = "not proved any more: \(lost.joined(separator: ", "))"
    }
    try session.say("\(reason == nil ? "" : verdict.rawValue + " ")\(name)\(answer)\n")
  }

  private func sayNothing(_ reason: String, _ session: AskSession) throws {
    let verdict = session.noAnswer
    if json {
      return try session.say(
        .members([
          "event": "lemma", "spec": .string(program.spec.name),
          "verdict": .string(verdict.rawValue), "reason": .string(reason),
        ]))
    }
    try session.say(AskSession.line(verdict, reason))
  }
}
#endif
