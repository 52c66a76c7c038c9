import SpecLanguage

/// Runs the inputs of a `PolicyTable` under each policy and counts.
public struct PolicyCounter {
  private let spec: SpecDescription
  private let table: PolicyTable

  public init(_ spec: SpecDescription, _ table: PolicyTable) {
    self.spec = spec
    self.table = table
  }

  /// The counts of an input under a policy, a number a column.
  ///
  /// - Throws: `TDX2030` when the calls do not get their answers.
  public func counts(_ input: CostInput, _ policy: CostPolicy) throws(SpecError) -> [Int] {
    let values = table.fixed.merging(input.values) { $1 }.merging(policy.values) { $1 }
    let scope = try ResolvedScope(spec, overrides: values)
    let program = try Program(spec, scope, ProgramOptions(fuseReleases: false))
    var sums = [Int](repeating: 0, count: table.columns.count)
    for run in input.runs {
      let calls = run.calls + (run.isIdle ? policy.whenIdle : []) + run.then
      try program.validate(calls)
      let answer = try ScenarioRun(program).run(calls)
      guard let trace = answer.trace else { throw refusal(calls[answer.reached], answer) }
      for (index, column) in table.columns.enumerated()
      where !policy.free.contains(column.name) {
        let factor = column.perUnit ? input.unit : 1
        sums[index] += run.weight * factor * program.count(column, along: trace)
      }
    }
    return sums
  }

  private func refusal(_ call: ScenarioCall, _ answer: ScenarioRun.Answer) -> SpecError {
    let instead = answer.instead.map(\.text).joined(separator: " or ")
    return SpecError(
      "TDX2030",
      "\(call.action) answers \(instead.isEmpty ? "nothing" : instead), not \(call.answer.text)",
      at: call.location)
  }
}

extension Program {
  /// What a column counts along a run.
  fileprivate func count(_ column: CostColumn, along trace: Trace) -> Int {
    switch column.kind {
    case .calls(let action):
      return trace.steps.count { $0.label.source == 0 && actionName($0.label.procedure) == action }
    case .steps(let action):
      return trace.steps.count { actionName($0.label.procedure) == action }
    case .ending(let variable, let value):
      let last = trace.steps.last?.state ?? trace.initial
      return cells(of: variable).count { last[$0] == value }
    case .entering(let variable, let value, let from):
      var before = trace.initial
      var total = 0
      for step in trace.steps {
        total += cells(of: variable).count {
          step.state[$0] == value && before[$0] != value && (from == nil || before[$0] == from)
        }
        before = step.state
      }
      return total
    }
  }

  private func cells(of variable: VariableID) -> Range<Int> {
    guard let layout = variables[variable] else { return 0..<0 }
    return layout.base..<layout.base + layout.cellCount
  }
}
