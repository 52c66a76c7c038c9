import SpecLanguage

/// A `LeadsTo` for one element, or the only claim of one that is made once.
public struct LeadsToInstance: Sendable {
  /// The element as readings call it, such as `f0`.
  public let element: String?
  let premise: Term
  let conclusion: Term
  let registerCount: Int

  /// Where the premise holds.
  public var premiseMonitor: Monitor { Monitor(term: premise, registers: registerCount) }
  /// Where the conclusion holds.
  public var conclusionMonitor: Monitor { Monitor(term: conclusion, registers: registerCount) }
}

extension Resolver {
  /// The claims of a `LeadsTo`, in the order of the elements; none for other properties.
  func instances(of property: Property) throws(SpecError) -> [LeadsToInstance] {
    guard case .leadsTo(let claim) = property.kind else { return [] }
    guard let bound = claim.element else {
      var resolver = self
      let premise = try resolver.resolve(claim.premise)
      let conclusion = try resolver.resolve(claim.conclusion)
      return [
        LeadsToInstance(
          element: nil, premise: premise, conclusion: conclusion,
          registerCount: resolver.registerCount)
      ]
    }
    var result: [LeadsToInstance] = []
    for element in 0..<(try scope.span(of: bound.type).count) {
      var resolver = self
      /// “Some element that is this one”: the condition with the name filled in.
      func fixed(_ node: Node) -> Node {
        .exists(bound, .and([.equal(.bound(bound), .literal(element, bound.type)), node]))
      }
      let premise = try resolver.resolve(fixed(claim.premise))
      let conclusion = try resolver.resolve(fixed(claim.conclusion))
      result.append(
        LeadsToInstance(
          element: Reading.value(element, of: bound.type), premise: premise,
          conclusion: conclusion, registerCount: resolver.registerCount))
    }
    return result
  }
}
