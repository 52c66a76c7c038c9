import SpecLanguage
import SpecProgram

/// What a report says about infinite runs.
enum LivenessText {
  /// A lasso: the stem, the loop, and why the loop is fair.
  static func lasso(_ program: Program, _ trace: Trace, _ answer: PropertyReport) -> String {
    let loop = trace.loop ?? trace.steps.count
    let length = trace.steps.count - loop
    let indent = "            "
    var out = "\(indent)a fair run that never gets there: \(loop) steps, then "
    out += length == 0 ? "it stops for ever:\n" : "a loop of \(length):\n"
    out += TraceText(program, trace).text
    if length == 0 {
      out += "    loop: nothing happens any more\n"
    } else {
      out += "    and again from step \(loop + 1), for ever\n"
    }
    for reason in answer.blame { out += "\(indent)\(reason)\n" }
    for reason in answer.fairness { out += "\(indent)fair: \(reason)\n" }
    return out
  }

  /// The graph that the `LeadsTo` properties were decided on, where it is another one.
  static func summary(_ report: SpecReport) -> String {
    let live = report.properties.first { $0.property.isLiveness && $0.graph != nil }
    return live?.graph.map { "\nwhat leads to what, on the full graph: \($0.text)" } ?? ""
  }
}
