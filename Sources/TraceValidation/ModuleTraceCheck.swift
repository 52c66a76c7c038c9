import SpecLanguage
import SpecProgram

/// How far a check has come.
public struct TraceProgress: Sendable {
  public let sequences: Int
  /// Of all files opened so far.
  public let allSequences: Int
  public let calls: Int
}

/// Compares recordings of the TDX module with a spec (`--format tdx-module`).
public struct ModuleTraceCheck {
  /// The spec that recordings are compared with, and its scope.
  public static let spec = ModulePlatform.spec
  public static let scope = ModulePlatform.scope

  private let replay: ModuleReplay
  public private(set) var tally = ReplayTally()
  /// The first disagreements, one a sequence.
  public private(set) var disagreements: [TraceDisagreement] = []
  private let limit: Int

  /// - Parameters:
  ///   - program: the spec at the recording's sizes.
  ///   - limit: how many disagreements are kept.
  /// - Throws: when the spec has not the recording's sizes or lacks a variable.
  public init(_ program: Program, limit: Int) throws(TraceError) {
    replay = try ModuleReplay(program)
    self.limit = limit
  }

  /// Replays every sequence of a file.
  ///
  /// Time is linear in the number of calls; a few microseconds each.
  ///
  /// - Throws: `unusable` for a line that is not of the format, `torn` for a file that ends within
  ///   a line; what came before is in `tally`.
  public mutating func check(
    file path: String, progress: (TraceProgress) -> Void
  ) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      try check(value, "\(path):\(line + 1)")
      progress(
        TraceProgress(
          sequences: line + 1, allSequences: file.lines.count, calls: tally.total.compared))
    }
  }

  private mutating func check(_ value: TraceValue, _ place: String) throws(TraceError) {
    do throws(ModuleCallError) {
      guard let id = value["id"]?.text, case .list(let list)? = value["calls"] else {
        throw ModuleCallError("a sequence has an id and calls")
      }
      var calls: [ModuleCall] = []
      for call in list { calls.append(try ModuleCall(call)) }
      tally.sequences += 1
      var compared = 0
      var counted = tally
      let disagreement = try replay.replay(calls, id, place) { leaf, answer, agreed in
        counted.add(leaf, answer, agreed: agreed)
        compared += 1
      }
      for call in calls.dropFirst(compared) { counted.skip(call.leaf, call.answer) }
      tally = counted
      if let disagreement, disagreements.count < limit { disagreements.append(disagreement) }
    } catch {
      throw TraceError(.unusable, "\(place): \(error.message)")
    }
  }
}
