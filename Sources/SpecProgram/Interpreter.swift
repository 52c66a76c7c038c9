import SpecLanguage

/// What one transition was, for people and for replay.
public struct TransitionLabel: Hashable, Sendable {
  /// Index into the program's procedures.
  public let procedure: Int
  /// The thread, or `nil` for a one-step action.
  public let thread: Int?
  /// Where the thread stood; 0 when the call starts here.
  public let source: Int
  /// Arguments when a call starts here, or the element a loop takes.
  public let choice: [Int]
  /// The check that refused the call, if one did.
  public internal(set) var refusedBy: Int?
  /// How the call ended, if it ended here: an index into `outcomes`.
  public internal(set) var outcome: Int?
  /// The node whose step was taken, for its name.
  public internal(set) var node: Int
}

/// A state's successor.
public struct Transition: Hashable, Sendable {
  public let state: [Int]
  public let label: TransitionLabel
  /// The checks that the step passed, in order: indices into the program's checks.
  let passed: [Int]
}

/// The reference semantics: evaluates one call with concrete arguments, on demand.
///
/// Slow and plain on purpose: every faster evaluator is tested against it.
public struct Interpreter: Sendable {
  public let program: Program

  public init(_ program: Program) { self.program = program }

  /// All transitions out of a state, in a fixed order.
  ///
  /// - Throws: `TDX3xxx` when a step is not well defined (a value out of range, two writes of one
  ///   cell).
  public func transitions(from state: [Int]) throws(SpecError) -> [Transition] {
    var result: [Transition] = []
    for procedure in program.procedures where !procedure.isThreaded {
      try start(procedure, thread: nil, state, &result)
    }
    for (thread, layout) in program.threads.enumerated() {
      let location = state[layout.location]
      if location == 0 {
        for procedure in program.procedures where program.mayRun(procedure, thread) {
          try start(procedure, thread: thread, state, &result)
        }
      } else {
        try goOn(thread, state, &result)
      }
    }
    return result
  }

  private func start(
    _ procedure: Procedure, thread: Int?, _ state: [Int], _ result: inout [Transition]
  ) throws(SpecError) {
    let spans = procedure.frameSpans.prefix(procedure.action.arguments.count)
    for choice in Combinations(Array(spans)) {
      try begin(procedure, choice, thread: thread, state, &result)
    }
  }

  /// Appends the first steps of one call.
  func begin(
    _ procedure: Procedure, _ arguments: [Int], thread: Int?, _ state: [Int],
    _ result: inout [Transition]
  ) throws(SpecError) {
    var run = Run(program, procedure, thread, state)
    for (index, value) in arguments.enumerated() { run.registers[index] = value }
    run.label = TransitionLabel(
      procedure: procedure.index, thread: thread, source: 0, choice: arguments, refusedBy: nil,
      outcome: nil, node: procedure.entry)
    try run.toVisibleStep(procedure.entry, &result)
  }

  /// Appends the next steps of a thread that is inside a call.
  func goOn(
    _ thread: Int, _ state: [Int], _ result: inout [Transition]
  ) throws(SpecError) {
    let location = state[program.threads[thread].location]
    let place = program.locations[location]
    var run = Run(program, program.procedures[place.procedure], thread, state)
    run.loadFrame()
    try run.resume(at: place.node, location: location, &result)
  }

  /// The value of a property's condition in a state.
  public func holds(_ property: ResolvedProperty, in state: [Int]) throws(SpecError) -> Bool {
    try truth(of: property.term, property.registerCount, in: state)
  }

  func truth(of term: Term, _ registers: Int, in state: [Int]) throws(SpecError) -> Bool {
    var environment = Environment(program, state, thread: 0, registers: registers)
    return try environment.value(of: term) != 0
  }
}

/// All tuples of numbers below the given counts, in lexicographic order.
struct Combinations: Sequence, IteratorProtocol {
  private let counts: [Int]
  private var current: [Int]?

  init(_ counts: [Int]) {
    self.counts = counts
    current = counts.allSatisfy { $0 > 0 } ? counts.map { _ in 0 } : nil
  }

  mutating func next() -> [Int]? {
    guard let result = current else { return nil }
    var following = result
    var position = counts.count - 1
    while position >= 0 {
      following[position] += 1
      if following[position] < counts[position] { break }
      following[position] = 0
      position -= 1
    }
    current = position < 0 ? nil : following
    return result
  }
}
