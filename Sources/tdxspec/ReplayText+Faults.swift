import Simulator
import SimulatorReplay
import Verdicts

extension ReplayText {
  /// What was noticed of each operator, then what was not.
  static func text(_ tally: FaultTally) -> String {
    var out = tally.survivors.map { "not noticed: \($0.id): \($0.summary)\n" }.joined()
    if !tally.survivors.isEmpty { out += "\n" }
    for row in tally.byOperator { out += "\(row.kind): \(row.killed) of \(row.total)\n" }
    let total = tally.killed.count + tally.survivors.count
    return out + "\(tally.killed.count) of \(total) faults are noticed\n"
  }

  static func events(_ tally: FaultTally) -> String {
    let faults =
      tally.killed.map { ($0, true) } + tally.survivors.map { ($0, false) }
    return faults.map { fault, isKilled in
      JSONValue.members([
        "event": "replay-fault", "fault": .string(fault.id),
        "operator": .string(fault.kind.rawValue),
        "summary": .string(fault.summary), "noticed": .bool(isKilled),
      ]).text + "\n"
    }.joined()
  }
}
