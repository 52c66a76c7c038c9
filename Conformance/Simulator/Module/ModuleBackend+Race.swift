import ConformanceKit

extension ModuleBackend {
  /// Every way with one preemption. A call's `lp` says where it is made, as ever; two threads have
  /// different ones.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard let scheduler else { throw BackendError(.unknownCall, "it makes no calls at once") }
    let before = names
    let callers = threads.map { _ in ModuleCaller(self) }
    let results = try racing.run(
      threads, attempt: attempt, scheduler, callers.map { caller in { caller.answer($0) } })
    for caller in callers { names.adopt(caller.names, since: before) }
    return results
  }

  /// What the module itself found wrong, and locks that nobody who holds them can give back.
  public mutating func conclude() throws(BackendError) -> [String] {
    let stop = module.stop.map { ["the module stopped: \($0)"] } ?? []
    guard module.lps.allSatisfy({ $0.guest == nil }) else { return stop }
    let locked = module.metadata.locked.map { "page 0x\(String($0.address, radix: 16)) is locked" }
    return stop + locked.sorted()
  }
}

/// A thread's own copy of a backend; the module behind the copies is one.
private final class ModuleCaller: @unchecked Sendable {
  private var backend: ModuleBackend

  init(_ backend: ModuleBackend) { self.backend = backend }

  var names: ModuleNames { backend.names }

  func answer(_ call: Call) -> Result<CallResult, BackendError> {
    Result { () throws(BackendError) in try backend.perform(call) }
  }
}
