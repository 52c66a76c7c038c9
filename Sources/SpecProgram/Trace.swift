import SpecLanguage

/// One step of a trace, with the state it leads to.
public struct TraceStep: Sendable {
  public let label: TransitionLabel
  public let state: [Int]

  public init(label: TransitionLabel, state: [Int]) {
    self.label = label
    self.state = state
  }
}

/// A run of the spec from its initial state, replayed by the interpreter.
public struct Trace: Sendable {
  public let initial: [Int]
  public let steps: [TraceStep]

  public init(initial: [Int], steps: [TraceStep]) {
    self.initial = initial
    self.steps = steps
  }

  /// The state after the last step.
  public var last: [Int] { steps.last?.state ?? initial }
}
