/// What one variable of an abstract spec is, as an expression over the state of a detailed one.
public struct MapClause: Sendable {
  /// A variable of the abstract spec.
  public let variable: VariableID
  /// A name for each index of a map.
  public let keys: [BoundID]
  public let value: Node
  public let location: SourceLocation
}

/// What a `Refines` claims.
public struct RefinementClaim: Sendable {
  /// The abstract spec, without its properties.
  public let abstract: SpecDescription
  /// One clause for each of its variables, ghosts excepted.
  public let maps: [MapClause]
}

/// Every step of this spec is a step of the abstract one, or changes nothing that it sees.
///
/// A forward simulation by a function m from this spec's states to the abstract spec's: the
/// initial state maps to the initial state, and for each step from a reachable state s to t,
/// m(s) = m(t) or the abstract spec has a step from m(s) to m(t). Then every `Always` of the
/// abstract spec that reads no ghost holds of the mapped states. Nothing is claimed of what
/// happens in the end.
///
/// - The abstract spec has one-step actions and no locks.
/// - Each of its variables is mapped once. Its ghosts are left out: behaviour does not read them.
/// - Sorts of the same name have the same size in both. A parameter of the abstract spec that is
///   no size takes the value of this spec's parameter of that name, otherwise its default.
///
/// - Parameter maps: a `Maps` for every variable; the argument is the abstract spec.
public func Refines<S: Spec>(
  _ id: String, _ text: String, _ abstract: S, cites citations: String...,
  file: String = #fileID, line: Int = #line, @ListBuilder<MapClause> _ maps: (S) -> [MapClause]
) -> Property {
  let claim = RefinementClaim(
    abstract: SpecDescription(withoutProperties: abstract), maps: maps(abstract))
  return Property(
    id: id, text: text, kind: .refines(claim), citations: citations,
    location: SourceLocation(file: file, line: line))
}

// MARK: Clauses

/// The variable is always this value.
public func Maps<V: Domain>(
  _ variable: Var<V>, to value: V, file: String = #fileID, line: Int = #line
) -> MapClause {
  clause(variable.declaration, [], value.literal, file, line)
}

/// The variable is what the expression is.
public func Maps<V: Domain, R: Readable>(
  _ variable: Var<V>, to value: R, file: String = #fileID, line: Int = #line
) -> MapClause where R.Value == V {
  clause(variable.declaration, [], value.node, file, line)
}

/// The optional variable is there, and is what the expression is.
public func Maps<R: Readable>(
  _ variable: Var<R.Value?>, to value: R, file: String = #fileID, line: Int = #line
) -> MapClause {
  clause(variable.declaration, [], .some(value.node), file, line)
}

/// Each cell of the map is what the expression is for its index.
public func Maps<K: Domain, V: Domain, R: Readable>(
  _ map: Map<K, V>, file: String = #fileID, line: Int = #line, to value: (Expr<K>) -> R
) -> MapClause where R.Value == V {
  let key = BoundID(raw: Identity.next(), type: K.valueType)
  return clause(map.declaration, [key], value(Expr(.bound(key))).node, file, line)
}

/// Each cell of the map is what the expression is for its indices.
public func Maps<A: Domain, B: Domain, V: Domain, R: Readable>(
  _ map: Map2<A, B, V>, file: String = #fileID, line: Int = #line,
  to value: (Expr<A>, Expr<B>) -> R
) -> MapClause where R.Value == V {
  let first = BoundID(raw: Identity.next(), type: A.valueType)
  let second = BoundID(raw: Identity.next(), type: B.valueType)
  let node = value(Expr(.bound(first)), Expr(.bound(second))).node
  return clause(map.declaration, [first, second], node, file, line)
}

private func clause(
  _ declaration: VariableDeclaration, _ keys: [BoundID], _ value: Node, _ file: String,
  _ line: Int
) -> MapClause {
  MapClause(
    variable: declaration.id, keys: keys, value: value,
    location: SourceLocation(file: file, line: line))
}

// MARK: What others ask

extension RefinementClaim {
  /// Everything the maps mention, as one condition; not what they mean.
  var mentioned: Node {
    .and(
      maps.map { clause in
        clause.keys.reversed().reduce(.equal(clause.value, clause.value)) { .forAll($1, $0) }
      })
  }

  /// The abstract spec's name and the maps, each on a line of its own.
  func text(_ reader: ExpressionReader) -> String {
    var out = "\(abstract.name), where"
    for clause in maps {
      var inner = reader
      var names: [String] = []
      for key in clause.keys {
        let (next, name) = inner.binding(key)
        inner = next
        names.append(name)
      }
      let index = names.isEmpty ? "" : "[\(names.joined(separator: ", "))]"
      let variable = abstract.variables.first { $0.declaration.id == clause.variable }
      let isTruth = variable?.declaration.type == .bool
      let value =
        isTruth ? "exactly if \(inner.condition(clause.value))" : "is \(inner.text(clause.value))"
      out += "\n      \(variable?.name ?? "?")\(index) \(value)"
    }
    return out
  }
}

extension Property {
  /// The claim, when it is a refinement.
  public var refinement: RefinementClaim? {
    if case .refines(let claim) = kind { claim } else { nil }
  }

  /// Whether it needs the full graph and every step of it, so that it gets a search of its own.
  public var needsFullGraph: Bool { isLiveness || refinement != nil }
}
