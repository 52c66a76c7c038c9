import TraceValidation

/// Makes the calls of recordings on a simulator, sequence by sequence.
package protocol SimulatedReplay {
  /// The first disagreements, one a sequence.
  var disagreements: [ReplayDisagreement] { get }

  /// Replays a sequence until a call disagrees.
  ///
  /// - Throws: for a sequence that is not of the format.
  mutating func replay(_ value: TraceValue, _ place: String) throws
}

extension SimulatedReplay {
  /// Replays every sequence of a file. Time is linear in the number of calls.
  ///
  /// - Throws: `unusable` for a line that is not of the format, `torn` for a file that ends within
  ///   a line; what came before counts.
  package mutating func check(file path: String) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      try check(Recording.Line(place: "\(path):\(line + 1)", value: value))
    }
  }

  /// Replays a recording until a call disagrees; whether one did.
  ///
  /// - Throws: `unusable` for a sequence that is not of the format.
  package mutating func differs(from recording: Recording) throws(TraceError) -> Bool {
    for line in recording.lines {
      try check(line)
      if !disagreements.isEmpty { return true }
    }
    return false
  }

  private mutating func check(_ line: Recording.Line) throws(TraceError) {
    do {
      try replay(line.value, line.place)
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError(.unusable, "\(line.place): \(error)")
    }
  }
}

/// One sequence on its way: what agreed, and where it was left.
struct SequenceRun {
  let id: String
  let place: String
  var tally: ReplayTally

  /// A call as it is counted.
  struct Counted {
    let name: String
    let answer: String
    let text: String
    var isCompared = true
  }

  /// Compares call by call until one differs; the rest is counted as not reached.
  ///
  /// - Returns: the disagreement, if any.
  mutating func follow(
    _ calls: [Counted], _ compare: (Int) throws -> [ReplayDisagreement.Difference]
  ) throws -> ReplayDisagreement? {
    tally.sequences += 1
    for (index, call) in calls.enumerated() {
      let differences = try compare(index)
      if call.isCompared { tally.add(call.name, call.answer, agreed: differences.isEmpty) }
      guard !differences.isEmpty else { continue }
      for later in calls.dropFirst(index + 1) where later.isCompared {
        tally.skip(later.name, later.answer)
      }
      return ReplayDisagreement(
        place: place, sequence: id, call: index + 1, text: call.text, differences: differences)
    }
    return nil
  }
}
