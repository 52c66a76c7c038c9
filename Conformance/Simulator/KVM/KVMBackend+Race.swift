import ConformanceKit

extension KVMBackend {
  /// Every way with one preemption, thread n on LP n. A thread that waits for ever times out.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard let scheduler else { throw BackendError(.unknownCall, "it makes no calls at once") }
    let callers = threads.indices.map { number -> Racing.Caller in
      let thread = ThreadBackend(self, lp: number)
      return { thread.answer($0) }
    }
    return try racing.run(threads, attempt: attempt, scheduler, callers)
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
