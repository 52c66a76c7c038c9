import SpecLanguage

extension Program {
  /// Keeps what is expected of each property only where this scope's parameters and threads say so,
  /// and notes which claims the parameters rule out.
  mutating func settleExpectations(_ base: Resolver) throws(SpecError) {
    let calls = Set(spec.actions.map(\.name))
    for index in properties.indices {
      let property = properties[index].property
      var kept: [Expectation] = []
      for expectation in property.expectations {
        if let named = expectation.scope {
          guard spec.scopes.contains(where: { $0.name == named }) else {
            throw SpecError(
              "TDX1113", "what is expected of '\(property.id)' names no scope: '\(named)'",
              at: property.location)
          }
          if named != scope.name { continue }
        }
        let named = expectation.ifMade + expectation.unlessMade
        if let unknown = named.first(where: { !calls.contains($0) }) {
          throw SpecError(
            "TDX1112", "what is expected of '\(property.id)' depends on '\(unknown)', no action",
            at: property.location, suggestion: "ifMade and unlessMade name actions of the spec")
        }
        guard isMade(expectation) else { continue }
        if let condition = expectation.condition, try !holds(condition, of: property, base) {
          continue
        }
        kept.append(expectation)
      }
      properties[index].property = property.settled(kept)
      properties[index].isRuledOut = try isRuledOut(property, base)
    }
  }

  private func isMade(_ expectation: Expectation) -> Bool {
    (expectation.ifMade.isEmpty || expectation.ifMade.contains(where: scope.isMade))
      && !expectation.unlessMade.contains(where: scope.isMade)
  }

  /// Some part of a `LeadsTo`'s premise is false whatever the state is.
  private func isRuledOut(_ property: Property, _ base: Resolver) throws(SpecError) -> Bool {
    guard case .leadsTo(let claim) = property.kind else { return false }
    for part in claim.premise.conjuncts where !part.isAboutStates && !part.isAboutCalls {
      if try value(of: part, base) == 0 { return true }
    }
    return false
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
