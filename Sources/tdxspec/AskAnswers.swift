import ArgumentParser
import SpecLanguage
import SpecProgram
import Verdicts

#if HAS_Z3
import SymbolicChecker
#endif

/// `tdxspec ask answers`.
struct AskAnswers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answers",
    abstract: "Which answers and refusals of which calls can happen.",
    discussion: """
      For every answer of every call, and every check that can refuse it: WITNESSED with a \
      shortest run, replayed by the interpreter; PROVED that no reachable state allows it; or no \
      answer. Runs are looked for with half of the time, the other half is for proofs.

      EXAMPLES
        tdxspec ask answers tdx/hkid
        tdxspec ask answers teardown/mainline --scope small --call KVM_RUN
        tdxspec ask answers teardown/terminate-vm-v4 --call KVM_RUN --answer EIO --trace
      """)

  @Argument(help: "The spec.")
  var spec: String

  @OptionGroup var scope: ScopeOptions

  @Option(name: .long, help: ArgumentHelp("Only this call.", valueName: "name"))
  var call: String?

  @Option(name: .long, help: ArgumentHelp("Only this answer, such as EIO.", valueName: "name"))
  var answer: String?

  @Option(name: .long, help: "The most steps of a run.")
  var depth = 30

  @Flag(name: .long, help: "Print each shortest run.")
  var trace = false

  @OptionGroup var options: AskOptions

  func validate() throws {
    guard depth >= 1 && depth <= 1000 else {
      throw ValidationError("--depth takes a number from 1 to 1000")
    }
  }

  func run() throws {
    let description = try SpecLookup.describe(spec, mutate: scope.mutate)
    let resolved = try ResolvedScope(
      description, scope: scope.scope, overrides: try scope.overrides())
    let program = try Program(description, resolved)
    #if HAS_Z3
    let status = try AnswerRunner(question: self, program: program).run()
    #else
    let status = try options.skip("ask answers", program.spec.name)
    #endif
    if status != .success { throw CommandExit(status: status) }
  }
}

#if HAS_Z3
/// Asks about branches and prints the table.
private struct AnswerRunner {
  let question: AskAnswers
  let program: Program

  private var json: Bool { question.options.json }

  func run() throws -> ExitStatus {
    let ground = try GroundProgram(program)
    let chosen = try choose(ground.branches)
    let session = try AskSession("ask answers", question.options)
    let prover = try session.prover(ground)
    if !json {
      try session.say(
        "\(program.spec.name): which answers can happen, \(AskSession.heading(program))\n\n")
    }
    var status = ExitStatus.success
    var rows: [Branch: (BranchAnswer, Verdict)] = [:]
    try prover.decide(chosen, depth: question.depth) { branch, answer in
      let verdict = self.verdict(answer, session)
      rows[branch] = (answer, verdict)
      status = status.combined(with: verdict.exitCode)
      if json { try session.say(event(branch, answer, verdict)) }
    }
    if !json {
      for branch in chosen {
        guard let (answer, verdict) = rows[branch] else { continue }
        try session.say(text(branch, answer, verdict))
      }
    }
    return try session.end(status)
  }

  private func choose(_ branches: [Branch]) throws -> [Branch] {
    let names = program.spec.actions.map(\.name)
    if let call = question.call, !names.contains(call) {
      throw ValidationError(
        "\(program.spec.name) has no call '\(call)'; calls: \(names.joined(separator: ", "))")
    }
    let ofCall = branches.filter { question.call == nil || names[$0.action] == question.call }
    guard let answer = question.answer else { return ofCall }
    let wanted = answer.hasPrefix("-") ? String(answer.dropFirst()) : answer
    let found = ofCall.filter { $0.outcome(in: program).name == wanted }
    guard found.isEmpty else { return found }
    var known: [String] = []
    for branch in ofCall {
      let name = branch.outcome(in: program).name
      if !known.contains(name) { known.append(name) }
    }
    throw ValidationError(
      "no call asked about has the answer '\(answer)'; answers: \(known.joined(separator: ", "))")
  }

  private func verdict(_ answer: BranchAnswer, _ session: AskSession) -> Verdict {
    switch answer {
    case .reachable: .witnessed
    case .unreachable: .proved
    case .boundedOnly: session.noAnswer == .interrupted ? .interrupted : .bounded
    case .unknown: session.noAnswer
    }
  }

  private func check(_ branch: Branch) -> CheckInfo? {
    if case .refusal(let check) = branch.kind { program.checks[check] } else { nil }
  }

  private func explanation(_ answer: BranchAnswer) -> String {
    switch answer {
    case .reachable(let trace): "happens after \(trace.steps.count) steps at the soonest"
    case .unreachable(.impossible): "never happens: no state allows it"
    case .unreachable(.induction): "never happens: by induction with what the spec claims"
    case .unreachable(.spacer): "never happens: by Spacer, invariant checked independently"
    case .boundedOnly(let depth, let why): "not within \(depth) steps; \(why)"
    case .unknown(let why): why
    }
  }

  private func text(_ branch: Branch, _ answer: BranchAnswer, _ verdict: Verdict) -> String {
    let name = program.spec.actions[branch.action].name
    var what = "\(name) answers \(branch.outcome(in: program).text)"
    if let check = check(branch) {
      let inner = check.action == name ? "" : " in \(check.action)"
      what =
        "\(name): \(check.outcome.text)\(inner) unless “\(check.text)” (\(check.location))"
    }
    var out = AskSession.line(verdict, what) + "            \(explanation(answer))\n"
    if question.trace, case .reachable(let trace) = answer {
      out += TraceText(program, trace).text
    }
    return out
  }

  private func event(_ branch: Branch, _ answer: BranchAnswer, _ verdict: Verdict) -> JSONValue {
    var run: Trace?
    var method: String?
    var reachable: Bool?
    switch answer {
    case .reachable(let trace): (run, reachable, method) = (trace, true, "bmc")
    case .unreachable(let proof): (reachable, method) = (false, proof.rawValue)
    case .boundedOnly, .unknown: break
    }
    let check = check(branch)
    return .members([
      "event": "branch", "spec": .string(program.spec.name), "scope": Events.scope(program),
      "action": .string(program.spec.actions[branch.action].name),
      "call": .string(branch.call(in: program)),
      "outcome": .string(branch.outcome(in: program).text),
      "check": check.map { .string($0.text) },
      "location": check.map { .string($0.location.description) },
      "verdict": .string(verdict.rawValue), "reachable": reachable.map { .bool($0) },
      "method": method.map { .string($0) },
      "reason": reachable == nil ? .string(explanation(answer)) : nil,
      "witness": run.map { trace in
        .members([
          "steps": .int(trace.steps.count), "trace": TraceText(program, trace).json,
        ])
      },
    ])
  }
}
#endif
