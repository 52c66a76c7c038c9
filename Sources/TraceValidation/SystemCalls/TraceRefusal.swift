/// A call of a trace that a spec does not explain.
public struct TraceRefusal: Sendable {
  /// Where the call is: `FILE:LINE`.
  public let place: String
  public let line: Int
  public let pid: Int
  /// The call with its arguments, in the words of recordings.
  public let call: String
  /// What the trace has.
  public let recorded: String
  /// Arguments that the trace does not tell; for each value that they can have there is an answer
  /// in `allowed`.
  public let missing: [String]
  /// What the call may answer there, and the check that decides.
  public let allowed: [(answer: String, check: String)]
  /// The checks that the call came to, in order, in the first way of reading the trace.
  public let looked: [LookedAt]
  /// The fewest calls after which the call answers as recorded; nil when none were found.
  public let completion: [String]?
}

/// An edge of a spec that a trace takes.
public struct TraceEdge: Hashable, Sendable, Comparable {
  public let call: String
  public let answer: String
  /// What decided: a check, or that none refused.
  public let check: String

  public static func < (left: TraceEdge, right: TraceEdge) -> Bool {
    (left.call, left.answer, left.check) < (right.call, right.answer, right.check)
  }
}

extension KVMStep {
  /// The call with its arguments: `KVM_CREATE_VCPU id=0x0 new=vcpu0.0 on=vm0`.
  var text: String {
    guard case .members(let members) = arguments else { return op }
    let words = members.compactMap { name, value -> String? in
      switch value {
      case .null: nil
      case .text(let text): "\(name)=\(text)"
      default: "\(name)=\(value.json)"
      }
    }
    return ([op] + words).joined(separator: " ")
  }
}
