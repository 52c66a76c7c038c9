import SpecLanguage

/// A spec's parameters and sort sizes, all chosen.
public struct ResolvedScope: Sendable {
  /// Every parameter with its value, in order of declaration.
  public let parameters: [(name: String, value: Int)]
  private let sizes: [SortID: Int]
  /// The roles, each with the range of thread numbers that have it.
  public let roles: [(role: SortID, threads: Range<Int>)]
  /// The parts that threads play, in the order of their numbers; empty when all may do everything.
  public let parts: [ThreadPart]
  /// The named scope that was chosen; its parts hold whatever the overrides say.
  public let name: String?

  /// Chooses values: the defaults, then the named scope's, then `overrides`.
  ///
  /// - Throws: `TDX2001` for an unknown scope, `TDX2002` for an unknown name, `TDX2003` for a
  ///   value out of range, `TDX2004` for parts of threads that do not fit.
  public init(
    _ spec: SpecDescription, scope: String? = nil, overrides: [String: Int] = [:]
  ) throws(SpecError) {
    var values: [String: Int] = [:]
    var parts: [ThreadPart] = []
    name = scope
    for parameter in spec.parameters { values[parameter.name] = parameter.defaultValue }
    if let scope {
      guard let named = spec.scopes.first(where: { $0.name == scope }) else {
        let known = spec.scopes.map(\.name).joined(separator: ", ")
        throw SpecError(
          "TDX2001", "\(spec.name) has no scope '\(scope)'",
          suggestion: known.isEmpty ? "it has no named scopes" : "scopes: \(known)")
      }
      values.merge(named.values) { $1 }
      parts = named.parts
    }
    values.merge(overrides) { $1 }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let parameter = spec.parameters.first(where: { $0.name == name }) else {
        let known = spec.parameters.map(\.name).joined(separator: ", ")
        throw SpecError(
          "TDX2002", "\(spec.name) has no parameter '\(name)'",
          suggestion: known.isEmpty ? "it has no parameters" : "parameters: \(known)")
      }
      guard parameter.range.contains(value) else {
        let range = "\(parameter.range.lowerBound)...\(parameter.range.upperBound)"
        throw SpecError("TDX2003", "\(name)=\(value) is out of range; it takes \(range)")
      }
    }
    parameters = spec.parameters.map { ($0.name, values[$0.name] ?? $0.defaultValue) }
    (sizes, roles) = Self.assign(spec, values)
    self.parts = parts
    try checkParts(spec)
  }

  private func checkParts(_ spec: SpecDescription) throws(SpecError) {
    guard !parts.isEmpty else { return }
    let calls = Set(spec.actions.filter { $0.role != nil }.map(\.name))
    for part in parts {
      if let unknown = part.calls.first(where: { !calls.contains($0) }) {
        throw SpecError(
          "TDX2004", "the part '\(part.name)' makes the call '\(unknown)', which threads do not")
      }
    }
    let count = parts.reduce(0) { $0 + $1.threads }
    guard count == threadCount else {
      throw SpecError(
        "TDX2004", "the scope gives parts to \(count) threads, but there are \(threadCount)",
        suggestion: "leave the number of threads as the scope has it")
    }
  }

  /// Which part a thread plays; 0 when there are none.
  private func part(of thread: Int) -> Int {
    var first = 0
    for (index, part) in parts.enumerated() {
      first += part.threads
      if thread < first { return index }
    }
    return 0
  }

  /// Whether a thread may make a call in this scope.
  func permits(_ thread: Int, _ call: String) -> Bool {
    parts.isEmpty || parts[part(of: thread)].calls.contains(call)
  }

  /// Whether some thread may make a call in this scope.
  func isMade(_ call: String) -> Bool {
    parts.isEmpty || parts.contains { $0.calls.contains(call) }
  }

  /// Threads that may do the same: neighbours of one role and part.
  var interchangeableThreads: [Range<Int>] {
    roles.flatMap { role in
      role.threads.reduce(into: [Range<Int>]()) { ranges, thread in
        if let last = ranges.last, part(of: last.lowerBound) == part(of: thread) {
          ranges[ranges.count - 1] = last.lowerBound..<thread + 1
        } else {
          ranges.append(thread..<thread + 1)
        }
      }
    }
  }

  private static func assign(
    _ spec: SpecDescription, _ values: [String: Int]
  ) -> ([SortID: Int], [(role: SortID, threads: Range<Int>)]) {
    var sizes: [SortID: Int] = [:]
    for parameter in spec.parameters {
      if let sort = parameter.sizeOf { sizes[sort] = values[parameter.name] }
    }
    var roles: [(role: SortID, threads: Range<Int>)] = []
    var threads = 0
    for role in spec.actions.compactMap(\.role) where !roles.contains(where: { $0.role == role }) {
      let count = sizes[role] ?? 1
      roles.append((role, threads..<threads + count))
      threads += count
    }
    sizes[.thread] = threads
    return (sizes, roles)
  }

  /// How many threads there are, of all roles.
  public var threadCount: Int { sizes[.thread] ?? 0 }

  /// How many elements a sort has.
  ///
  /// - Throws: `TDX1001` when the spec declares no size for the sort.
  public func size(of sort: SortID) throws(SpecError) -> Int {
    if let size = sizes[sort] { return size }
    throw SpecError(
      "TDX1001", "the sort \(sort.name) has no size",
      suggestion: "declare Parameter(\"…\", of: \(sort.name).self, 1...4, default: 2)")
  }

  /// Every sort with its size, in the order of names.
  var sortSizes: [(sort: SortID, size: Int)] {
    sizes.map { (sort: $0.key, size: $0.value) }.sorted { $0.sort.name < $1.sort.name }
  }

  /// What a constant table may depend on.
  package func sizes(values: Int) -> ConstantSizes {
    ConstantSizes(
      values: values,
      parameters: Dictionary(parameters.map { ($0.name, $0.value) }) { first, _ in first })
  }

  public func value(of parameter: String) -> Int? {
    parameters.first { $0.name == parameter }?.value
  }

  /// How many values the type has, and the smallest.
  func span(of type: ValueType) throws(SpecError) -> (count: Int, low: Int) {
    switch type {
    case .bool: return (2, 0)
    case .enumeration(_, let cases): return (cases.count, 0)
    case .integer(let range):
      let (width, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
      guard !overflow, width < Int.max else {
        throw SpecError(
          "TDX1002", "an integer without a range", suggestion: "declare it with in: 0...n")
      }
      return (width + 1, range.lowerBound)
    case .counter(let most):
      guard let value = value(of: most) else {
        throw SpecError("TDX1004", "the parameter \(most) is used but not declared")
      }
      return (value + 1, 0)
    case .element(let sort): return (try size(of: sort), 0)
    case .operand(let classes, let sort): return (classes.count + (try size(of: sort)), 0)
    case .optional(let wrapped):
      let inner = try span(of: wrapped)
      return (inner.count + 1, 0)
    case .set(let sort):
      return (try everything(of: sort) + 1, 0)
    case .outcome: return (256, 0)
    }
  }

  /// The set of all elements, as a mask.
  ///
  /// - Throws: `TDX1003` when the sort is too big for sets.
  func everything(of sort: SortID) throws(SpecError) -> Int {
    let size = try size(of: sort)
    guard size <= 62 else {
      throw SpecError(
        "TDX1003", "a set of \(size) elements of \(sort.name); at most 62 are supported")
    }
    return (1 << size) - 1
  }
}
