extension Fairness {
  /// The assumption in words.
  public var text: String {
    let when = strength == .weak ? "stays possible" : "is possible again and again"
    switch target {
    case .action(let name): return "each instance of \(name) that \(when) happens"
    case .starting(let name): return "a call of \(name) that \(when) is made"
    case .threads(let role): return "a \(role.name) inside a call whose next step \(when) takes it"
    }
  }
}

extension LeadsToClaim {
  /// The claim in words.
  func text(_ reader: ExpressionReader) -> String {
    var reader = reader
    var scope = ""
    if let element {
      let (inner, name) = reader.binding(element)
      reader = inner
      if case .element(let sort) = element.type { scope = "for every \(sort.name) \(name), " }
    }
    let claim =
      "\(scope)whenever \(reader.condition(premise)), then or later \(reader.condition(conclusion))"
    let assumptions = fairness.map(\.text)
    return assumptions.isEmpty
      ? "\(claim), even if every step can be put off for ever"
      : "\(claim), provided that \(assumptions.joined(separator: ", and "))"
  }
}
