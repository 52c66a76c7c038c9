/// The first call of a sequence to which a simulator answered otherwise than was recorded.
public struct ReplayDisagreement: Sendable {
  /// `FILE:LINE`.
  public let place: String
  /// The sequence's id.
  public let sequence: String
  /// Counted from 1.
  public let call: Int
  /// The call's name and arguments.
  public let text: String
  /// What differs: what the recording has and what the simulator gave.
  public let differences: [Difference]

  /// One thing that differs.
  public struct Difference: Sendable {
    public let what: String
    public let recorded: String
    public let got: String
  }
}
