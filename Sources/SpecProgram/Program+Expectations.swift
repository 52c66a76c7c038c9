import SpecLanguage

extension Program {
  /// Keeps what is expected of each property only where this scope's parameters say so.
  mutating func settleExpectations(_ base: Resolver) throws(SpecError) {
    for index in properties.indices {
      let property = properties[index].property
      var kept: [Expectation] = []
      for expectation in property.expectations {
        if let condition = expectation.condition, try !holds(condition, of: property, base) {
          continue
        }
        kept.append(expectation)
      }
      properties[index].property = property.settled(kept)
    }
  }

  private func holds(
    _ condition: Node, of property: Property, _ base: Resolver
  ) throws(SpecError) -> Bool {
    guard !condition.any({ $0.isAboutStates }) else {
      throw SpecError(
        "TDX1111", "what is expected of '\(property.id)' depends on the state",
        at: property.location, suggestion: "expect(_:when:because:) reads parameters only")
    }
    var resolver = base
    let term = try resolver.resolve(condition)
    var environment = Environment(self, initial, thread: 0, registers: resolver.registerCount)
    return try environment.value(of: term) != 0
  }
}

extension Node {
  fileprivate var isAboutStates: Bool {
    switch self {
    case .read, .standing, .currentThread: true
    default: false
    }
  }
}
