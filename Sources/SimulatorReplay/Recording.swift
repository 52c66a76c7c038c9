import TraceValidation

/// The sequences of recordings, read once to be replayed often.
public struct Recording: Sendable {
  struct Line: Sendable {
    let place: String
    let value: TraceValue
  }

  private(set) var lines: [Line] = []

  /// Reads a file. Time and memory are linear in its unpacked size.
  ///
  /// - Throws: `unusable` for a line that is no JSON, `torn` for a file that ends within a line.
  public init(_ path: String) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      lines.append(Line(place: "\(path):\(line + 1)", value: value))
    }
  }
}
