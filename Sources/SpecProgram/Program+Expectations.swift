import SpecLanguage

extension Program {
  /// Keeps what is expected of each property only where this scope's parameters say so.
  mutating func settleExpectations(_ base: Resolver) throws(SpecError) {
    for index in properties.indices {
      let property = properties[index].property
      guard let condition = property.expectedWhen else { continue }
      guard !condition.any({ if case .read = $0 { true } else { $0.isAboutThreads } }) else {
        throw SpecError(
          "TDX1111", "what is expected of '\(property.id)' depends on the state",
          at: property.location, suggestion: "expect(_:when:because:) reads parameters only")
      }
      var resolver = base
      let term = try resolver.resolve(condition)
      var environment = Environment(
        self, initial, thread: 0, registers: resolver.registerCount)
      properties[index].property = property.settled(try environment.value(of: term) != 0)
    }
  }
}

extension Node {
  fileprivate var isAboutThreads: Bool {
    switch self {
    case .inside, .at, .currentThread: true
    default: false
    }
  }
}
