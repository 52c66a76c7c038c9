import ConformanceKit
import Glibc

/// A command with a socket to its standard input and a pipe from its standard output.
///
/// It runs in a process group of its own; ending it ends what it started. Standard error is the
/// tool's own. Nothing that it does or fails to do blocks for longer than the limits given.
final class ChildProcess {
  /// Why no line came.
  enum Silence: Error {
    /// The limit passed.
    case tooSlow
    /// It closed its output, or ended; with how it ended where that is known.
    case ended(String)
    /// A line is longer than ``lineLimit``.
    case tooLong
  }

  /// A line of an answer has at most so many bytes.
  static let lineLimit = 1 << 20

  private let pid: pid_t
  private let input: Int32
  private let output: Int32
  private var pending: [UInt8] = []
  private var isReaped = false

  /// Starts the command with the shell.
  init(_ command: String) throws(BackendError) {
    var ends: [Int32] = [-1, -1]
    var pipes: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure("socketpair") }
    guard pipe(&pipes) == 0 else {
      let error = Self.failure("pipe")
      for end in ends { close(end) }
      throw error
    }
    for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let started = Self.spawn(command, input: ends[1], output: pipes[1])
    close(ends[1])
    close(pipes[1])
    guard let started else {
      let error = Self.failure("posix_spawn")
      close(ends[0])
      close(pipes[0])
      throw error
    }
    pid = started
    input = ends[0]
    output = pipes[0]
  }

  deinit {
    // The end of its input asks it to end; a short while for that, and it is ended.
    close(input)
    var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    if !isReaped { poll(&waiting, 1, 500) }
    close(output)
    end()
  }

  private static func failure(_ call: String) -> BackendError {
    BackendError(.unavailable, "\(call): \(String(cString: strerror(errno)))")
  }

  private static func spawn(_ command: String, input: Int32, output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var words: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", "-c", command].map {
      (word: String) in strdup(word)
    }
    defer { for word in words { free(word) } }
    words.append(nil)
    var pid: pid_t = 0
    let status = posix_spawn(&pid, "/bin/sh", &actions, &attributes, words, environ)
    guard status == 0 else {
      errno = status
      return nil
    }
    return pid
  }

  /// Sends a line; the line end is part of the bytes.
  func send(_ line: [UInt8], within seconds: Double) throws(Silence) {
    var limit = timeval(
      tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1e6))
    setsockopt(input, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var rest = line[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN { throw .tooSlow }
        throw .ended(ending())
      }
      rest = rest.dropFirst(sent)
    }
  }

  /// The next line without its end.
  func receive(within seconds: Double) throws(Silence) -> [UInt8] {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(Int64(seconds * 1000))
    var searched = 0
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(pending[..<end])
        pending.removeFirst(end + 1)
        return line
      }
      searched = pending.count
      guard pending.count <= Self.lineLimit else { throw .tooLong }
      let left = clock.now.duration(to: deadline)
      let milliseconds =
        left.components.seconds * 1000
        + left.components.attoseconds / 1_000_000_000_000_000
      var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(clamping: max(0, milliseconds)))
      if ready < 0 && errno == EINTR { continue }
      guard ready > 0 else { throw .tooSlow }
      guard readMore() else { throw .ended(ending()) }
    }
  }

  private func readMore() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = buffer.withUnsafeMutableBytes { read(output, $0.baseAddress, $0.count) }
    guard count > 0 else { return count < 0 && errno == EINTR }
    pending += buffer[..<count]
    return true
  }

  /// How it ended, if it has.
  private func ending() -> String {
    guard !isReaped else { return "it was ended" }
    var status: Int32 = 0
    // Its output closes a moment before it can be waited for.
    for _ in 0..<50 where !isReaped {
      isReaped = waitpid(pid, &status, WNOHANG) == pid
      if !isReaped { poll(nil, 0, 2) }
    }
    guard isReaped else { return "it closed its output" }
    kill(-pid, SIGKILL)
    let signal = status & 0x7f
    return signal == 0 ? "it ended with status \(status >> 8 & 0xff)" : "signal \(signal) ended it"
  }

  /// Ends it and everything in its group.
  func end() {
    guard !isReaped else { return }
    isReaped = true
    kill(-pid, SIGKILL)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
  }
}
