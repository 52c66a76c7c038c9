import CKVM
import ConformanceKit
import Glibc
import Synchronization

extension TestProcess {
  /// Has each thread make its calls, all of them let go at once and then held back by the delays
  /// of the attempt. A thread that has not ended when the limit passes has calls without an answer.
  func race(
    _ threads: [[Call]], plan: RacePlan, attempt: Int, limit: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard let delays = plan.delays(attempt, threads: threads.count) else { return nil }
    let board = RaceBoard(threads: threads.count)
    for number in threads.indices {
      let racer = Racer(
        process: self, calls: threads[number], number: number, delay: delays[number], board: board)
      try racer.start()
    }
    board.letGo(withinMilliseconds: limit)
    return try board.results(of: threads)
  }
}

/// By how much threads are held back, attempt by attempt: first not at all, then one and then the
/// other by more and more.
struct RacePlan: Sendable {
  /// How many attempts there are.
  var attempts = 12
  /// What the delays are multiples of, in nanoseconds; an emulated machine is slower.
  var unit: UInt64 = 1_000

  /// Nanoseconds for each thread; nil when there are no more attempts.
  func delays(_ attempt: Int, threads: Int) -> [UInt64]? {
    guard attempt < attempts, threads > 0 else { return nil }
    var delays = [UInt64](repeating: 0, count: threads)
    if attempt > 0 {
      let doubling = min((attempt - 1) / threads, 20)
      delays[(attempt - 1) % threads] = unit << UInt64(doubling)
    }
    return delays
  }
}

/// Where the threads of a race meet and leave their answers.
private final class RaceBoard: Sendable {
  private let ready = Atomic(0)
  private let ended = Atomic(0)
  private let isStarted = Atomic(false)
  private let answers: Mutex<[[Result<CallResult, BackendError>]]>
  private let threads: Int

  init(threads: Int) {
    self.threads = threads
    answers = Mutex(Array(repeating: [], count: threads))
  }

  /// A thread is there; it spins until all are, so that they go on together.
  func meet() {
    ready.add(1, ordering: .sequentiallyConsistent)
    while !isStarted.load(ordering: .acquiring) {}
  }

  func note(_ thread: Int, _ answer: Result<CallResult, BackendError>) {
    answers.withLock { $0[thread].append(answer) }
  }

  func end() { ended.add(1, ordering: .sequentiallyConsistent) }

  func letGo(withinMilliseconds limit: Int) {
    let deadline = ckvm_now() + UInt64(limit) * 1_000_000
    while ready.load(ordering: .acquiring) < threads, ckvm_now() < deadline { sched_yield() }
    isStarted.store(true, ordering: .releasing)
    while ended.load(ordering: .acquiring) < threads, ckvm_now() < deadline { usleep(100) }
  }

  func results(of calls: [[Call]]) throws(BackendError) -> [[CallResult]] {
    var results: [[CallResult]] = []
    for (given, answered) in zip(calls, answers.withLock({ $0 })) {
      var row: [CallResult] = []
      for answer in answered { row.append(try answer.get()) }
      while row.count < given.count { row.append(CallResult(.timeout)) }
      results.append(row)
    }
    return results
  }
}

/// One thread of a race.
private final class Racer: Sendable {
  private let process: TestProcess
  private let calls: [Call]
  private let number: Int
  private let delay: UInt64
  private let board: RaceBoard

  init(process: TestProcess, calls: [Call], number: Int, delay: UInt64, board: RaceBoard) {
    self.process = process
    self.calls = calls
    self.number = number
    self.delay = delay
    self.board = board
  }

  func start() throws(BackendError) {
    var thread = pthread_t()
    let racer = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Racer>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, racer.toOpaque())
    guard status == 0 else {
      racer.release()
      throw BackendError(.lost, "a thread cannot be made: errno \(status)")
    }
    pthread_detach(thread)
  }

  private func run() {
    ckvm_pin(Int32(number % max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    board.meet()
    let start = ckvm_now() + delay
    while ckvm_now() < start {}
    for call in calls {
      board.note(
        number, Result { () throws(BackendError) in try process.performPlainly(call) })
    }
    board.end()
  }
}
