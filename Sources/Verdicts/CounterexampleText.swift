import SpecLanguage
import SpecProgram

/// A counterexample or witness with what is known about it: how good it is, what broke, who plays
/// no part, and the nearest twin that passes.
struct CounterexampleText {
  private let program: Program
  private let answer: PropertyReport
  private let trace: Trace

  init(_ program: Program, _ answer: PropertyReport, _ trace: Trace) {
    self.program = program
    self.answer = answer
    self.trace = trace
  }

  /// The counterexample for people.
  var text: String {
    var out = "            \(heading):\n"
    out += TraceText(program, trace).text
    if !answer.blame.isEmpty {
      let text = answer.blame.joined(separator: ", ")
      let reason = text.hasPrefix("but ") ? String(text.dropFirst(4)) : text
      out += "            broken: \(reason)\n"
    }
    let absent = program.actionsWithoutPart(in: trace)
    if !absent.isEmpty {
      let all = program.spec.actions.count
      out += "            \(absent.count) of \(all) actions play no part: "
      out += absent.joined(separator: ", ") + "\n"
    }
    if let twin = answer.twin {
      for line in TwinText(program, trace, twin).lines { out += "            \(line)\n" }
    }
    return out
  }

  private var heading: String {
    let steps = Self.count(trace.steps.count, "step")
    guard let quality = answer.quality else { return "counterexample, \(steps)" }
    let switches = Self.count(trace.switches, "switch", "switches")
    let ends = quality.hasFewestSwitches ? "" : " (not shown to be fewest)"
    return quality.isShortest
      ? "shortest counterexample, \(steps), \(switches)\(ends)"
      : "counterexample, not shown to be shortest, \(steps), \(switches)\(ends)"
  }

  static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
  }

  /// The members `counterexample` and `witness` of a verdict event.
  var json: JSONValue {
    let quality = answer.quality
    let isWitness = answer.verdict == .witnessed
    return .members([
      "steps": .int(trace.steps.count), "loop": trace.loop.map { .int($0) },
      "shortest": quality.map { .bool($0.isShortest) },
      "switches": .int(trace.switches),
      "fewest_switches": quality.map { .bool($0.hasFewestSwitches) },
      "elements": .int(program.elements(usedBy: trace).count),
      "fewest_elements": quality.map { .bool($0.hasFewestElements) },
      "trace": TraceText(program, trace).json,
      "no_part": isWitness || trace.loop != nil
        ? nil : .array(program.actionsWithoutPart(in: trace).map { .string($0) }),
      "twin": answer.twin.map { TwinText(program, trace, $0).json },
    ])
  }
}
