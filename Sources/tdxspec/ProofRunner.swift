#if HAS_Z3
import ArgumentParser
import CExplorerShims
import Dispatch
import Explorer
import Foundation
import SpecLanguage
import SpecProgram
import SymbolicChecker
import Verdicts

/// Asks the prover about each property and says what it answered.
struct ProofRunner {
  let program: Program
  let properties: [ResolvedProperty]
  let methods: [String]
  let depth: Int
  let seconds: Double
  let folder: String?
  let rlimit: UInt32?
  let json: Bool
  let scopeName: String?

  func run() throws -> ExitStatus {
    guard tdxs_install_sigint() == 0 else {
      throw ValidationError("signal handlers cannot be installed")
    }
    let ground = try GroundProgram(program)
    var failure: OutputError?
    if let folder { try makeFolder(folder) }
    let writer: ((String, String) -> Void)? = folder.map { folder in
      { name, text in
        do throws(OutputError) {
          try FileOutput.write(text, to: "\(folder)/\(name).smt2")
        } catch {
          failure = error
        }
      }
    }
    let prover = try make(ground, writer)
    watch(prover.interrupt)
    var status = ExitStatus.success
    try begin()
    var plan = ProofPlan()
    if !methods.isEmpty { plan.methods = methods.compactMap(ProofMethod.init(rawValue:)) }
    plan.depth = depth
    prover.isStopped = { tdxs_interrupted() != 0 }
    try prover.answerAll(properties, plan) { report in
      status = status.combined(with: verdict(report).exitCode)
      try say(report, ground)
    }
    if let failure { throw failure }
    if json { try Output.standard.write(Events.end(status).text + "\n") }
    return status
  }

