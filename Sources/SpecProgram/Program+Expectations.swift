import SpecLanguage

extension Program {
  /// Keeps what is expected of each property only where this scope and its parameters say so.
  mutating func settleExpectations(_ base: Resolver) throws(SpecError) {
    for index in properties.indices {
      let property = properties[index].property
      var kept: [Expectation] = []
      for expectation in property.expectations {
        if let named = expectation.scope {
          guard spec.scopes.contains(where: { $0.name == named }) else {
            throw SpecError(
              "TDX1116", "what is expected of '\(property.id)' names no scope: '\(named)'",
              at: property.location)
          }
          if named != scope.name { continue }
        }
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
    guard !condition.isAboutStates else {
      throw SpecError(
        "TDX1111", "what is expected of '\(property.id)' depends on the state",
        at: property.location, suggestion: "expect(_:when:because:) reads parameters only")
    }
    return try value(of: condition, base) != 0
  }
}
