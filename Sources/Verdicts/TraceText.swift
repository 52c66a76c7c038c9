import SpecLanguage
import SpecProgram

/// A trace for people: who did what, and what changed.
public struct TraceText {
  private let program: Program
  private let trace: Trace

  public init(_ program: Program, _ trace: Trace) {
    self.program = program
    self.trace = trace
  }

  /// One step, ready to be printed.
  public struct Line: Sendable {
    public let number: Int
    /// The thread, or `nil` for an event without one.
    public let thread: Int?
    /// `close(guest_memfd) f0`.
    public let call: String
    public let step: String
    public let changes: [CellChange]
    /// How the call ended, when it ended with this step.
    public let outcome: String?
    /// The check that refused the call.
    public let refusedBy: String?
    /// Whether the call began with this step.
    public let begins: Bool

    /// What the step does, changes and answers.
    public var text: String {
      var out = step
      let changes = changes.filter { !$0.isLock }
      if !changes.isEmpty {
        let text = changes.map { "\($0.cell): \($0.before) → \($0.after)" }
        out += "  [\(text.joined(separator: "; "))]"
      }
      if refusedBy != nil { out += "  (refused)" }
      if let outcome, thread != nil {
        out += outcome == "ok" ? "  ⇒ returns 0" : "  ⇒ returns \(outcome)"
      }
      return out
    }
  }

  public var lines: [Line] {
    var arguments: [Int: [Int]] = [:]
    var before = trace.initial
    var result: [Line] = []
    for (index, step) in trace.steps.enumerated() {
      let label = step.label
      let begins = label.source == 0
      let own = Array(label.choice.prefix(program.argumentCount(label)))
      if let thread = label.thread, begins { arguments[thread] = own }
      let changes = program.changes(from: before, to: step.state)
      let values = label.thread.map { arguments[$0] ?? [] } ?? own
      result.append(
        Line(
          number: index + 1, thread: label.thread,
          call: program.callText(label, arguments: values), step: text(of: label, changes),
          changes: changes,
          outcome: label.outcome.map { program.outcomes[$0].text },
          refusedBy: label.refusedBy.map { program.checks[$0].text }, begins: begins))
      before = step.state
    }
    return result
  }

  /// What the step did; a lock is named with its element.
  private func text(of label: TransitionLabel, _ changes: [CellChange]) -> String {
    let text = program.stepText(label)
    let locks = changes.filter(\.isLock).map(\.lockText)
    for verb in ["takes ", "releases "] {
      guard !locks.isEmpty, let range = text.firstRange(of: verb) else { continue }
      let own = locks.filter { $0.hasPrefix(verb) }
      if !own.isEmpty { return text[..<range.lowerBound] + own.joined(separator: ", ") }
    }
    return text
  }

  /// The trace as text: a heading where the actor changes, a line a step.
  public var text: String {
    var out = ""
    var heading = ""
    for line in lines {
      if line.number - 1 == trace.loop {
        out += "    loop:\n"
        heading = ""
      }
      let who = line.thread.map { "thread \($0)" } ?? "event"
      let now = "\(who): \(line.call)"
      if now != heading {
        out += "    \(now)\(line.begins || line.thread == nil ? "" : " (goes on)")\n"
        heading = now
      }
      let number = String(repeating: " ", count: max(0, 6 - "\(line.number)".count))
      out += "\(number)\(line.number)  \(line.text)"
      out += "\n"
    }
    return out
  }

  /// The steps as JSON, for the `trace` of a verdict event.
  public var json: JSONValue {
    .array(lines.map(\.json))
  }
}

extension TraceText.Line {
  var json: JSONValue {
    .members([
      "step": .int(number), "thread": thread.map { .int($0) },
      "call": .string(call), "does": .string(step),
      "refused_by": refusedBy.map { .string($0) },
      "outcome": outcome.map { .string($0) },
      "changes": changes.isEmpty ? nil : changes.json,
    ])
  }
}

extension [CellChange] {
  /// Cell to values before and after.
  var json: JSONValue {
    .object(
      map {
        JSONValue.Member(name: $0.cell, value: .array([.string($0.before), .string($0.after)]))
      })
  }
}
