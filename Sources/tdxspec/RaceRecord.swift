import ConformanceKit
import TestGeneration
import Verdicts

/// What came of a race that was tried several times.
struct RaceRecord {
  /// What one attempt showed.
  struct Came: Hashable {
    let answers: [[Outcome]]
    /// Nil where it cannot be seen.
    let isDead: Bool?
    let complaints: [String]
  }

  let run: RecordedRun
  let trial: RaceTrial
  let backend: String
  /// SEAMCALLs that are busy in the trace were made busy; otherwise they are as they come.
  let isInjected: Bool
  /// SEAMCALLs during which another thread goes on in the trace are made to wait.
  let isDelayed: Bool
  private var counts: [Came: Int] = [:]
  private var order: [Came] = []

  init(
    run: RecordedRun, trial: RaceTrial, backend: String, isInjected: Bool, isDelayed: Bool
  ) {
    self.run = run
    self.trial = trial
    self.backend = backend
    self.isInjected = isInjected
    self.isDelayed = isDelayed
  }

  mutating func add(_ came: Came) {
    if counts[came] == nil { order.append(came) }
    counts[came, default: 0] += 1
  }

  var attempts: Int { counts.values.reduce(0, +) }

  /// How many attempts came to what the trace leads to.
  var cameAsInTrace: Int { order.reduce(0) { $0 + (isAsInTrace($1) ? counts[$1] ?? 0 : 0) } }

  private func isAsInTrace(_ came: Came) -> Bool {
    trial.endings.contains { $0.accepts(came.answers, isDead: came.isDead) }
  }

  /// A line of the kernel's log without what differs from one time to the next: the processor and
  /// the process.
  static func withoutPlace(_ line: String) -> String {
    line.firstRange(of: ", CPU#").map { String(line[..<$0.lowerBound]) } ?? line
  }

  // MARK: For people

  private var calls: [[String]] { trial.threads.map { $0.map(\.description) } }

  private var busyText: [String] {
    trial.busy.map { busy in
      let times = busy.count == 1 ? "once" : "\(busy.count) times"
      let steps = busy.steps.map { "\($0)" }.joined(separator: ", ")
      let verb = isInjected ? "is made to answer" : "answers in the trace, not made to here,"
      return "\(busy.leaf) \(verb) TDX_OPERAND_BUSY \(times) (steps \(steps))"
    }
  }

  private static func text(_ answers: [[some CustomStringConvertible]], _ isDead: Bool?) -> String {
    let each = answers.map { $0.map(\.description).joined(separator: ", ") }
    let end = isDead.map { $0 ? ", the VM is dead" : ", the VM lives" } ?? ""
    return "(\(each.joined(separator: " | ")))\(end)"
  }

  var text: String {
    var lines = ["\(run.spec) \(run.property), after \(trial.prefix.count) calls:"]
    lines += calls.enumerated().map { number, calls in
      "  thread \(number): \(calls.joined(separator: ", "))"
    }
    lines += busyText.map { "  \($0)" }
    if isDelayed { lines += trial.held.map { "  \($0) is made to wait, the longer each time" } }
    lines += trial.endings.map { "  the trace leads to \(Self.text($0.answers, $0.isDead))" }
    lines.append("\(backend), \(attempts) attempts:")
    for came in order {
      let mark = isAsInTrace(came) ? "  as the trace" : ""
      lines.append("  \(counts[came] ?? 0)x \(Self.text(came.answers, came.isDead))\(mark)")
      lines += came.complaints.map { "       \($0)" }
    }
    let verdict =
      attempts == 0
      ? "it knows no way to make these calls at once"
      : "what the trace shows came \(cameAsInTrace) times of \(attempts)"
    return (lines + [verdict]).joined(separator: "\n") + "\n"
  }

  // MARK: Events

  private static func json(_ answers: [[some CustomStringConvertible]]) -> JSONValue {
    .array(answers.map { .array($0.map { .string($0.description) }) })
  }

  var events: [JSONValue] {
    let race = JSONValue.members([
      "event": "race", "spec": .string(run.spec), "property": .string(run.property),
      "backend": .string(backend),
      "before": .array(trial.prefix.map { .string($0.call.description) }),
      "threads": .array(calls.map { .array($0.map { .string($0) }) }),
      "busy": .array(
        trial.busy.map {
          .members([
            "leaf": .string($0.leaf), "count": .int($0.count),
            "steps": .array($0.steps.map { .int($0) }),
          ])
        }), "injected": .bool(isInjected),
      "held": .array(trial.held.map { .string($0) }), "delayed": .bool(isDelayed),
      "leads_to": .array(
        trial.endings.map {
          .members(["answers": Self.json($0.answers), "dead": .bool($0.isDead)])
        }), "attempts": .int(attempts), "as_in_trace": .int(cameAsInTrace),
    ])
    let outcomes = order.map { came in
      JSONValue.members([
        "event": "race-outcome", "answers": Self.json(came.answers),
        "dead": came.isDead.map { .bool($0) }, "count": .int(counts[came] ?? 0),
        "complaints": .array(came.complaints.map { .string($0) }),
        "as_in_trace": .bool(isAsInTrace(came)),
      ])
    }
    return [race] + outcomes
  }
}
