import CKVM
import ConformanceKit
import Glibc

/// A test's process as its parent has it: forked for one test, ended after it.
struct WorkerProcess: ~Copyable {
  /// Its id, while it runs.
  let pid: Int32
  private var input: LineReader
  private let output: LineWriter

  /// Descriptors of tests begin at 3; the worker's own are from here on.
  private static let firstOwnDescriptor: Int32 = 500

  /// Forks it. The caller has one thread.
  init(_ options: RunnerOptions, _ known: KnownCalls) throws(BackendError) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw BackendError(.lost, "socketpair: \(String(cString: strerror(errno)))")
    }
    let forked = ckvm_fork()
    if forked == 0 { Self.run(options, known, socket: ends[1]) }
    close(ends[1])
    guard forked > 0 else {
      close(ends[0])
      throw BackendError(.lost, "a process cannot be made: errno \(-forked)")
    }
    pid = forked
    input = LineReader(owning: ends[0])
    output = LineWriter(ends[0])
  }

  private static func run(
    _ options: RunnerOptions, _ known: KnownCalls, socket: Int32
  ) -> Never {
    ckvm_end_with_parent()
    ckvm_pin(0)
    let own = fcntl(socket, F_DUPFD_CLOEXEC, firstOwnDescriptor)
    // Nothing of the parent's: tests must neither see it nor hold it.
    for number in 0..<Int32(256) where number != STDERR_FILENO { close(number) }
    _ = open("/dev/null", O_RDWR)
    _ = fcntl(0, F_DUPFD, 1)
    guard own >= 0 else { ckvm_leave(1) }
    do throws(BackendError) {
      let process = try TestProcess(options.rules, standIn: StandIn())
      var worker = Worker(
        process, plan: options.plan, raceLimit: options.callLimit * 3 / 4, known: known,
        socket: own)
      worker.serve()
    } catch {
      LineWriter(STDERR_FILENO).write(Array("tdxspec-kvm: \(error)\n".utf8))
      ckvm_leave(1)
    }
    ckvm_leave(0)
  }

  /// Passes a request on and waits for the reply, which is for the tool as it is.
  mutating func ask(
    _ line: [UInt8], within milliseconds: Int
  ) throws(LineReader.Silence) -> [UInt8] {
    guard output.write(line + [UInt8(ascii: "\n")]) else { throw .ended }
    return try input.line(within: milliseconds) + [UInt8(ascii: "\n")]
  }

  /// How a process ended.
  enum Ending: Hashable {
    case status(Int32)
    case signal(Int32)
    /// It still runs after ``endLimit``.
    case never
  }

  /// So long the kernel may take to end a process and what it held, in milliseconds.
  static let endLimit: Int32 = 10_000

  /// Ends it, if it has not ended, with everything it holds.
  consuming func end() -> Ending {
    kill(pid, SIGKILL)
    return awaitEnd()
  }

  /// Waits until it has ended.
  consuming func awaitEnd() -> Ending {
    let status = ckvm_wait(pid, Self.endLimit)
    if status == -1 { return .never }
    guard status >= 0 else { return .status(0) }
    let signal = status & 0x7f
    return signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
  }
}
