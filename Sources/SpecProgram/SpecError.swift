import SpecLanguage

/// A mistake in a spec, or a value that does not fit one: a code, a place and what to do.
public struct SpecError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `TDX1xxx` for the text of a spec, `TDX2xxx` for scopes and parameters, `TDX3xxx` for a step
  /// that went wrong while it was executed.
  public let code: String
  public let message: String
  public let location: SourceLocation?
  public let suggestion: String?

  public init(
    _ code: String, _ message: String, at location: SourceLocation? = nil,
    suggestion: String? = nil
  ) {
    self.code = code
    self.message = message
    self.location = location
    self.suggestion = suggestion
  }

  public var description: String {
    let place = location.map { "\($0): " } ?? ""
    let hint = suggestion.map { "; \($0)" } ?? ""
    return "\(place)error \(code): \(message)\(hint)"
  }
}
