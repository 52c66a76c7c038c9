import ConformanceKit

/// A backend behind a pipe, so that a system can be tested from any language.
///
/// It speaks lines of JSON (docs/backend-protocol.md). Whatever the process answers or fails to
/// answer becomes an outcome or a ``BackendError``, and after an error the next reset starts it
/// anew.
public struct ProcessBackend: Backend {
  /// How long it may take, in seconds.
  public struct Limits: Hashable, Sendable {
    /// For one call; a call that takes longer is an outcome, `timeout`.
    public var call: Double
    /// For everything else: its start, a reset, a look.
    public var other: Double
    /// For its greeting, where it has one.
    public var start: Double

    /// Limits in seconds, greater than 0.
    public init(call: Double = 10, other: Double = 30, start: Double = 30) {
      self.call = call
      self.other = other
      self.start = start
    }
  }

  private let command: String
  private let limits: Limits
  private let greeting: String?
  private let numbers: [Call: Int]
  private var child: ChildProcess?
  private var lastID = 0

  /// A backend that the shell starts with the command.
  ///
  /// - Parameters:
  ///   - greeting: a line that it writes when it reads requests; what it writes before is
  ///     not looked at. Nil for one that reads them at once.
  ///   - known: calls that it has a list of; requests then only tell their place in it.
  public init(
    _ command: String, limits: Limits = Limits(), greeting: String? = nil, known: [Call] = []
  ) {
    numbers = Dictionary(
      zip(known, known.indices), uniquingKeysWith: { first, _ in first })
    self.command = command
    self.limits = limits
    self.greeting = greeting
  }

  /// Asks what it can do; starts it if it does not run.
  public mutating func probe() throws(BackendError) -> Profile {
    let reply = try ask(BackendRequest(verb: .probe), start: true)
    guard let profile = reply.profile else { throw broken("its answer to probe has no profile") }
    return profile
  }

  /// Brings it to the state before any call; starts it if it does not run.
  public mutating func reset() throws(BackendError) {
    _ = try ask(BackendRequest(verb: .reset), start: true)
  }

  /// Makes the call. A process that has not answered when the limit passes is ended.
  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    let reply: BackendReply
    do throws(BackendError) {
      var request = BackendRequest(verb: .perform)
      request.known = numbers[call]
      if request.known == nil { request.call = call }
      reply = try ask(request, start: false)
    } catch {
      // Only running out of time ends a process and says nothing else about it.
      if error == Self.noAnswer { return CallResult(.timeout) }
      throw error
    }
    guard let result = reply.result else { throw broken("its answer to perform has no result") }
    return result
  }

  /// Everything that it can see.
  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    let reply = try ask(BackendRequest(verb: .observe), start: false)
    guard let seen = reply.observations else {
      throw broken("its answer to observe has no observations")
    }
    return seen.asObservations
  }

  /// Has threads make calls at once, in the attempt-th way; nil when it knows no more.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    var request = BackendRequest(verb: .race)
    let known = threads.map { $0.compactMap { numbers[$0] } }
    if known.map(\.count) == threads.map(\.count) {
      request.knownThreads = known
    } else {
      request.race = threads
    }
    request.attempt = attempt
    let reply = try ask(request, start: false)
    if let results = reply.results, results.map(\.count) != threads.map(\.count) {
      throw broken("its answer to race has not one result for each call")
    }
    return reply.results
  }

  /// Ends what the test began; what it reports broken.
  public mutating func conclude() throws(BackendError) -> [String] {
    try ask(BackendRequest(verb: .conclude), start: false).complaints ?? []
  }

  private static let noAnswer = BackendError(.lost, "it gave no answer in time")

  private mutating func ask(
    _ request: BackendRequest, start: Bool
  ) throws(BackendError) -> BackendReply {
    if child == nil {
      guard start else { throw BackendError(.lost, "it does not run; a reset starts it") }
      child = try ChildProcess(command)
      try awaitGreeting()
    }
    guard let child else { throw BackendError(.lost, "it does not run") }
    lastID += 1
    var request = request
    request.id = lastID
    let limit = request.verb == .perform ? limits.call : limits.other
    let line: [UInt8]
    do throws(FormatError) {
      line = try StrictJSON.line(request)
    } catch {
      throw BackendError(.unknownCall, "\(error)")
    }
    let answer: [UInt8]
    do throws(ChildProcess.Silence) {
      try child.send(line, within: limit)
      answer = try child.receive(within: limit)
    } catch {
      stop()
      throw Self.error(error)
    }
    return try read(answer)
  }

  private mutating func awaitGreeting() throws(BackendError) {
    guard let greeting, let child else { return }
    do throws(ChildProcess.Silence) {
      while true {
        let line = String(decoding: try child.receive(within: limits.start), as: UTF8.self)
        if line.filter({ !$0.isNewline }) == greeting { return }
      }
    } catch {
      stop()
      guard case .tooSlow = error else { throw Self.error(error) }
      throw BackendError(.lost, "it was not ready in \(Int(limits.start)) s")
    }
  }

  private static func error(_ silence: ChildProcess.Silence) -> BackendError {
    switch silence {
    case .tooSlow: noAnswer
    case .ended(let how): BackendError(.lost, how)
    case .tooLong:
      BackendError(.malformedAnswer, "a line has more than \(ChildProcess.lineLimit) bytes")
    }
  }

  private mutating func read(_ answer: [UInt8]) throws(BackendError) -> BackendReply {
    let reply: BackendReply
    do throws(FormatError) {
      reply = try StrictJSON.decode(BackendReply.self, from: answer)
    } catch {
      let start = String(decoding: answer.prefix(80), as: UTF8.self)
      throw broken("\(error), in: \(start)")
    }
    guard reply.id == lastID else {
      throw broken("it answered to message \(reply.id) instead of \(lastID)")
    }
    guard let failure = reply.error else { return reply }
    guard let kind = BackendError.Kind(rawValue: failure.kind) else {
      throw broken("'\(failure.kind)' is no kind of error")
    }
    throw BackendError(kind, failure.message)
  }

  /// An answer that the protocol does not allow: what comes next cannot be trusted.
  private mutating func broken(_ message: String) -> BackendError {
    stop()
    return BackendError(.malformedAnswer, message)
  }

  /// Ends the process; the next reset or probe starts it anew.
  public mutating func stop() {
    child?.end()
    child = nil
  }
}
