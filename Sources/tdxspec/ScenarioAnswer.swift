import SpecLanguage
import SpecProgram
import Verdicts

/// The answer about a scenario.
struct ScenarioAnswer {
  private let program: Program

  init(_ program: Program) { self.program = program }

  func answer(_ property: Property) throws -> PropertyReport {
    guard case .scenario(let calls, let isPossible) = property.kind else {
      return PropertyReport(property: property, verdict: .unknown)
    }
    let answer = try ScenarioRun(program).run(calls)
    var report = PropertyReport(
      property: property, verdict: verdict(answer.trace != nil, isPossible))
    report.trace = answer.trace
    if answer.trace == nil, answer.reached < calls.count {
      let call = calls[answer.reached]
      let instead = answer.instead.map(\.text).joined(separator: " or ")
      report.reason =
        instead.isEmpty
        ? "call \(answer.reached + 1), \(call.action), cannot begin or never ends"
        : "call \(answer.reached + 1), \(call.action), answers \(instead), "
          + "never \(call.answer.text)"
    }
    return report
  }

  /// A scenario that should be possible and is not is VIOLATED, like the opposite.
  private func verdict(_ happened: Bool, _ isPossible: Bool) -> Verdict {
    switch (happened, isPossible) {
    case (true, true): .witnessed
    case (false, true), (true, false): .violated
    case (false, false): .exhausted
    }
  }
}