  private func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw OutputError(path: path, errno: EACCES)
    }
  }

  private func make(
    _ ground: GroundProgram, _ writer: ((String, String) -> Void)?
  ) throws -> Prover {
    do {
      return try Prover(ground, seconds: seconds, resources: rlimit, onQuery: writer)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// An interrupt stops the query; what was answered before stands.
  private func watch(_ interrupt: @escaping @Sendable () -> Void) {
    DispatchQueue.global().async {
      while true {
        // Again and again: one that comes between two queries stops neither.
        if tdxs_interrupted() != 0 { interrupt() }
        usleep(50_000)
      }
    }
  }

  private func verdict(_ report: ProofReport) -> Verdict {
    if tdxs_interrupted() != 0, case .unknown = report.outcome { return .interrupted }
    switch report.outcome {
    case .proved: return .proved
    case .refuted: return .violated
    case .boundedOnly: return .bounded
    case .unknown: return .unknown
    }
  }

  // MARK: Saying

  private func begin() throws {
    if json {
      return try Output.standard.write(
        Events.start("prove", version: TDXSpec.version).text + "\n")
    }
    let sizes = program.scope.parameters.map { "\($0.name)=\($0.value)" }
    try Output.standard.write(
      """
      \(program.spec.name): \(program.spec.summary)
      for all reachable states at \(sizes.joined(separator: " ")); z3 \(Prover.solverVersion)


      """)
  }

  private func say(_ report: ProofReport, _ ground: GroundProgram) throws {
    let reachable = try report.gap.map { try reachability(of: $0.before, ground) }
    if json {
      let event = Events.proof(
        report.property.property, verdict(report), in: program, members(report, reachable))
      return try Output.standard.write(event.text + "\n")
    }
    let word = verdict(report).rawValue
    let padding = String(repeating: " ", count: max(1, 12 - word.count))
    var out = "\(word)\(padding)\(report.property.property.id): \(report.property.property.text)\n"
    out += "            \(explanation(report))\n"
    if report.invariant.count > 40, !isSpacer(report) {
      out += "            and \(report.invariant.count) lemmas that were found; --json lists them\n"
    } else {
      for clause in report.invariant { out += "              \(clause)\n" }
    }
    if let offer = report.offer { out += OfferText(offer).text }
    if case .refuted(let trace) = report.outcome { out += TraceText(program, trace).text }
    if let gap = report.gap, let reachable { out += text(gap, reachable) }
    try Output.standard.write(out)
  }

  private func isSpacer(_ report: ProofReport) -> Bool {
    if case .proved(.spacer, _, _) = report.outcome { true } else { false }
  }

  private func explanation(_ report: ProofReport) -> String {
    let time = "\((report.seconds * 100).rounded() / 100) s"
    switch report.outcome {
    case .proved(.spacer, _, let lemmas):
      let standing = lemmas.isEmpty ? "" : " on top of \(lemmas.joined(separator: ", "))"
      return "by Spacer\(standing), invariant checked independently, \(time):"
    case .proved(let method, let k, let lemmas):
      let standing = lemmas.isEmpty ? "by itself" : "with \(lemmas.joined(separator: ", "))"
      return method == .induction
        ? "by 1-induction \(standing), \(time)" : "by \(k)-induction \(standing), \(time)"
    case .refuted(let trace):
      return "shortest counterexample, \(trace.steps.count) steps, \(time):"
    case .boundedOnly(let depth):
      return "no counterexample in \(depth) steps; beyond nothing is known, \(time)"
    case .unknown(let reason): return "\(reason), \(time)"
    }
  }

  private func text(_ gap: InductionGap, _ reachable: String) -> String {
    let call = program.callText(
      gap.label, arguments: Array(gap.label.choice.prefix(program.argumentCount(gap.label))))
    var out = "            not inductive: from this state, which \(reachable),\n"
    if let before = gap.fallenBefore {
      out =
        before == 0
        ? "            the first claim to fall; look here first\n" + out
        : "            \(before) claims fell before it, which may be why\n" + out
    }
    for place in program.standing(in: gap.before) { out += "              \(place)\n" }
    for change in program.changes(from: program.initial, to: gap.before) {
      out += "              \(change.cell) is \(change.after)\n"
    }
    out += "            \(call) (\(program.stepText(gap.label))) leads to\n"
    for change in program.changes(from: gap.before, to: gap.after) {
      out += "              \(change.cell): \(change.before) → \(change.after)\n"
    }
    return out
  }

  private func members(_ report: ProofReport, _ reachable: String?) -> [JSONValue.Member] {
    var result: [JSONValue.Member] = [
      .init(name: "seconds", value: .double(report.seconds)),
      .init(name: "solver", value: .string("z3 \(Prover.solverVersion)")),
    ]
    switch report.outcome {
    case .proved(let method, let k, let lemmas):
      result.append(.init(name: "method", value: .string(method.rawValue)))
      result.append(.init(name: "k", value: .int(k)))
      result.append(.init(name: "lemmas", value: .array(lemmas.map { .string($0) })))
      if !report.invariant.isEmpty {
        result.append(
          .init(name: "invariant", value: .array(report.invariant.map { .string($0) })))
      }
    case .refuted(let trace):
      result.append(.init(name: "method", value: "bmc"))
      result.append(
        .init(
          name: "counterexample",
          value: .members([
            "steps": .int(trace.steps.count), "trace": TraceText(program, trace).json,
          ])))
    case .boundedOnly, .unknown:
      result.append(.init(name: "reason", value: .string(explanation(report))))
    }
    if let offer = report.offer { result += OfferText(offer).members }
    if let reachable { result.append(.init(name: "gap", value: .string(reachable))) }
    return result
  }

  /// Whether the explorer reaches a state, at this scope and within reason.
  private func reachability(of state: [Int], _ ground: GroundProgram) throws -> String {
    var limits = SearchLimits()
    limits.maxStates = 2_000_000
    limits.timeLimit = 20
    let engine = try GuardTable(ground, monitors: [])
    do {
      let search = try Search(engine, [], limits)
      let result = try search.run()
      if search.contains(state) { return "is reachable" }
      return result.end == .exhausted
        ? "is not reachable at this scope"
        : "was not met among the first \(result.states) states"
    } catch {
      return "could not be looked for"
    }
  }
}
#endif
