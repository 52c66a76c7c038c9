import Glibc

/// The kernel's log, read from where it was last left.
struct KernelLog: ~Copyable {
  private let descriptor: Descriptor

  /// Nil where it cannot be read. Begins behind what is already there.
  init?() {
    guard let opened = Descriptor(path: "/dev/kmsg", flags: O_RDONLY | O_NONBLOCK) else {
      return nil
    }
    descriptor = opened
    lseek(descriptor.number, 0, SEEK_END)
  }

  /// Leaves behind what came since.
  func skip() { lseek(descriptor.number, 0, SEEK_END) }

  /// The new lines in which the kernel reports that it is broken.
  func complaints() -> [String] {
    var found: [String] = []
    var record = [UInt8](repeating: 0, count: 1 << 13)
    while true {
      let count = read(descriptor.number, &record, record.count)
      // Records that were overwritten before they were read are EPIPE, and the next ones follow.
      if count < 0 && (errno == EINTR || errno == EPIPE) { continue }
      guard count > 0 else { return found }
      let text = String(decoding: record[..<count], as: UTF8.self)
      // "PRIORITY,NUMBER,TIME,FLAGS;TEXT", then lines of details that begin with a space.
      guard let line = text.split(separator: "\n").first,
        let start = line.firstIndex(of: ";")
      else { continue }
      let message = String(line[line.index(after: start)...])
      if Self.isComplaint(message) { found.append(message) }
    }
  }

  static func isComplaint(_ message: String) -> Bool {
    let marks = [
      "WARNING: ", "BUG: ", "kernel BUG at", "Oops: ", "KVM: vm_bugged", "general protection fault",
      "rcu: INFO: rcu_", "blocked for more than",
    ]
    return marks.contains { message.contains($0) }
  }
}
