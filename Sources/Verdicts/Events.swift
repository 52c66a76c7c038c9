import SpecLanguage
import SpecProgram

/// The JSON lines that every command can print; the schema is `docs/events.md`.
public enum Events {
  /// The version of the schema.
  public static let schema = 1

  public static func start(_ command: String, version: String) -> JSONValue {
    .members([
      "event": "start", "schema": .int(schema), "tool": "tdxspec", "version": .string(version),
      "command": .string(command),
    ])
  }

  public static func end(_ status: ExitStatus) -> JSONValue {
    .members(["event": "end", "exit": .int(Int(status.rawValue))])
  }

  public static func error(_ message: String, code: String?) -> JSONValue {
    .members([
      "event": "error", "code": code.map { .string($0) }, "message": .string(message),
    ])
  }

  public static func note(_ note: SpecNote, spec: String) -> JSONValue {
    .members([
      "event": "note", "spec": .string(spec), "code": .string(note.code),
      "message": .string(note.message),
      "location": note.location.map { .string($0.description) },
    ])
  }

  public static func scope(_ program: Program) -> JSONValue {
    .object(program.scope.parameters.map { .init(name: $0.name, value: .int($0.value)) })
  }

  /// Which calls the threads are limited to; `nil` when they may make all.
  public static func parts(_ program: Program) -> JSONValue? {
    let parts = program.scope.parts
    return parts.isEmpty
      ? nil
      : .array(
        parts.map {
          .members([
            "part": .string($0.name), "threads": .int($0.threads),
            "calls": .array($0.calls.map { .string($0) }),
          ])
        })
  }

  public static func verdict(_ answer: PropertyReport, in report: SpecReport) -> JSONValue {
    let isWitness = answer.verdict == .witnessed
    let trace = answer.trace.map {
      CounterexampleText(answer.traced(in: report), answer, $0).json
    }
    let graph = answer.graph
    return .members([
      "event": "verdict", "spec": .string(report.program.spec.name),
      "property": .string(answer.property.id), "text": .string(answer.property.text),
      "verdict": .string(answer.verdict.rawValue),
      "expected": answer.property.expected == nil
        ? nil : .string(answer.expectation.rawValue),
      "expected_because": answer.property.expectedReason.map { .string($0) },
      "scope": scope(report.program), "scope_name": report.scope.map { .string($0) },
      "parts": parts(report.program),
      "states": .int(graph?.states ?? report.states),
      "transitions": .int(graph?.transitions ?? report.transitions),
      "diameter": .int(graph?.diameter ?? report.diameter),
      "seconds": .double(graph?.seconds ?? report.seconds),
      "peak_bytes": .int(report.peakBytes), "engine": .string(report.engine),
      "reduction": .array((graph?.reductions ?? report.reductions).map { .string($0) }),
      "reduction_remarks": report.reductionRemarks.isEmpty || graph != nil
        ? nil : .array(report.reductionRemarks.map { .string($0) }),
      "hits": answer.hits.map { .int($0) }, "reason": answer.reason.map { .string($0) },
      "blame": answer.blame.isEmpty ? nil : .array(answer.blame.map { .string($0) }),
      "fairness": answer.fairness.isEmpty
        ? nil : .array(answer.fairness.map { .string($0) }),
      "refinement": answer.refinement.map { RefinementText.json($0) },
      "refusals": answer.refusals.isEmpty ? nil : refusals(answer.refusals),
      "counterexample": isWitness ? nil : trace, "witness": isWitness ? trace : nil,
    ])
  }

  /// A verdict of `prove`: the same event with what a proof has to say.
  public static func proof(
    _ property: Property, _ verdict: Verdict, in program: Program, _ more: [JSONValue.Member]
  ) -> JSONValue {
    .object(
      [
        .init(name: "event", value: "verdict"),
        .init(name: "spec", value: .string(program.spec.name)),
        .init(name: "property", value: .string(property.id)),
        .init(name: "text", value: .string(property.text)),
        .init(name: "verdict", value: .string(verdict.rawValue)),
        .init(name: "scope", value: scope(program)),
      ] + more)
  }

  private static func refusals(_ refusals: [Refusal]) -> JSONValue {
    .array(
      refusals.map {
        .members([
          "call": .string($0.check.action), "check": .string($0.check.text),
          "outcome": .string($0.check.outcome.text),
          "location": .string($0.check.location.description), "states": .int($0.states),
        ])
      })
  }
}
