import SpecLanguage

extension Program {
  /// Whether a refinement says what every variable of the abstract spec is.
  ///
  /// - Throws: `TDX1130` to `TDX1135`, or the code of a mistake within a map, with its place.
  func validate(_ claim: RefinementClaim, of property: Property) throws(SpecError) {
    let abstract = claim.abstract
    if let threaded = abstract.actions.first(where: { $0.role != nil }) {
      throw SpecError(
        "TDX1130", "\(abstract.name) has calls of threads (\(threaded.name))",
        at: property.location, suggestion: "an abstract spec has actions without by:")
    }
    if let lock = abstract.locks.first {
      throw SpecError(
        "TDX1130", "\(abstract.name) has locks (\(lock.name))", at: property.location,
        suggestion: "say with variables what the lock is for")
    }
    try SpecLint(abstract).checkGhosts()
    for clause in claim.maps { try validate(clause, claim) }
    for variable in abstract.variables where variable.declaration.kind != .ghost {
      let own = claim.maps.filter { $0.variable == variable.declaration.id }
      guard let first = own.first else {
        throw SpecError(
          "TDX1131", "\(property.id) does not say what \(variable.name) of \(abstract.name) is",
          at: property.location, suggestion: "add Maps(…) for it")
      }
      if own.count > 1 {
        throw SpecError(
          "TDX1132", "\(variable.name) of \(abstract.name) is mapped twice", at: own[1].location,
          suggestion: "the first is at \(first.location)")
      }
      try checkSorts(variable, claim, at: first.location)
    }
    for clause in claim.maps { try resolve(clause) }
  }

  private func validate(_ clause: MapClause, _ claim: RefinementClaim) throws(SpecError) {
    let abstract = claim.abstract
    guard abstract.variables.contains(where: { $0.declaration.id == clause.variable }) else {
      throw SpecError(
        "TDX1133", "the variable that is mapped is none of \(abstract.name)", at: clause.location,
        suggestion: "map those of the argument of Refines, not of another copy of the spec")
    }
    let own = Set(spec.variables.map(\.declaration.id))
    let strange = clause.value.any {
      switch $0 {
      case .read(let id, _): !own.contains(id)
      case .local, .currentThread: true
      default: false
      }
    }
    guard !strange else {
      throw SpecError(
        "TDX1135",
        "the map of \(abstract.name(of: clause.variable)) reads what is no state of \(spec.name)",
        at: clause.location, suggestion: "a map is an expression over this spec's variables")
    }
  }

  private func resolve(_ clause: MapClause) throws(SpecError) {
    var resolver = resolver
    do throws(SpecError) {
      _ = try resolver.resolve(clause.value)
    } catch {
      throw SpecError(
        error.code, error.message, at: error.location ?? clause.location,
        suggestion: error.suggestion)
    }
  }

  /// A sort that a variable is about must be one of this spec, or its elements stand for nothing.
  private func checkSorts(
    _ variable: NamedVariable, _ claim: RefinementClaim, at place: SourceLocation
  ) throws(SpecError) {
    let types = variable.declaration.indices + [variable.declaration.type]
    for sort in types.compactMap(\.sort) where (try? scope.size(of: sort)) == nil {
      throw SpecError(
        "TDX1134",
        """
        \(variable.name) of \(claim.abstract.name) is about \(sort.name), which \(spec.name) has not
        """,
        at: place, suggestion: "the two specs have to share the sort")
    }
  }

  /// The abstract spec's scope: sizes and parameters of the same name are this program's.
  func scope(
    of claim: RefinementClaim, for property: Property
  ) throws(SpecError) -> ResolvedScope {
    var values: [String: Int] = [:]
    for parameter in claim.abstract.parameters {
      let value =
        parameter.sizeOf.map { try? scope.size(of: $0) } ?? scope.value(of: parameter.name)
      guard let value else { continue }
      guard parameter.range.contains(value) else {
        let range = "\(parameter.range.lowerBound)...\(parameter.range.upperBound)"
        throw SpecError(
          "TDX2024",
          "\(claim.abstract.name) takes \(parameter.name)=\(range), but here it is \(value)",
          at: property.location, suggestion: "choose another scope")
      }
      values[parameter.name] = value
    }
    return try ResolvedScope(claim.abstract, overrides: values)
  }
}

extension ValueType {
  /// The sort whose elements the type is made of.
  fileprivate var sort: SortID? {
    switch self {
    case .element(let sort), .set(let sort), .operand(_, let sort): sort
    case .optional(let wrapped): wrapped.sort
    case .bool, .enumeration, .integer, .counter, .outcome: nil
    }
  }
}
