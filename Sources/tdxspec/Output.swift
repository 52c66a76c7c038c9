import Glibc
import Verdicts

/// Output could not be written.
struct OutputError: Error {
  let path: String
  let errno: Int32

  /// A closed pipe ends silently; anything else is said once.
  func report() -> ExitStatus {
    if errno != EPIPE { Terminal.complain("cannot write \(path): \(Terminal.text(of: errno))") }
    return .outputError
  }
}

/// A file descriptor that is written whole, with errors.
struct Output {
  let descriptor: Int32
  let path: String

  static let standard = Output(descriptor: 1, path: "standard output")

  func write(_ text: String) throws(OutputError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw OutputError(path: path, errno: errno)
      }
      bytes = bytes.dropFirst(written)
    }
  }
}

/// Writes a file under a temporary name and renames it, so that a reader never sees half of it.
struct FileOutput {
  /// - Throws: `OutputError` with the file's name; a file that was there before is unharmed.
  static func write(_ text: String, to path: String) throws(OutputError) {
    var status = stat()
    // A device or a pipe cannot be replaced by a rename: it is written as it is.
    let isSpecial = stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
    let target = isSpecial ? path : "\(path).tmp-\(getpid())"
    let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw OutputError(path: path, errno: errno) }
    do {
      try Output(descriptor: descriptor, path: path).write(text)
    } catch {
      _ = close(descriptor)
      if !isSpecial { unlink(target) }
      throw error
    }
    let closed = close(descriptor) == 0
    guard closed, isSpecial || rename(target, path) == 0 else {
      let reason = errno
      if !isSpecial { unlink(target) }
      throw OutputError(path: path, errno: reason)
    }
  }
}

/// What goes to people, on standard error.
enum Terminal {
  static var isInteractive: Bool { isatty(2) == 1 }

  static func complain(_ message: String) {
    let line = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
    try? Output(descriptor: 2, path: "standard error").write("tdxspec: \(line)\n")
  }

  /// Replaces the line that the cursor is on.
  static func status(_ text: String) {
    try? Output(descriptor: 2, path: "standard error").write("\r\u{1B}[K\(text)")
  }

  static func text(of code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}

/// Ends the process.
func leave(_ status: ExitStatus) -> Never { exit(status.rawValue) }
