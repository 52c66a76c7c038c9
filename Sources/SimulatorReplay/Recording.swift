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

  /// The sequences on which the simulator without a fault agrees: on others a fault shows nothing.
  ///
  /// - Throws: for a recording that is not of the format.
  public func agreed(_ subject: FaultTally.Subject) throws(TraceError) -> Recording {
    var kept = self
    kept.lines = []
    for line in lines {
      var single = self
      single.lines = [line]
      let differs: Bool
      switch subject {
      case .module:
        var replay = SimulatedModuleReplay(limit: 1)
        differs = try replay.differs(from: single)
      case .kernel:
        var replay = SimulatedKVMReplay(limit: 1)
        differs = try replay.differs(from: single)
      }
      if !differs { kept.lines.append(line) }
    }
    return kept
  }
}
