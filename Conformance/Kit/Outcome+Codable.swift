extension Outcome: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case ok
    case errno
    case signal
    case timeout
    case exit
  }

  /// Reads `{"ok": 0}`, `{"errno": "EBUSY"}`, `{"signal": 7}`, `{"timeout": true}` or
  /// `{"exit": "KVM_EXIT_MEMORY_FAULT", "errno": "EFAULT"}`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    switch Set(fields.allKeys) {
    case [.ok]: self = .ok(try fields.decode(Value.self, forKey: .ok))
    case [.errno]: self = .errno(try fields.decode(Errno.self, forKey: .errno))
    case [.signal]:
      let number = try fields.decode(Int32.self, forKey: .signal)
      guard number > 0 else { throw fields.error(.signal, "must be a positive number") }
      self = .signal(number)
    case [.timeout]:
      guard try fields.decode(Bool.self, forKey: .timeout) else {
        throw fields.error(.timeout, "can only be true")
      }
      self = .timeout
    case [.exit], [.exit, .errno]:
      self = .exit(try fields.name(.exit), try fields.optionalField(.errno, Errno.self))
    default:
      throw decoder.error("must be one of ok, errno, signal, timeout, exit (with or without errno)")
    }
  }

  /// Writes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    switch self {
    case .ok(let value): try fields.encode(value, forKey: .ok)
    case .errno(let errno): try fields.encode(errno, forKey: .errno)
    case .signal(let number): try fields.encode(number, forKey: .signal)
    case .timeout: try fields.encode(true, forKey: .timeout)
    case .exit(let reason, let errno):
      try fields.encode(reason, forKey: .exit)
      try fields.encodeIfPresent(errno, forKey: .errno)
    }
  }
}

extension ExpectedOutcome: Codable {
  /// Reads `"success"` or an outcome.
  public init(from decoder: any Decoder) throws {
    let word = try? decoder.singleValueContainer().decode(String.self)
    if let word {
      guard word == "success" else { throw decoder.error("must be \"success\" or an outcome") }
      self = .success
    } else {
      self = .exactly(try Outcome(from: decoder))
    }
  }

  /// Writes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .success:
      var container = encoder.singleValueContainer()
      try container.encode("success")
    case .exactly(let outcome):
      try outcome.encode(to: encoder)
    }
  }
}

extension Call: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case name
    case arguments = "args"
    case binds
    case thread
  }

  /// Reads `{"name": "KVM_CREATE_VM", "args": {"type": 5}, "binds": "vm0"}`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    self.init(
      try fields.name(.name),
      try fields.field(.arguments, default: [:]),
      binds: fields.contains(.binds) ? try fields.name(.binds) : nil,
      thread: fields.contains(.thread) ? try fields.name(.thread) : nil)
  }

  /// Writes the JSON form; what is empty is left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeUnlessEmpty(arguments, .arguments)
    try fields.encodeIfPresent(binds, forKey: .binds)
    try fields.encodeIfPresent(thread, forKey: .thread)
  }
}

extension CallResult: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case outcome
    case written
  }

  /// Reads `{"outcome": {"ok": 0}, "written": {"nr_pages": 0}}`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    self.init(
      try fields.decode(Outcome.self, forKey: .outcome),
      written: try fields.field(.written, default: [:]))
  }

  /// Writes the JSON form; what is empty is left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(outcome, forKey: .outcome)
    try fields.encodeUnlessEmpty(written, .written)
  }
}

extension Profile: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case backend
    case capabilities
    case details
  }

  /// Reads `{"backend": "kvm", "capabilities": ["KVM_CAP_GUEST_MEMFD"], "details": {}}`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    self.init(
      backend: try fields.name(.backend),
      capabilities: Set(try fields.names(.capabilities).map { Capability($0) }),
      details: try fields.field(.details, default: [:]))
  }

  /// Writes the JSON form with the capabilities sorted.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(backend, forKey: .backend)
    try fields.encode(capabilities.sorted().map(\.name), forKey: .capabilities)
    try fields.encodeUnlessEmpty(details, .details)
  }
}
