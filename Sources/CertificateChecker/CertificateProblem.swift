/// Why a certificate or a suite does not show what it claims.
public struct CertificateProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which condition fails.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A file cannot be read, or a field is missing or of the wrong type.
    case form
    /// The machine is not deterministic, a number is out of range, outputs overlap.
    case machine
    /// A sequence of the cover does not lead to its state.
    case cover
    /// A word does not separate the states that it is for, or a pair has none.
    case separation
    /// A test expects something else than the machine gives.
    case test
    /// The suite lacks a test that completeness needs.
    case coverage
  }

  public let kind: Kind
  /// What is wrong, with the place.
  public let message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The kind and the message.
  public var description: String { "\(kind.rawValue): \(message)" }
}
