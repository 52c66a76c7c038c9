import ConformanceKit

/// One line that a runner reads (docs/backend-protocol.md).
struct RunnerRequest: Decodable {
  /// What it shall do.
  enum Verb: String, Decodable {
    case probe
    case reset
    case perform
    case observe
    case race
    case conclude
  }

  let id: Int
  let verb: Verb
  let call: Call?
  let threads: [[Call]]?
  let attempt: Int?
  /// The call by its number in the file of known calls.
  let known: Int?
  /// The same for the calls of a race.
  let knownThreads: [[Int]]?

  private enum CodingKeys: String, CodingKey {
    case id
    case verb = "do"
    case call
    case threads
    case attempt
    case known
    case knownThreads = "known_threads"
  }
}

/// The number of a request that cannot be read otherwise.
struct RequestNumber: Decodable { let id: Int }

/// One line that a runner writes.
struct RunnerReply: Encodable {
  /// Why it did not do what it was asked for.
  struct Failure: Encodable {
    let kind: String
    let message: String

    init(_ error: BackendError) {
      kind = error.kind.rawValue
      message = error.message
    }
  }

  var id: Int
  var profile: Profile?
  var result: CallResult?
  var observations: [String: Value]?
  var results: [[CallResult]]?
  var complaints: [String]?
  var error: Failure?

  init(_ id: Int) { self.id = id }

  init(_ id: Int, _ error: BackendError) {
    self.id = id
    self.error = Failure(error)
  }
}
