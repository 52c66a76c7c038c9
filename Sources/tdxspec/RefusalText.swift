import SpecProgram
import TraceValidation
import Verdicts

/// A call that a spec does not explain, in words and as members of an event.
struct RefusalText {
  private let refusal: TraceRefusal

  init(_ refusal: TraceRefusal) { self.refusal = refusal }

  var text: String {
    var out = "\(refusal.place): \(refusal.call)\n"
    out += "  recorded: \(refusal.recorded)\n"
    if !refusal.missing.isEmpty {
      out += "  not told: \(refusal.missing.joined(separator: ", "))\n"
    }
    for (answer, check) in refusal.allowed { out += "  allowed: \(answer), \(check)\n" }
    out += Self.checks(refusal.looked)
    if let completion = refusal.completion {
      let list = completion.isEmpty ? "nothing" : completion.joined(separator: "; ")
      out += "  legal after: \(list)\n"
    } else {
      out += "  legal after: no three calls that were tried\n"
    }
    return out
  }

  /// Each check with its value, the one that decides last.
  static func checks(_ looked: [LookedAt]) -> String {
    looked.map { entry in
      let check = entry.check
      let facts = check.citations.isEmpty ? "" : " [\(check.citations.joined(separator: ", "))]"
      let end = entry.holds ? "holds" : "fails: \(check.outcome.name)"
      return "  \(end)  \(check.action): “\(check.text)”, \(check.location)\(facts)\n"
    }.joined()
  }

  static func checks(_ looked: [LookedAt]) -> JSONValue {
    .array(
      looked.map { entry in
        .members([
          "action": .string(entry.check.action), "check": .string(entry.check.text),
          "holds": .bool(entry.holds), "answer": .string(entry.check.outcome.name),
          "location": .string("\(entry.check.location)"),
          "cites": .array(entry.check.citations.map { .string($0) }),
        ])
      })
  }

  var members: [JSONValue.Member] {
    [
      .init(name: "line", value: .int(refusal.line)),
      .init(name: "call", value: .string(refusal.call)),
      .init(name: "recorded", value: .string(refusal.recorded)),
      .init(name: "missing", value: .array(refusal.missing.map { .string($0) })),
      .init(
        name: "allowed",
        value: .array(
          refusal.allowed.map {
            .members(["answer": .string($0.answer), "check": .string($0.check)])
          })),
      .init(name: "checks", value: Self.checks(refusal.looked)),
      .init(
        name: "completion",
        value: refusal.completion.map { .array($0.map { .string($0) }) } ?? .null),
    ]
  }
}
