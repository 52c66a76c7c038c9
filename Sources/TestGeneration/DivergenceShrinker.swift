import ConformanceKit

/// A call that a system answered as the spec does not allow, and the calls before it.
public struct Divergence: Sendable {
  /// In order; the last one diverges.
  public let calls: [Call]
  public let allowed: [SpecOracle.Allowed]
  public let actual: ConformanceKit.Outcome
}

/// Makes a divergence short, with the system in the loop: calls are left out as long as one of the
/// same name still diverges (delta debugging; Zeller, Hildebrandt 2002).
public struct DivergenceShrinker {
  private let oracle: SpecOracle
  /// How many more sequences of calls may be tried.
  private var triesLeft: Int

  public init(_ oracle: SpecOracle, tries: Int = 200) {
    self.oracle = oracle
    triesLeft = tries
  }

  /// Why nothing came of it.
  public enum Failure: Error {
    case backend(BackendError)
    case machine(MachineError)
  }

  /// The first call of a sequence that the system answers wrongly; nil when there is none.
  ///
  /// Calls that the spec does not have, or does not let happen, are left out.
  public func divergence<B: Backend & ~Copyable>(
    in calls: [Call], on backend: inout B
  ) throws(Failure) -> Divergence? {
    do throws(BackendError) { try backend.reset() } catch { throw .backend(error) }
    var knowledge: SpecOracle.Knowledge
    do throws(MachineError) { knowledge = try oracle.beginning() } catch { throw .machine(error) }
    var made: [Call] = []
    for call in calls {
      let allowed: [SpecOracle.Allowed]?
      do throws(MachineError) { allowed = try oracle.allowed(call, knowledge) } catch {
        throw .machine(error)
      }
      guard let allowed else { continue }
      made.append(call)
      let result: CallResult
      do throws(BackendError) { result = try backend.perform(call) } catch {
        throw .backend(error)
      }
      guard let way = allowed.first(where: { $0.expected.accepts(result.outcome) }) else {
        return Divergence(calls: made, allowed: allowed, actual: result.outcome)
      }
      knowledge = way.then
    }
    return nil
  }

  /// The shortest divergence that was found; nil when the calls show none once more.
  public mutating func shrink<B: Backend & ~Copyable>(
    _ calls: [Call], on backend: inout B
  ) throws(Failure) -> Divergence? {
    guard var best = try divergence(in: calls, on: &backend) else { return nil }
    var size = max(1, best.calls.count / 2)
    while true {
      var isShorter = false
      var start = 0
      while start < best.calls.count - 1, triesLeft > 0 {
        triesLeft -= 1
        let end = min(start + size, best.calls.count - 1)
        let fewer = Array(best.calls[..<start] + best.calls[end...])
        let found = try divergence(in: fewer, on: &backend)
        if let found, found.calls.last?.name == best.calls.last?.name,
          found.calls.count < best.calls.count
        {
          best = found
          isShorter = true
        } else {
          start = end
        }
      }
      if triesLeft == 0 || (size == 1 && !isShorter) { return best }
      if !isShorter || size > 1 { size = max(1, size / 2) }
    }
  }
}

extension Divergence {
  /// The calls with the answers that the spec gives, and why it gives another than came.
  public func explanation(_ oracle: SpecOracle) -> [String] {
    var lines = ["shortest way found, \(calls.count) call\(calls.count == 1 ? "" : "s"):"]
    lines += calls.map { "  \($0)" }
    let answers = allowed.map(\.outcome.text).joined(separator: " or ")
    lines.append("the spec answers \(answers), the backend answered \(actual)")
    for way in allowed {
      for check in way.checks {
        lines.append("  \(way.outcome.text) because “\(check.text)” fails (\(check.location))")
      }
      if way.checks.isEmpty, way.outcome.kind == .success {
        lines.append("  \(way.outcome.text) because no check fails")
      }
    }
    let others = oracle.checks(of: calls.last, answering: actual)
    for check in others.prefix(4) {
      lines.append("  the backend answered as if “\(check.text)” failed (\(check.location))")
    }
    return lines
  }
}
