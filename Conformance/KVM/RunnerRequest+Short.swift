import ConformanceKit

// The usual request and the usual reply, without a JSON reader and writer: under emulation these
// take longer than most calls.
extension RunnerRequest {
  /// Reads a line.
  static func read(_ line: [UInt8]) throws(FormatError) -> RunnerRequest {
    if let request = RunnerRequest(short: line) { return request }
    return try StrictJSON.decode(RunnerRequest.self, from: line)
  }

  private static let start = Array(#"{"do":"perform","id":"#.utf8)
  private static let middle = Array(#","known":"#.utf8)
  private static let end = Array("}".utf8)

  /// A known call, exactly as the tool writes it; nil for every other line.
  private init?(short line: [UInt8]) {
    guard line.starts(with: Self.start) else { return nil }
    var rest = line[Self.start.count...]
    guard let id = Self.number(&rest), rest.starts(with: Self.middle) else { return nil }
    rest = rest.dropFirst(Self.middle.count)
    guard let known = Self.number(&rest), rest.elementsEqual(Self.end) else { return nil }
    self.init(
      id: id, verb: .perform, call: nil, threads: nil, attempt: nil, known: known,
      knownThreads: nil)
  }

  /// Decimal digits without zeroes in front, as JSON has them, and few enough for an `Int`.
  private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    let digits = rest.prefix { 0x30...0x39 ~= $0 }
    guard 1...18 ~= digits.count, digits.count == 1 || digits.first != 0x30 else { return nil }
    rest = rest.dropFirst(digits.count)
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}

extension RunnerReply {
  /// As a line with its end.
  ///
  /// - Throws: when something cannot be written as JSON.
  func line() throws(FormatError) -> [UInt8] {
    if let short { return short }
    return try StrictJSON.line(self)
  }

  /// Of a call that answered a number and wrote nothing back, nor called the module; nil for every
  /// other reply.
  private var short: [UInt8]? {
    guard let result, error == nil else { return nil }
    let written: String
    switch result.written {
    case [:]: written = ""
    case [SeamcallList.name: .list([])]: written = ",\"written\":{\"\(SeamcallList.name)\":[]}"
    default: return nil
    }
    let outcome: String
    switch result.outcome {
    case .ok(.integer(let value)): outcome = "{\"ok\":\(value)}"
    case .errno(let errno): outcome = "{\"errno\":\(errno.number)}"
    default: return nil
    }
    return Array("{\"id\":\(id),\"result\":{\"outcome\":\(outcome)\(written)}}\n".utf8)
  }
}
