import ConformanceKit
import Synchronization

/// Calls that several threads of one process make at once, after some that one thread makes.
public struct ConcurrentRun: Sendable {
  /// Made first, one after the other.
  public var setup: [Call]
  /// What each thread then calls. Thread n runs on LP n.
  public var threads: [[Call]]
  /// Made last, one after the other.
  public var finish: [Call]
  /// What guests do, by the id of their vCPU.
  public var guestEvents: [Int: [GuestEvent]] = [:]

  public init(setup: [Call], threads: [[Call]], finish: [Call] = []) {
    self.setup = setup
    self.threads = threads
    self.finish = finish
  }

  /// Runs the calls over the simulated module in the order that the chooser makes.
  ///
  /// - Throws: what a backend throws about a call of the setup or the finish.
  public func run(
    _ profile: KernelProfile, faults: [Fault] = [], _ choose: @escaping Scheduler.Chooser
  ) throws(BackendError) -> ConcurrentReport {
    let scheduler = Scheduler()
    var backend = KVMBackend(profile, hasModule: true, faults: faults, scheduler: scheduler)
    for call in setup { _ = try backend.perform(call) }
    backend.host.guestEvents = guestEvents.mapValues { $0[...] }
    let results = Mutex([[CallResult]](repeating: [], count: threads.count))
    let bodies = threads.indices.map { number -> @Sendable () -> Void in
      let thread = ThreadBackend(backend, lp: number)
      return {
        for call in threads[number] {
          guard case .success(let result) = thread.answer(call) else { continue }
          results.withLock { $0[number].append(result) }
        }
      }
    }
    scheduler.run(bodies, choose)
    for call in finish { _ = try backend.perform(call) }
    return ConcurrentReport(
      results: results.withLock { $0 }, trace: scheduler.trace.map(\.thread),
      hasDeadlocked: scheduler.hasDeadlocked, bugs: backend.host.bugs,
      leftovers: backend.host.leftovers, guestReads: backend.host.guestReads)
  }
}

/// What came of a concurrent run.
public struct ConcurrentReport: Sendable {
  /// The results of each thread's calls, in order.
  public let results: [[CallResult]]
  /// Which thread stood at each point: the schedule, to follow it again.
  public let trace: [Int]
  /// Threads waited for each other.
  public let hasDeadlocked: Bool
  /// What KVM found broken.
  public let bugs: [String]
  /// What was left in the machine.
  public let leftovers: [String]
  /// What guests read; nil is garbage.
  public let guestReads: [UInt64?]

  /// Nothing went wrong: no deadlock, no bug, nothing left.
  public var isSound: Bool { !hasDeadlocked && bugs.isEmpty && leftovers.isEmpty }
}
