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
  /// For a lasso: how many steps lead to the state that the rest comes back to, for ever. When
  /// that is all of them, the run stays in the last state. `nil` for a finite run.
  public let loop: Int?

  public init(initial: [Int], steps: [TraceStep], loop: Int? = nil) {
    self.initial = initial
    self.steps = steps
    self.loop = loop
  }

  /// The state after the last step.
  public var last: [Int] { steps.last?.state ?? initial }
}
