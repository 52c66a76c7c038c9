import ConformanceKit

/// Calls that requests name by their number, so that they are short: each byte takes long over an
/// emulated serial port.
struct KnownCalls: Sendable {
  private let calls: [Call]

  /// None.
  init() { calls = [] }

  /// Reads a file with a call a line, as requests have them; none where there is no such file.
  init(path: String) throws(FormatError) {
    var calls: [Call] = []
    for line in KernelFile.read(path).split(separator: UInt8(ascii: "\n")) {
      calls.append(try StrictJSON.decode(Call.self, from: line))
    }
    self.calls = calls
  }

  /// The call of a request.
  func call(of request: RunnerRequest) throws(BackendError) -> Call {
    if let call = request.call { return call }
    guard let number = request.known else { throw Self.incomplete("call") }
    return try self[number]
  }

  /// The calls of a race.
  func threads(of request: RunnerRequest) throws(BackendError) -> [[Call]] {
    if let threads = request.threads { return threads }
    guard let known = request.knownThreads else { throw Self.incomplete("threads") }
    var threads: [[Call]] = []
    for numbers in known {
      var thread: [Call] = []
      for number in numbers { thread.append(try self[number]) }
      threads.append(thread)
    }
    return threads
  }

  private subscript(_ number: Int) -> Call {
    get throws(BackendError) {
      guard calls.indices.contains(number) else {
        throw BackendError(.unknownCall, "no call has the number \(number)")
      }
      return calls[number]
    }
  }

  static func incomplete(_ member: String) -> BackendError {
    BackendError(.unknownCall, "the request has no \(member)")
  }
}
