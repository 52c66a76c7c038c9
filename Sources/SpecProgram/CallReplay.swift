import SpecLanguage

/// The calls of a trace, to be carried out in other orders with the interpreter.
struct CallReplay {
  /// One call of the trace, or an event.
  struct Call {
    let procedure: Int
    let thread: Int?
    let arguments: [Int]
    /// The numbers of its steps.
    var steps: [Int]
    /// Whether it ends within the trace.
    var ends: Bool
  }

  /// A run of the calls in another order.
  struct Run {
    var steps: [TraceStep]
    /// For each step of the original that was taken: its number in this run.
    var places: [Int: Int] = [:]
    /// How many of the steps stand for steps of the original.
    var counterparts = 0
    fileprivate var cells: [Int]
    fileprivate var open: [Int: Int] = [:]
    fileprivate var ended: Set<Int> = []

    init(_ initial: [Int]) {
      cells = initial
      steps = []
    }
  }

  let program: Program
  let trace: Trace
  private(set) var calls: [Call] = []
  /// For each step of the trace: its call.
  private(set) var callOfStep: [Int] = []
  private let interpreter: Interpreter
  /// A call that takes more steps than this is taken to have no end.
  private static var mostSteps: Int { 1_000 }

  init(_ program: Program, _ trace: Trace) {
    self.program = program
    self.trace = trace
    interpreter = Interpreter(program)
    var open: [Int: Int] = [:]
    for (number, step) in trace.steps.enumerated() {
      let label = step.label
      let call: Int
      if label.source != 0, let thread = label.thread, let known = open[thread] {
        call = known
      } else {
        call = calls.count
        calls.append(
          Call(
            procedure: label.procedure, thread: label.thread,
            arguments: Array(label.choice.prefix(program.argumentCount(label))), steps: [],
            ends: false))
      }
      if let thread = label.thread { open[thread] = call }
      calls[call].steps.append(number)
      if label.outcome != nil || label.thread == nil { calls[call].ends = true }
      callOfStep.append(call)
    }
  }

  /// The steps of the trace before a number, as a run.
  func beginning(before count: Int) -> Run {
    var run = Run(trace.initial)
    for (number, step) in trace.steps.prefix(count).enumerated() {
      run.places[number] = number
      record(step, callOfStep[number], &run)
    }
    return run
  }

  private func record(_ step: TraceStep, _ call: Int, _ run: inout Run) {
    run.steps.append(step)
    run.cells = step.state
    guard let thread = step.label.thread else {
      run.ended.insert(call)
      return
    }
    if step.label.outcome == nil {
      run.open[thread] = call
    } else {
      run.open[thread] = nil
      run.ended.insert(call)
    }
  }

  /// Takes the step of a call that stands for a step of the trace. A call that has ended before
  /// needs none; one that ends later than in the trace goes on to its end at its last step.
  ///
  /// - Returns: false when it cannot go on.
  func take(_ number: Int, _ run: inout Run) throws(SpecError) -> Bool {
    let call = callOfStep[number]
    if run.ended.contains(call) { return true }
    guard try advance(call, like: trace.steps[number].label, &run) else { return false }
    run.places[number] = run.steps.count - 1
    guard calls[call].ends, calls[call].steps.last == number else { return true }
    return try finish(call, &run)
  }

  private func finish(_ call: Int, _ run: inout Run) throws(SpecError) -> Bool {
    var steps = 0
    while !run.ended.contains(call) {
      steps += 1
      guard steps <= Self.mostSteps, try advance(call, like: nil, &run) else { return false }
    }
    return true
  }

  /// Lets the calls that are not over go on in turn as long as any can.
  ///
  /// - Returns: false when that has no end.
  func finishAll(_ run: inout Run) throws(SpecError) -> Bool {
    var steps = 0
    var canGoOn = true
    while canGoOn {
      canGoOn = false
      for (_, call) in run.open.sorted(by: { $0.key < $1.key }) {
        while run.open.values.contains(call), try advance(call, like: nil, &run) {
          canGoOn = true
          steps += 1
          guard steps <= Self.mostSteps else { return false }
        }
      }
    }
    return true
  }

  /// Whether threads are inside calls and nothing can happen.
  func isStuck(_ run: Run) throws(SpecError) -> Bool {
    guard program.isBusy(run.cells) else { return false }
    return try interpreter.transitions(from: run.cells).isEmpty
  }

  /// Takes the next step of a call, the one most like another where there is a choice.
  private func advance(
    _ call: Int, like wanted: TransitionLabel?, _ run: inout Run
  ) throws(SpecError) -> Bool {
    var ways: [Transition] = []
    if let thread = calls[call].thread, run.open[thread] == call {
      try interpreter.goOn(thread, run.cells, &ways)
    } else {
      if let thread = calls[call].thread, run.open[thread] != nil { return false }
      try interpreter.begin(
        program.procedures[calls[call].procedure], calls[call].arguments,
        thread: calls[call].thread, run.cells, &ways)
    }
    let way =
      ways.first { $0.label == wanted }
      ?? ways.first { $0.label.node == wanted?.node && $0.label.choice == wanted?.choice }
      ?? ways.first
    guard let way else { return false }
    record(TraceStep(label: way.label, state: way.state), call, &run)
    return true
  }
}
