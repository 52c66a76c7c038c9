import ConformanceKit
import Synchronization

extension KVMBackend {
  /// Every way with one preemption, thread n on LP n. A thread that waits for ever times out.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard let scheduler else { throw BackendError(.unknownCall, "it makes no calls at once") }
    guard let way = preemptions.way(attempt, threads: threads.count) else { return nil }
    let preemption = Preemption(first: way.first, after: way.after)
    let answers = Mutex([[Result<CallResult, BackendError>]](repeating: [], count: threads.count))
    let bodies = threads.indices.map { number -> @Sendable () -> Void in
      let thread = ThreadBackend(self, lp: number)
      return {
        for call in threads[number] {
          let answer = thread.answer(call)
          answers.withLock { $0[number].append(answer) }
        }
      }
    }
    scheduler.run(bodies) { preemption.choose($0, $1) }
    preemptions.learn(attempt, threads: threads.count, passed: preemption.passed)
    var results: [[CallResult]] = []
    for thread in answers.withLock({ $0 }) {
      var row: [CallResult] = []
      for answer in thread { row.append(try answer.get()) }
      results.append(row)
    }
    return results
  }

  /// The process ends; what KVM found broken, what is left in the machine.
  public mutating func conclude() throws(BackendError) -> [String] {
    endProcess()
    return host.bugs.map { "KVM_BUG_ON: \($0)" } + host.leftovers
  }
}

/// A thread's own copy of a backend; the machine behind the copies is one.
final class ThreadBackend: @unchecked Sendable {
  private var backend: KVMBackend

  init(_ backend: KVMBackend, lp: Int) {
    self.backend = backend
    self.backend.lp = lp
  }

  /// What the call gave, or why the backend does not make it.
  func answer(_ call: Call) -> Result<CallResult, BackendError> {
    Result { () throws(BackendError) in try backend.perform(call) }
  }
}
