import ConformanceKit
import SpecLanguage
import SpecProgram

/// The calls of a run, in the order in which they begin.
struct RunCalls {
  /// A call, or an event without a thread.
  struct Made {
    let name: String
    let thread: Int?
    let procedure: Int
    let arguments: [Int]
    /// The number of its first step, from 0.
    let first: Int
    /// That of its last one so far.
    fileprivate(set) var last: Int
    /// Nil where the run ends before the call does.
    fileprivate(set) var outcome: SpecLanguage.Outcome?
  }

  private(set) var all: [Made] = []

  init(_ program: Program, _ trace: Trace) {
    var open: [Int: Int] = [:]
    for (number, step) in trace.steps.enumerated() {
      let label = step.label
      if label.source == 0 || label.thread == nil {
        if let thread = label.thread { open[thread] = all.count }
        all.append(
          Made(
            name: program.actionName(label.procedure), thread: label.thread,
            procedure: label.procedure,
            arguments: Array(label.choice.prefix(program.argumentCount(label))), first: number,
            last: number))
      }
      let call = label.thread.flatMap { open[$0] } ?? all.count - 1
      all[call].last = number
      all[call].outcome = label.outcome.map { program.outcomes[$0] }
    }
  }

  /// The first call during which another thread's call begins.
  var firstOverlap: Int? {
    all.indices.first { index in
      all[(index + 1)...].contains { later in
        later.thread != nil && all[index].thread != nil && later.thread != all[index].thread
          && (later.first < all[index].last || all[index].outcome == nil)
      }
    }
  }
}

/// A run's calls in words of a kernel.
struct RaceWords {
  private let actions: [Int: CallerAction]
  private let words: KernelWords
  private let built: BuiltCalls

  init(_ program: Program) {
    let all = program.callerActions.map { ($0.procedure, $0) }
    actions = Dictionary(all, uniquingKeysWith: { first, _ in first })
    words = KernelWords(program.scope)
    built = BuiltCalls(program.scope)
  }

  /// A call of a thread.
  func call(_ made: RunCalls.Made) throws(RaceTraceError) -> Call {
    guard let call = input(made).flatMap(words.call) else {
      throw RaceTraceError(
        "step \(made.first + 1): \(made.name) with these arguments has no words of a kernel")
    }
    return call
  }

  private func input(_ made: RunCalls.Made) -> Call? {
    actions[made.procedure].map { CallInput($0, made.arguments).call }
  }

  /// What is called alone, each with what it answered.
  func prefix(_ all: [RunCalls.Made]) throws(RaceTraceError) -> [RaceTrial.Step] {
    var prefix: [RaceTrial.Step] = []
    for made in all {
      if made.thread == nil {
        guard let input = input(made), input.name == BuiltCalls.event,
          let calls = built.calls(ClassArguments(input))
        else {
          throw RaceTraceError(
            "step \(made.first + 1), '\(made.name)', is nothing that a call does")
        }
        prefix += calls.map { .init(call: $0, expected: .success) }
      } else {
        let outcome = made.outcome ?? .ok
        prefix.append(
          .init(
            call: try call(made), expected: SeenAnswer(outcome: outcome, observed: [:]).expected))
      }
    }
    return prefix
  }
}
