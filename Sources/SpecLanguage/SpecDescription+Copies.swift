extension SpecDescription {
  /// The same spec with other variables, actions or properties.
  public init(
    _ base: SpecDescription, variables: [NamedVariable]? = nil, actions: [Action]? = nil,
    properties: [Property]? = nil, constants: [ConstantDeclaration]? = nil, isMutated: Bool? = nil
  ) {
    name = base.name
    summary = base.summary
    self.variables = variables ?? base.variables
    locks = base.locks
    parameters = base.parameters
    self.constants = constants ?? base.constants
    self.actions = actions ?? base.actions
    self.properties = properties ?? base.properties
    scopes = base.scopes
    tables = base.tables
    mutations = base.mutations
    cost = base.cost
    policyTable = base.policyTable
    self.isMutated = isMutated ?? base.isMutated
  }
}

extension SpecDescription {
  /// The same spec with other values in some of its tables, such as those of a recorded machine.
  ///
  /// - Parameter tables: for a constant's name the value's number for each element; elements after
  ///   the last one have the last value.
  public func with(tables: [String: [Int]]) -> SpecDescription {
    SpecDescription(
      self,
      constants: constants.map { constant in
        guard let values = tables[constant.name], let last = values.last else { return constant }
        return ConstantDeclaration(
          id: constant.id, name: constant.name, key: constant.key, value: constant.value,
          table: { key, _ in values.indices.contains(key) ? values[key] : last })
      })
  }
}

extension Action {
  /// The same action with another body.
  init(_ base: Action, body: [Statement]) {
    name = base.name
    arguments = base.arguments
    role = base.role
    self.body = body
    citations = base.citations
    location = base.location
    outputs = base.outputs
  }
}

extension Property {
  /// A claim made by a program rather than by a spec's author: `forAll`s and connectives over the
  /// spec's variables.
  public static func lemma(_ id: String, _ text: String, _ condition: Node) -> Property {
    var property = Property(
      id: id, text: text, kind: .always(condition), citations: [],
      location: SourceLocation(file: "derived", line: 0))
    property.isLemma = true
    return property
  }
}
