import CKVM
import Glibc

/// Lines from a descriptor, which it closes.
struct LineReader: ~Copyable {
  /// Why no line came.
  enum Silence: Error {
    /// The limit passed.
    case tooSlow
    /// There is nothing more.
    case ended
    /// It is longer than ``LineReader/limit``.
    case tooLong
  }

  /// A line has at most so many bytes.
  static let limit = 1 << 20

  private let descriptor: Descriptor
  private var pending: [UInt8] = []

  init(owning number: Int32) { descriptor = Descriptor(owning: number) }

  /// The next line without its end; waits for ever when the limit in milliseconds is negative.
  mutating func line(within milliseconds: Int) throws(Silence) -> [UInt8] {
    let deadline = ckvm_now() + UInt64(max(0, milliseconds)) * 1_000_000
    var searched = 0
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(pending[..<end])
        pending.removeFirst(end + 1)
        return line
      }
      searched = pending.count
      guard pending.count <= Self.limit else { throw .tooLong }
      if milliseconds >= 0 { try wait(until: deadline) }
      var chunk = [UInt8](repeating: 0, count: 1 << 14)
      let count = read(descriptor.number, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .ended }
      pending += chunk[..<count]
    }
  }

  private func wait(until deadline: UInt64) throws(Silence) {
    while true {
      let now = ckvm_now()
      let left = now < deadline ? (deadline - now) / 1_000_000 + 1 : 0
      var waiting = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(clamping: left))
      if ready > 0 { return }
      if ready == 0 {
        guard ckvm_now() >= deadline else { continue }
        throw .tooSlow
      }
      guard errno == EINTR else { throw .ended }
    }
  }
}

/// Writes lines to a descriptor, which stays open.
struct LineWriter {
  private let number: Int32

  init(_ number: Int32) { self.number = number }

  /// Writes everything; false when nobody reads any more.
  @discardableResult
  func write(_ line: [UInt8]) -> Bool {
    var rest = line[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
      if sent < 0 {
        if errno == EINTR { continue }
        return false
      }
      rest = rest.dropFirst(sent)
    }
    return true
  }
}
