import SpecLanguage
import SpecProgram

/// Finds the states that a recorded run went through, by taking its steps again.
struct RunRetracer {
  private let program: Program
  private let interpreter: Interpreter

  init(_ program: Program) {
    self.program = program
    interpreter = Interpreter(program)
  }

  /// - Throws: for a step that the spec does not have where the run is.
  func retrace(_ steps: [RecordedRun.Step]) throws(RaceTraceError) -> Trace {
    var state = program.initial
    var taken: [TraceStep] = []
    for (index, step) in steps.enumerated() {
      let found = try transitions(from: state).first { transition in
        transition.label.thread == step.thread && isTaken(step, transition, from: state)
      }
      guard let found else {
        throw RaceTraceError(
          "step \(index + 1), '\(step.does)' of \(step.call), is none of \(program.spec.name)'s "
            + "there: the trace is of another version, or of a mutated spec")
      }
      taken.append(TraceStep(label: found.label, state: found.state))
      state = found.state
    }
    return Trace(initial: program.initial, steps: taken)
  }

  private func transitions(from state: [Int]) throws(RaceTraceError) -> [Transition] {
    do throws(SpecError) {
      return try interpreter.transitions(from: state)
    } catch {
      throw RaceTraceError(error.description)
    }
  }

  private func isTaken(
    _ step: RecordedRun.Step, _ transition: Transition, from state: [Int]
  ) -> Bool {
    let label = transition.label
    let outcome = label.outcome.map { program.outcomes[$0].text }
    let refusedBy = label.refusedBy.map { program.checks[$0].text }
    guard outcome == step.outcome, refusedBy == step.refusedBy,
      Self.withoutLocks(program.stepText(label)) == Self.withoutLocks(step.does)
    else { return false }
    // A thread that goes on with a call has said its arguments before.
    if label.source == 0 || label.thread == nil {
      let arguments = Array(label.choice.prefix(program.argumentCount(label)))
      guard program.callText(label, arguments: arguments) == step.call else { return false }
    }
    let changes = program.changes(from: state, to: transition.state).map {
      ($0.cell, [$0.before, $0.after])
    }
    return Dictionary(changes, uniquingKeysWith: { first, _ in first }) == step.changes ?? [:]
  }

  /// A trace names locks with their elements; which ones are taken stands in the changes too.
  private static func withoutLocks(_ text: String) -> Substring {
    let verbs = ["takes ", "releases "].compactMap { text.firstRange(of: $0)?.lowerBound }
    return text[..<(verbs.min() ?? text.endIndex)]
  }

  /// How the calls that are not over can end, whoever goes on first; what has ended is given.
  ///
  /// - Returns: by thread, how each of its calls ended; and the state then.
  func ends(
    of trace: Trace, _ ended: [Int: [SpecLanguage.Outcome]]
  ) throws(RaceTraceError) -> Set<End> {
    var ends: Set<End> = []
    let start = End(state: trace.last, outcomes: ended)
    var seen: Set<End> = [start]
    var open = [start]
    while let point = open.popLast() {
      // What begins would be a new call.
      let steps = try transitions(from: point.state).filter {
        $0.label.thread != nil && $0.label.source != 0
      }
      if steps.isEmpty, !program.isBusy(point.state) { ends.insert(point) }
      for step in steps {
        var next = End(state: step.state, outcomes: point.outcomes)
        if let outcome = step.label.outcome, let thread = step.label.thread {
          next.outcomes[thread, default: []].append(program.outcomes[outcome])
        }
        if seen.insert(next).inserted { open.append(next) }
      }
      guard seen.count <= Self.mostStates else {
        throw RaceTraceError("the calls can go on in too many ways after the trace's end")
      }
    }
    return ends
  }

  private static let mostStates = 20_000

  /// Where no call is under way.
  struct End: Hashable {
    let state: [Int]
    var outcomes: [Int: [SpecLanguage.Outcome]]
  }
}
