extension ConformanceTest: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case id
    case purpose
    case origin
    case covers
    case requires
    case steps
    case race
    case condones
  }

  /// Reads a test; unknown keys, an empty id and a test that does nothing are errors.
  public init(from decoder: any Decoder) throws {
    self = try WrittenTest(from: decoder).test(sharing: [])
  }

  /// All but its steps.
  fileprivate init(from decoder: any Decoder, hasSteps: Bool) throws {
    let fields = try decoder.strict(Field.self)
    let race = try fields.optionalField(.race, Race.self)
    if race == nil, !hasSteps { _ = try fields.nonEmpty(.steps, Int.self) }
    self.init(
      id: try fields.name(.id),
      purpose: try fields.name(.purpose),
      origin: try fields.optionalField(.origin, Origin.self),
      covers: try fields.field(.covers, default: []),
      requires: Set(try fields.names(.requires).map { Capability($0) }),
      steps: [], race: race, condones: try fields.field(.condones, default: false))
  }

  /// Writes the test; what is empty is left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(id, forKey: .id)
    try fields.encode(purpose, forKey: .purpose)
    try fields.encodeIfPresent(origin, forKey: .origin)
    try fields.encodeUnlessEmpty(covers, .covers)
    try fields.encodeUnlessEmpty(requires.sorted().map(\.name), .requires)
    try fields.encodeUnlessEmpty(steps, .steps)
    try fields.encodeIfPresent(race, forKey: .race)
    if condones { try fields.encode(true, forKey: .condones) }
  }
}

/// A test as a suite's file has it, where steps that tests share have numbers.
private struct WrittenTest: Decodable {
  private enum Field: String, CodingKey {
    case steps
  }

  /// A step of the test's own, or the number of a shared one.
  private enum WrittenStep: Decodable {
    case own(ConformanceTest.Step)
    case shared(Int)

    init(from decoder: any Decoder) throws {
      if let number = try? decoder.singleValueContainer().decode(Int.self) {
        self = .shared(number)
      } else {
        self = .own(try ConformanceTest.Step(from: decoder))
      }
    }
  }

  private let path: [any CodingKey]
  private let steps: [WrittenStep]
  private let withoutSteps: ConformanceTest

  init(from decoder: any Decoder) throws {
    path = decoder.codingPath
    steps = try decoder.container(keyedBy: Field.self).field(.steps, default: [])
    withoutSteps = try ConformanceTest(from: decoder, hasSteps: !steps.isEmpty)
  }

  /// - Throws: when a number is that of no shared step.
  func test(sharing shared: [ConformanceTest.Step]) throws -> ConformanceTest {
    var test = withoutSteps
    test.steps = try steps.map { step in
      switch step {
      case .own(let step): return step
      case .shared(let number) where shared.indices.contains(number): return shared[number]
      case .shared(let number):
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: path + [Field.steps],
            debugDescription: "there is no shared step \(number)"))
      }
    }
    return test
  }
}

extension ConformanceTest.Origin: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case spec
    case scope
    case fingerprint
    case deferred
  }

  /// Reads `{"spec": "kvm/tdx", "scope": {"vcpus": 2}, "fingerprint": "..."}`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    self.init(
      spec: try fields.name(.spec),
      scope: try fields.field(.scope, default: [:]),
      fingerprint: fields.contains(.fingerprint) ? try fields.name(.fingerprint) : nil,
      deferred: try fields.field(.deferred, default: []))
  }

  /// Writes the origin; what is empty is left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(spec, forKey: .spec)
    try fields.encodeUnlessEmpty(scope, .scope)
    try fields.encodeIfPresent(fingerprint, forKey: .fingerprint)
    try fields.encodeUnlessEmpty(deferred, .deferred)
  }
}

extension ConformanceTest.Step: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case call
    case expect
    case tolerate
    case written
    case observe
    case unchanged
  }

  /// Reads a step; a step without an expected outcome is an error.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    let seen: [String: Value] = try fields.field(.observe, default: [:])
    self.init(
      try fields.decode(Call.self, forKey: .call),
      expect: try fields.nonEmpty(.expect, ExpectedOutcome.self),
      tolerate: try fields.field(.tolerate, default: []),
      written: try fields.field(.written, default: [:]),
      observe: seen.asObservations,
      unchanged: try fields.field(.unchanged, default: false))
  }

  /// Writes the step; what is empty or false is left out.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(call, forKey: .call)
    try fields.encode(expect, forKey: .expect)
    try fields.encodeUnlessEmpty(tolerate, .tolerate)
    try fields.encodeUnlessEmpty(written, .written)
    try fields.encodeUnlessEmpty(observe.byName, .observe)
    if unchanged { try fields.encode(true, forKey: .unchanged) }
  }
}

extension ConformanceSuite: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case format
    case name
    case guarantee
    case shared
    case tests
  }

  /// Reads a suite; another format, no tests and two tests of one id are errors. Tests may refer by
  /// their numbers to steps that they share.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.strict(Field.self)
    let format = try fields.decode(Int.self, forKey: .format)
    guard format == ConformanceTest.format else {
      throw fields.error(.format, "is \(format); this version reads \(ConformanceTest.format)")
    }
    let shared: [ConformanceTest.Step] = try fields.field(.shared, default: [])
    self.init(
      name: try fields.name(.name),
      guarantee: try fields.name(.guarantee),
      tests: try fields.nonEmpty(.tests, WrittenTest.self).map { try $0.test(sharing: shared) })
    var seen: Set<String> = []
    for test in tests where !seen.insert(test.id).inserted {
      throw fields.error(.tests, "two tests have the id \(test.id)")
    }
  }

  /// Writes the suite in this kit's format.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(ConformanceTest.format, forKey: .format)
    try fields.encode(name, forKey: .name)
    try fields.encode(guarantee, forKey: .guarantee)
    try fields.encode(tests, forKey: .tests)
  }
}

extension [ObservationID: Value] {
  /// The observations by name, as they stand in JSON.
  public var byName: [String: Value] {
    [String: Value](uniqueKeysWithValues: map { ($0.key.name, $0.value) })
  }
}

extension [String: Value] {
  /// The observations that JSON names.
  public var asObservations: [ObservationID: Value] {
    [ObservationID: Value](uniqueKeysWithValues: map { (ObservationID($0.key), $0.value) })
  }
}
