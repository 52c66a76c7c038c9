import Foundation

/// A program of the build: its output goes to the log, a line at a time.
struct BuildCommand {
  let words: [String]
  /// Where it runs.
  let folder: String
  /// Where programs are looked for, as PATH says it.
  let path: String

  /// Runs it to its end, or until the build is to stop.
  ///
  /// - Parameters:
  ///   - log: gets everything that it prints.
  ///   - isStopped: asked several times a second.
  ///   - onLine: gets each line.
  /// - Throws: `missing` when it cannot be started, `failed` when it ends otherwise than with 0,
  ///   `interrupted`.
  func run(
    log: FileHandle, isStopped: () -> Bool, onLine: (Substring) -> Void = { _ in }
  ) throws(KernelBuildError) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(["PATH": path]) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do { try process.run() } catch {
      throw KernelBuildError(.missing, "\(words[0]) cannot be started: \(error)")
    }
    try? output.fileHandleForWriting.close()
    let isWhole = follow(output.fileHandleForReading, log, isStopped, onLine)
    guard isWhole else {
      end(process, ended)
      throw KernelBuildError(.interrupted, "stopped at \(words.joined(separator: " "))")
    }
    ended.wait()
    guard process.terminationStatus == 0 else {
      throw KernelBuildError(
        .failed, "\(words.joined(separator: " ")) ended with \(process.terminationStatus)")
    }
  }

  /// Copies what comes until there is no more; false when the build is to stop first.
  private func follow(
    _ output: FileHandle, _ log: FileHandle, _ isStopped: () -> Bool, _ onLine: (Substring) -> Void
  ) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var pending = ""
    while true {
      if isStopped() { return false }
      var waiting = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 200) > 0 else { continue }
      let count = read(output.fileDescriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return true }
      try? log.write(contentsOf: Data(buffer[..<count]))
      pending += String(decoding: buffer[..<count], as: UTF8.self)
      while let end = pending.firstIndex(where: \.isNewline) {
        onLine(pending[..<end])
        pending = String(pending[pending.index(after: end)...])
      }
    }
  }

  /// Ends it with what it started: it leads a process group of its own. What a thread with blocked
  /// signals started does not hear the first one.
  private func end(_ process: Process, _ ended: DispatchSemaphore) {
    if kill(-process.processIdentifier, SIGTERM) != 0 { process.terminate() }
    let isOver = ended.wait(timeout: .now() + .seconds(2)) == .success
    // Whatever is left of the group, too.
    kill(-process.processIdentifier, SIGKILL)
    if !isOver { ended.wait() }
  }
}
