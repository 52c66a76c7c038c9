/// Why a kernel was not built.
public struct KernelBuildError: Error, Hashable, CustomStringConvertible {
  /// What kind of reason.
  public enum Kind: Hashable, Sendable {
    /// The source or an option cannot be used.
    case unusable
    /// Programs or headers that the build needs are not installed.
    case missing
    /// A program of the build ended otherwise than it should.
    case failed
    /// The user ended it.
    case interrupted
  }

  /// What kind of reason.
  public let kind: Kind
  /// In words, with the file it is about.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
