import Foundation
import Synchronization

/// A thread that is kept for the next piece of work: to make one takes longer than most calls.
final class Worker: Sendable {
  private let mailbox = Mailbox()

  init() {
    let mailbox = mailbox
    let thread = Thread {
      while let work = mailbox.take() { work() }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Hands it work; what was handed to it before has ended.
  func begin(_ work: @escaping @Sendable () -> Void) { mailbox.put(work) }

  /// Ends the thread after its work.
  func stop() { mailbox.put(nil) }
}

private final class Mailbox: Sendable {
  private let filled = DispatchSemaphore(value: 0)
  private let work = Mutex<(@Sendable () -> Void)?>(nil)

  func put(_ next: (@Sendable () -> Void)?) {
    work.withLock { $0 = next }
    filled.signal()
  }

  /// What was taken is not kept here: it may hold the one who has the worker.
  func take() -> (@Sendable () -> Void)? {
    filled.wait()
    return work.withLock { work in
      defer { work = nil }
      return work
    }
  }
}
