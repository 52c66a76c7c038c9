import Synchronization

/// Where in a spec's Swift source something was written.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  /// `Module/File.swift`, as `#fileID` gives it.
  public let file: String
  /// 1-based line.
  public let line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  public var description: String { "\(file):\(line)" }
}

/// Hands out identities to variables, bound names and locals.
///
/// An identity only has to be unique in the process. Whatever must be stable between runs (names,
/// order, hashes) comes from the order of declaration in the spec instead.
enum Identity {
  private static let counter = Mutex(0)

  static func next() -> Int {
    counter.withLock { value in
      value += 1
      return value
    }
  }
}
