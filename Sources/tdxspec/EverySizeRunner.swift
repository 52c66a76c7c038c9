#if HAS_Z3
import CExplorerShims
import Dispatch
import Glibc
import SpecLanguage
import SpecProgram
import SymbolicChecker
import Verdicts

/// Claims for every number of elements, and what keeps a spec from being claimed like that.
struct EverySizeRunner {
  let program: Program
  let properties: [ResolvedProperty]
  let seconds: Double
  /// Only name the obstacles.
  let explains: Bool
  let json: Bool

  func run() throws -> ExitStatus {
    _ = tdxs_install_sigint()
    let prover = try EverySizeProver(program, seconds: seconds)
    let interrupt = prover.interrupt
    DispatchQueue.global().async {
      while tdxs_interrupted() == 0 { usleep(50_000) }
      interrupt()
    }
    if json {
      try Output.standard.write(Events.start("prove", version: TDXSpec.version).text + "\n")
    }
    let obstacles = prover.obstacles(properties)
    if explains || !obstacles.isEmpty { return try explain(obstacles) }
    let claims = program.properties.filter {
      if case .always = $0.property.kind { !$0.isBuiltIn } else { false }
    }
    let (proved, dropped) = try prover.prove(claims)
    var status = ExitStatus.success
    for property in properties {
      let isProved = proved.contains { $0.property.id == property.property.id }
      let reason = dropped.first { $0.0.property.id == property.property.id }?.1
      let verdict: Verdict =
        isProved ? .proved : tdxs_interrupted() != 0 ? .interrupted : .unknown
      status = status.combined(with: verdict.exitCode)
      try say(property.property, verdict, proved, reason)
    }
    try end(status)
    return status
  }

  private func say(
    _ property: Property, _ verdict: Verdict, _ proved: [ResolvedProperty], _ reason: String?
  ) throws {
    let others = proved.map(\.property.id).filter { $0 != property.id }
    if json {
      var more: [JSONValue.Member] = [.init(name: "sizes", value: "every")]
      if verdict == .proved {
        more.append(.init(name: "method", value: "induction"))
        more.append(.init(name: "k", value: 1))
        more.append(.init(name: "lemmas", value: .array(others.map { .string($0) })))
      }
      if let reason { more.append(.init(name: "reason", value: .string(reason))) }
      let event = Events.proof(property, verdict, in: program, more)
      return try Output.standard.write(event.text + "\n")
    }
    let word = verdict.rawValue
    let padding = String(repeating: " ", count: max(1, 12 - word.count))
    let how =
      verdict == .proved
      ? "for every size, by 1-induction together with \(others.joined(separator: ", "))"
      : "not for every size: \(reason ?? "a signal came first")"
    try Output.standard.write(
      "\(word)\(padding)\(property.id): \(property.text)\n            \(how)\n")
  }

  private func explain(_ obstacles: [SizeObstacle]) throws -> ExitStatus {
    for obstacle in obstacles {
      let place = obstacle.location.map { " (\($0))" } ?? ""
      let line =
        json
        ? JSONValue.members([
          "event": "obstacle", "spec": .string(program.spec.name), "what": .string(obstacle.what),
          "location": obstacle.location.map { .string($0.description) },
        ]).text
        : "not for every size: \(obstacle.what)\(place)"
      try Output.standard.write(line + "\n")
    }
    if obstacles.isEmpty && !json {
      try Output.standard.write("nothing keeps \(program.spec.name) from every size\n")
    }
    let status: ExitStatus = explains || obstacles.isEmpty ? .success : .noAnswer
    try end(status)
    return status
  }

  private func end(_ status: ExitStatus) throws {
    if json { try Output.standard.write(Events.end(status).text + "\n") }
  }
}
#endif
