/// The name of something that can be seen of the system under test, such as `vm0.alive`.
public struct ObservationID: Hashable, Sendable, Comparable {
  /// The name as it stands in a test.
  public let name: String

  /// An observation's name.
  public init(_ name: String) {
    self.name = name
  }

  /// Orders by name.
  public static func < (left: ObservationID, right: ObservationID) -> Bool {
    left.name < right.name
  }
}

extension ObservationID: ExpressibleByStringLiteral, CustomStringConvertible {
  /// A text names an observation.
  public init(stringLiteral name: String) { self.init(name) }
  /// The name.
  public var description: String { name }
}

/// Something that was seen: its name and its value.
public struct Observation: Hashable, Sendable {
  /// What was looked at.
  public let id: ObservationID
  /// What was seen.
  public let value: Value

  /// An observation.
  public init(_ id: ObservationID, _ value: Value) {
    self.id = id
    self.value = value
  }
}

/// Something that a backend can do or see: `KVM_CAP_GUEST_MEMFD`, `vm-type:TDX`.
///
/// A test lists what it requires; a backend lists what probing showed, never what it assumes.
public struct Capability: Hashable, Sendable, Comparable {
  /// The name as it stands in a test's `requires`.
  public let name: String

  /// A capability's name.
  public init(_ name: String) {
    self.name = name
  }

  /// Orders by name.
  public static func < (left: Capability, right: Capability) -> Bool {
    left.name < right.name
  }
}

extension Capability: ExpressibleByStringLiteral, CustomStringConvertible {
  /// A text names a capability.
  public init(stringLiteral name: String) { self.init(name) }
  /// The name.
  public var description: String { name }
}

/// What probing a backend showed.
public struct Profile: Hashable, Sendable {
  /// The backend's name, such as `simulator` or `kvm`.
  public var backend: String
  /// Everything that probing showed to be there.
  public var capabilities: Set<Capability>
  /// What identifies the system under test in a report: kernel release, fault switched on.
  public var details: [String: String]

  /// A profile.
  public init(
    backend: String, capabilities: Set<Capability> = [], details: [String: String] = [:]
  ) {
    self.backend = backend
    self.capabilities = capabilities
    self.details = details
  }
}
