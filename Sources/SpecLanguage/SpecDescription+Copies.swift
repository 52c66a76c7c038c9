extension SpecDescription {
  /// The same spec with other variables, actions or properties.
  public init(
    _ base: SpecDescription, variables: [NamedVariable]? = nil, actions: [Action]? = nil,
    properties: [Property]? = nil, isMutated: Bool? = nil
  ) {
    name = base.name
    summary = base.summary
    self.variables = variables ?? base.variables
    locks = base.locks
    parameters = base.parameters
    constants = base.constants
    self.actions = actions ?? base.actions
    self.properties = properties ?? base.properties
    scopes = base.scopes
    tables = base.tables
    mutations = base.mutations
    cost = base.cost
    self.isMutated = isMutated ?? base.isMutated
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
