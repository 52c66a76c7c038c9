/// A file or a line that does not have the form it must have.
public struct FormatError: Error, Hashable, Sendable {
  /// Where in the document: `tests[3].steps[0].expect[1]`, or empty for the document itself.
  public let path: String
  /// The line, from 1, where the text itself is broken; nil where a value is.
  public let line: Int?
  /// What is wrong, for a person.
  public let problem: String

  /// A format error.
  public init(path: String = "", line: Int? = nil, problem: String) {
    self.path = path
    self.line = line
    self.problem = problem
  }
}

extension FormatError: CustomStringConvertible {
  /// `tests[3].steps[0].call.name: is missing`, or `line 7: ...` for broken text.
  public var description: String {
    var parts: [String] = []
    if let line { parts.append("line \(line)") }
    if !path.isEmpty { parts.append(path) }
    return (parts + [problem]).joined(separator: ": ")
  }
}

extension FormatError {
  /// The path of a decoder as people write it: names with dots, positions in brackets.
  static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }

  /// What a decoder's error says about which field.
  init(_ error: DecodingError) {
    switch error {
    case .typeMismatch(_, let context), .dataCorrupted(let context):
      self.init(path: FormatError.path(context.codingPath), problem: context.debugDescription)
    case .valueNotFound(_, let context):
      self.init(path: FormatError.path(context.codingPath), problem: "must not be null")
    case .keyNotFound(let key, let context):
      self.init(path: FormatError.path(context.codingPath + [key]), problem: "is missing")
    @unknown default:
      self.init(problem: "cannot be read")
    }
  }
}
