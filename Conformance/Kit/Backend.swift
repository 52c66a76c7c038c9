/// A system that conformance tests run against.
///
/// A backend only acts and looks; it judges nothing and knows no specification. Every method may
/// throw ``BackendError`` when the machinery breaks (a device vanished, a pipe closed). That is
/// never a verdict about the system under test: a refused call is an ``Outcome``, not an error.
///
/// Rules for backends:
/// - ``reset()`` leaves nothing of the test before: no descriptors, no VMs, no names.
/// - ``perform(_:)`` contains a crash or a signal of the call and reports it as the outcome.
/// - ``observe()`` changes nothing and leaves out what cannot be seen; it never guesses.
public protocol Backend: ~Copyable {
  /// Finds out what this system can do, by trying.
  mutating func probe() throws(BackendError) -> Profile

  /// Goes back to the state before any call.
  mutating func reset() throws(BackendError)

  /// Makes the call and waits until it ends or the backend's limit for one call passes.
  mutating func perform(_ call: Call) throws(BackendError) -> CallResult

  /// Everything that can be seen now.
  mutating func observe() throws(BackendError) -> [ObservationID: Value]

  /// Has threads make calls at once, in the attempt-th way that it knows to put them together.
  ///
  /// Attempts count from 0, each after a reset and the same calls before it.
  ///
  /// - Returns: the results of each thread; nil when there are no more ways.
  mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]?

  /// Ends what the test began, as at the end of a process, and tells what the system itself
  /// reports broken or has not given back since the last reset: a WARN, a key id that is not free.
  mutating func conclude() throws(BackendError) -> [String]
}

/// A backend without ``Capability/race`` and ``Capability/complaints`` needs neither.
extension Backend where Self: ~Copyable {
  /// Refuses.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    throw BackendError(.unknownCall, "it makes no calls at once")
  }

  /// Sees nothing.
  public mutating func conclude() throws(BackendError) -> [String] { [] }
}

extension Capability {
  /// Threads can make calls at once (``Backend/race(_:attempt:)``).
  public static let race: Capability = "race"
  /// It is seen what the system reports broken (``Backend/conclude()``).
  public static let complaints: Capability = "complaints"
}

/// The machinery around the system under test broke; this is never a verdict.
public struct BackendError: Error, Hashable, Sendable {
  /// What broke.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// There is nothing to test here: no device, no permission, no such command.
    case unavailable
    /// It was there and vanished: a process died, a pipe closed, a device disappeared.
    case lost
    /// It answered something that the protocol does not allow.
    case malformedAnswer
    /// The test asks for a call or an argument that the backend does not know.
    case unknownCall
  }

  /// What broke.
  public let kind: Kind
  /// What happened, for a person.
  public let message: String

  /// An infrastructure error.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}

extension BackendError: CustomStringConvertible {
  /// The kind and the message.
  public var description: String { "backend \(kind.rawValue): \(message)" }
}
