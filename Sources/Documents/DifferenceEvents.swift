import SpecProgram
import Verdicts

/// A comparison as JSON events.
public struct DifferenceEvents {
  private let difference: SpecDifference
  private let scopeName: String?

  public init(_ difference: SpecDifference, scope: String?) {
    self.difference = difference
    scopeName = scope
  }

  /// One `comparison`, then one `difference` for each.
  public var all: [JSONValue] {
    [comparison] + difference.calls.map(call)
      + difference.answers.map { answer($0, "answer") }
      + difference.cells.map { answer($0, "cell") } + difference.checks.map(checks)
      + difference.locks.map(locks) + difference.claims.map(claim)
  }

  private var comparison: JSONValue {
    let (a, b) = (difference.a, difference.b)
    return .members([
      "event": "comparison", "a": .string(a.spec.name), "b": .string(b.spec.name),
      "scope": Events.scope(a.program), "scope_b": Events.scope(b.program),
      "scope_name": scopeName.map { .string($0) },
      "states": .array([.int(a.survey.result.states), .int(b.survey.result.states)]),
      "exhausted": .bool(difference.isComplete), "same": .bool(difference.isEmpty),
      "undecided": .array(difference.undecided.map { .string($0) }),
    ])
  }

  private func call(_ call: SpecDifference.Call) -> JSONValue {
    .members([
      "event": "difference", "kind": "call", "only_in": .string(call.side.rawValue),
      "call": .string(call.name), "witness": call.witness.map(witness),
    ])
  }

  private func answer(_ answer: SpecDifference.Answer, _ kind: String) -> JSONValue {
    .members([
      "event": "difference", "kind": .string(kind), "only_in": .string(answer.side.rawValue),
      "call": .string(answer.call), "answer": .string(answer.answer.text),
      "variable": answer.row.map { .string($0.variable) },
      "subject": answer.row.map { .string($0.subject) },
      "value": answer.row.map { .string($0.value) }, "witness": answer.witness.map(witness),
    ])
  }

  private func checks(_ entry: SpecDifference.Checks) -> JSONValue {
    func lines(_ side: Side) -> JSONValue {
      .array(entry.lines.filter { $0.side == side }.map { .string($0.text) })
    }
    return .members([
      "event": "difference", "kind": "checks", "call": .string(entry.name),
      "only_a": lines(.a), "only_b": lines(.b),
    ])
  }

  private func locks(_ row: SpecDifference.Locks) -> JSONValue {
    func names(_ locks: CalledLocks?) -> JSONValue? {
      locks.map {
        .members([
          "begins": DocumentEvents.names($0.atBegin), "ends": DocumentEvents.names($0.atEnd),
        ])
      }
    }
    return .members([
      "event": "difference", "kind": "locks", "called": .string(row.called),
      "callers": .array(row.callers.map { .string($0) }), "a": names(row.a), "b": names(row.b),
      "witnesses": .array(row.witnesses.map(witness)),
    ])
  }

  private func claim(_ claim: SpecDifference.Claim) -> JSONValue {
    .members([
      "event": "difference", "kind": "verdict", "property": .string(claim.id),
      "text": .string(claim.text), "a": .string(claim.a.verdict.rawValue),
      "b": .string(claim.b.verdict.rawValue),
      "witnesses": .array(claim.witnesses.map(witness)),
    ])
  }

  private func witness(_ witness: Witness) -> JSONValue {
    .members([
      "in": .string(witness.side.rawValue), "shows": .string(witness.what),
      "steps": .int(witness.trace.steps.count), "loop": witness.trace.loop.map { .int($0) },
      "trace": TraceText(witness.program, witness.trace).json,
    ])
  }
}
