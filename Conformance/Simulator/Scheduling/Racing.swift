import ConformanceKit
import Synchronization

/// Has threads make calls at once, in every way that has one preemption.
struct Racing: Sendable {
  /// Makes a call on one of the threads; a thread that waits for ever times out.
  typealias Caller = @Sendable (Call) -> Result<CallResult, BackendError>

  private var plan = PreemptionPlan()

  /// - Parameters:
  ///   - attempt: which of the ways; they are tried in order.
  ///   - callers: who makes the calls of each thread.
  /// - Returns: nil when there are no more ways.
  /// - Throws: what the first caller that failed throws.
  mutating func run(
    _ threads: [[Call]], attempt: Int, _ scheduler: Scheduler, _ callers: [Caller]
  ) throws(BackendError) -> [[CallResult]]? {
    guard let way = plan.way(attempt, threads: threads.count) else { return nil }
    let preemption = Preemption(first: way.first, after: way.after)
    let answers = Mutex([[Result<CallResult, BackendError>]](repeating: [], count: threads.count))
    let bodies = threads.indices.map { number -> @Sendable () -> Void in
      return {
        for call in threads[number] {
          let answer = callers[number](call)
          answers.withLock { $0[number].append(answer) }
        }
      }
    }
    scheduler.keepsTrace = false
    scheduler.run(bodies) { preemption.choose($0, $1) }
    scheduler.keepsTrace = true
    plan.learn(attempt, threads: threads.count, passed: preemption.passed)
    var results: [[CallResult]] = []
    for thread in answers.withLock({ $0 }) {
      var row: [CallResult] = []
      for answer in thread { row.append(try answer.get()) }
      results.append(row)
    }
    return results
  }
}
