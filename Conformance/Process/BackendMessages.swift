import ConformanceKit

/// One line to a backend's standard input (docs/backend-protocol.md).
struct BackendRequest: Encodable {
  /// What the backend shall do.
  enum Verb: String, Encodable {
    case probe
    case reset
    case perform
    case observe
    case race
    case conclude
  }

  /// The version of the protocol, told with ``Verb/probe``.
  static let version = 1

  var id = 0
  let verb: Verb
  var call: Call?
  var race: [[Call]]?
  var attempt: Int?
  /// The call by its number, for a backend that has a list of calls.
  var known: Int?
  /// The same for the calls of a race.
  var knownThreads: [[Int]]?

  private enum Field: String, CodingKey {
    case id
    case verb = "do"
    case version = "protocol"
    case call
    case race = "threads"
    case attempt
    case known
    case knownThreads = "known_threads"
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(id, forKey: .id)
    try fields.encode(verb, forKey: .verb)
    if verb == .probe { try fields.encode(Self.version, forKey: .version) }
    try fields.encodeIfPresent(call, forKey: .call)
    try fields.encodeIfPresent(race, forKey: .race)
    try fields.encodeIfPresent(attempt, forKey: .attempt)
    try fields.encodeIfPresent(known, forKey: .known)
    try fields.encodeIfPresent(knownThreads, forKey: .knownThreads)
  }
}

/// One line from a backend's standard output; members that are not known are ignored.
struct BackendReply: Decodable {
  /// That the backend could not do what it was asked for.
  struct Failure: Decodable {
    let kind: String
    let message: String
  }

  let id: Int
  let profile: Profile?
  let result: CallResult?
  let observations: [String: Value]?
  let results: [[CallResult]]?
  let complaints: [String]?
  let error: Failure?
}
