import SpecLanguage

/// Checks with the interpreter alone that a lasso refutes a `LeadsTo`, and says why it is fair.
public struct LassoCheck {
  private let program: Program
  private let interpreter: Interpreter
  private let table: FairnessTable

  public init(_ program: Program, _ table: FairnessTable) {
    self.program = program
    self.table = table
    interpreter = Interpreter(program)
  }

  /// What came of the check.
  public enum Answer: Sendable {
    /// A fair run that refutes the claim; one sentence for each instance of fairness that the loop
    /// has to do with.
    case refutes([String])
    /// What is wrong with the lasso.
    case wrong(String)
  }

  /// - Throws: `TDX3xxx` when a step is not well defined.
  public func answer(
    _ trace: Trace, against claim: LeadsToInstance
  ) throws(SpecError) -> Answer {
    let states = [trace.initial] + trace.steps.map(\.state)
    guard let loop = trace.loop, states.indices.contains(loop) else {
      return .wrong("there is no loop")
    }
    guard trace.initial == program.initial else { return .wrong("it begins elsewhere") }
    guard states[loop] == states[states.count - 1] else { return .wrong("the loop does not close") }
    for (index, step) in trace.steps.enumerated() {
      let ways = try interpreter.transitions(from: states[index])
      guard ways.contains(where: { $0.label == step.label && $0.state == step.state }) else {
        return .wrong("step \(index + 1) cannot be taken")
      }
    }
    guard try stays(states, loop, claim) else { return .wrong("the conclusion is reached") }
    return try fairness(trace, states, loop)
  }

  /// Whether the premise holds somewhere and the conclusion neither there nor later.
  private func stays(
    _ states: [[Int]], _ loop: Int, _ claim: LeadsToInstance
  ) throws(SpecError) -> Bool {
    var pending = false
    for (index, state) in states.enumerated() {
      let reached = try interpreter.truth(of: claim.conclusion, claim.registerCount, in: state)
      if reached && index >= loop { return false }
      let premise = try interpreter.truth(of: claim.premise, claim.registerCount, in: state)
      pending = !reached && (pending || premise)
    }
    return pending
  }

  private func fairness(
    _ trace: Trace, _ states: [[Int]], _ loop: Int
  ) throws(SpecError) -> Answer {
    // The state that the loop comes back to is its first.
    let last = max(loop, states.count - 2)
    var enabled: [UInt64] = []
    for index in loop...last {
      let ways = try interpreter.transitions(from: states[index])
      enabled.append(ways.reduce(0) { $0 | table.mark($1.label) })
    }
    let taken = trace.steps[loop...].map { table.mark($0.label) }
    var reasons: [String] = []
    for (number, instance) in table.instances.enumerated() {
      let bit: UInt64 = 1 << UInt64(number)
      let name = program.text(of: instance)
      if let step = taken.firstIndex(where: { $0 & bit != 0 }) {
        reasons.append("\(name): it is taken in step \(loop + step + 1)")
        continue
      }
      guard enabled.contains(where: { $0 & bit != 0 }) else { continue }
      guard instance.strength == .weak, let off = enabled.firstIndex(where: { $0 & bit == 0 })
      else { return .wrong("it is not fair: \(name)") }
      reasons.append("\(name): it is not possible \(place(loop + off))")
    }
    if table.instances.isEmpty {
      reasons.append("nothing is assumed to be fair, so that the run may stop anywhere")
    } else if reasons.count < table.instances.count {
      reasons.append("nothing \(reasons.isEmpty ? "" : "else ")that is fair is ever possible there")
    }
    return .refutes(reasons)
  }

  private func place(_ index: Int) -> String { index == 0 ? "at first" : "after step \(index)" }
}
