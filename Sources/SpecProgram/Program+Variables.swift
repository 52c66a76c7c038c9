import SpecLanguage

/// Where a variable is in a state: for a map, one stride an index.
public struct VariablePlace: Sendable {
  public let name: String
  public let base: Int
  public let strides: [Int]
}

extension Program {
  /// Every variable's cells, for tools that compare states with something else.
  public var namedPlaces: [VariablePlace] {
    spec.variables.compactMap { variable in
      variables[variable.declaration.id].map {
        VariablePlace(name: variable.name, base: $0.base, strides: $0.indices.map(\.stride))
      }
    }
  }
}
