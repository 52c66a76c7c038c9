import SpecLanguage

/// The same calls as in a counterexample with one piece of them moved or one call left out, so that
/// the property holds all along.
public struct Twin: Sendable {
  /// What makes the twin of the counterexample; step numbers count from 0.
  public enum Change: Hashable, Sendable {
    /// Some steps in a row of one actor come before another step.
    case earlier(steps: Range<Int>, before: Int)
    /// Some steps in a row of one actor come after another step.
    case later(steps: Range<Int>, after: Int)
    /// A call is left out, all of its steps.
    case without(steps: [Int])
  }

  /// A step that does something else in the twin.
  public struct Difference: Hashable, Sendable {
    /// The number of the step in the counterexample.
    public let step: Int
    /// The number of the step in the twin.
    public let twinStep: Int
  }

  public let change: Change
  /// The twin's steps; calls that the counterexample leaves unfinished go on to their ends.
  public let trace: Trace
  /// How many of its steps stand for steps of the counterexample; the others end calls.
  public let counterparts: Int
  /// The first step with another name, another answer or other changes.
  public let difference: Difference?
  /// The cells that have another value in the counterexample's last state (`before`) than when the
  /// twin has come as far (`after`).
  public let cells: [CellChange]
}

/// What a search for a twin came to.
public enum TwinAnswer: Sendable {
  case found(Twin)
  /// No change of the kinds that are tried makes the calls pass.
  case none
  /// The budget ended after so many tries.
  case open(tried: Int)
}
