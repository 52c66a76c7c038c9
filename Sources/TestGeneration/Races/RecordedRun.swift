import Foundation

/// A run of a spec as `tdxspec check --json` writes it (docs/events.md).
public struct RecordedRun: Sendable {
  /// The spec's name.
  public let spec: String
  /// The id of the property that the run decides.
  public let property: String
  /// Every parameter with its value.
  public let scope: [String: Int]
  let steps: [Step]

  /// One step as people read it.
  struct Step: Decodable, Sendable {
    let thread: Int?
    let call: String
    let does: String
    let outcome: String?
    let refusedBy: String?
    /// Cell to values before and after.
    let changes: [String: [String]]?

    private enum CodingKeys: String, CodingKey {
      case thread
      case call
      case does
      case outcome
      case refusedBy = "refused_by"
      case changes
    }
  }

  /// The first run among the events of a file.
  ///
  /// - Throws: where a line is no event, and where no event has a run.
  public init(events bytes: [UInt8]) throws(RaceTraceError) {
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      // Not the kit's strict JSON: seconds have fractions.
      guard let event = try? JSONDecoder().decode(Event.self, from: Data(line)) else {
        throw RaceTraceError("line \(number + 1) is no event of check --json")
      }
      guard event.event == "verdict", let run = event.counterexample ?? event.witness else {
        continue
      }
      guard let spec = event.spec, let property = event.property, let scope = event.scope else {
        throw RaceTraceError("line \(number + 1): a verdict has spec, property and scope")
      }
      self.spec = spec
      self.property = property
      self.scope = scope
      steps = run.trace
      return
    }
    throw RaceTraceError(
      "there is no counterexample or witness; tdxspec check --json --output FILE writes one")
  }

  private struct Event: Decodable {
    let event: String
    let spec: String?
    let property: String?
    let scope: [String: Int]?
    let counterexample: Run?
    let witness: Run?
  }

  private struct Run: Decodable { let trace: [Step] }
}

/// Why no race can be made of a trace.
public struct RaceTraceError: Error, Hashable, CustomStringConvertible {
  public let description: String

  init(_ problem: String) { description = problem }
}
