/// What a declared variable is for.
public enum VariableKind: Hashable, Sendable {
  case state
  /// Records history for properties and never influences behaviour.
  case ghost
  /// Who holds a lock, or who reads under it.
  case lock(name: String)
}

/// A declared variable, as the registration of a spec sees it.
public struct VariableDeclaration: Hashable, Sendable {
  public let id: VariableID
  /// What readings call it, when the property's own name is not the standard term.
  public var name: String?
  public let kind: VariableKind
  /// The sorts (or other finite types) it is indexed by; empty for a plain variable.
  public let indices: [ValueType]
  public let type: ValueType
  public let initial: Node
  public let location: SourceLocation
}

/// A part of a spec that declares something; found by reflection, in order of declaration.
protocol Declaring {
  var declarations: [VariableDeclaration] { get }
}

/// A state variable: `let td = Var(TD.initialised)`.
public struct Var<Value: Domain>: Readable, Declaring {
  let declaration: VariableDeclaration

  /// - Parameter name: what readings call it, when the property's name is not the standard term.
  public init(
    _ initial: Value, as name: String? = nil, file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state, indices: [],
      type: Value.valueType,
      initial: initial.literal, location: SourceLocation(file: file, line: line))
  }

  /// A variable that starts differently from scope to scope: `Var(links == 1, as: "linked")`.
  ///
  /// - Parameter initial: an expression over parameters, and nothing else (TDX1010).
  public init(
    _ initial: Expr<Value>, as name: String? = nil, file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state, indices: [],
      type: Value.valueType,
      initial: initial.node, location: SourceLocation(file: file, line: line))
  }

  public var node: Node { .read(declaration.id, []) }
  var declarations: [VariableDeclaration] { [declaration] }
}

extension Var where Value == Int {
  /// A bounded counter: `Var(0, in: 0...3)`. Leaving the range is a violation, never a wrap.
  public init(
    _ initial: Int, in range: ClosedRange<Int>, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state, indices: [],
      type: .integer(range),
      initial: initial.literal, location: SourceLocation(file: file, line: line))
  }
}

extension Var: Writable {
  public func assignment(_ value: Node, at location: SourceLocation) -> Statement {
    Statement(.assign(declaration.id, [], value), at: location)
  }
}

/// A history variable: properties read it, behaviour does not.
public struct Ghost<Value: Domain>: Writable, Declaring {
  let declaration: VariableDeclaration

  /// - Parameter name: what readings call it, when the property's name is not the standard term.
  public init(
    _ initial: Value, as name: String? = nil, file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .ghost, indices: [],
      type: Value.valueType,
      initial: initial.literal, location: SourceLocation(file: file, line: line))
  }

  public var node: Node { .read(declaration.id, []) }
  public func assignment(_ value: Node, at location: SourceLocation) -> Statement {
    Statement(.assign(declaration.id, [], value), at: location)
  }
  var declarations: [VariableDeclaration] { [declaration] }
}

/// One cell of a map.
public struct Cell<Value: Domain>: Writable {
  let variable: VariableID
  let indices: [Node]

  public var node: Node { .read(variable, indices) }
  public func assignment(_ value: Node, at location: SourceLocation) -> Statement {
    Statement(.assign(variable, indices, value), at: location)
  }
}

/// A total function from a sort (or another finite type): `Map(Page.self, SEPT.free)`.
public struct Map<Key: Domain, Value: Domain>: Sendable, Declaring {
  let declaration: VariableDeclaration

  public init(
    _ key: Key.Type, _ initial: Value, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state, indices: [Key.valueType],
      type: Value.valueType, initial: initial.literal,
      location: SourceLocation(file: file, line: line))
  }

  /// A function that starts differently from scope to scope, the same for every key.
  ///
  /// - Parameter initial: an expression over parameters, and nothing else (TDX1010).
  public init(
    _ key: Key.Type, _ initial: Expr<Value>, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state, indices: [Key.valueType],
      type: Value.valueType, initial: initial.node,
      location: SourceLocation(file: file, line: line))
  }

  public subscript(_ key: some Readable<Key>) -> Cell<Value> {
    Cell(variable: declaration.id, indices: [key.node])
  }
  var declarations: [VariableDeclaration] { [declaration] }
}

extension Map where Value == Int {
  /// One counter for every key, from 0 to what the scope says.
  public init(
    _ key: Key.Type, _ initial: Int, upTo most: Parameter, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state,
      indices: [Key.valueType], type: .counter(most.name), initial: initial.literal,
      location: SourceLocation(file: file, line: line))
  }

  /// One bounded counter for every key.
  public init(
    _ key: Key.Type, _ initial: Int, in range: ClosedRange<Int>, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state,
      indices: [Key.valueType], type: .integer(range), initial: initial.literal,
      location: SourceLocation(file: file, line: line))
  }
}

/// A total function of two arguments: `Map2(VCPU.self, Page.self, false)`.
public struct Map2<First: Domain, Second: Domain, Value: Domain>: Sendable, Declaring {
  let declaration: VariableDeclaration

  public init(
    _ first: First.Type, _ second: Second.Type, _ initial: Value, as name: String? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state,
      indices: [First.valueType, Second.valueType], type: Value.valueType,
      initial: initial.literal, location: SourceLocation(file: file, line: line))
  }

  public subscript(
    _ first: some Readable<First>, _ second: some Readable<Second>
  ) -> Cell<Value> {
    Cell(variable: declaration.id, indices: [first.node, second.node])
  }
  var declarations: [VariableDeclaration] { [declaration] }
}

extension Map2 where Value == Int {
  /// One counter for every pair of keys, from 0 to what the scope says.
  public init(
    _ first: First.Type, _ second: Second.Type, _ initial: Int, upTo most: Parameter,
    as name: String? = nil, file: String = #fileID, line: Int = #line
  ) {
    declaration = VariableDeclaration(
      id: VariableID(raw: Identity.next()), name: name, kind: .state,
      indices: [First.valueType, Second.valueType], type: .counter(most.name),
      initial: initial.literal, location: SourceLocation(file: file, line: line))
  }
}

// A map compared or assigned without its index gets a message that says what is missing.
@available(*, unavailable, message: "index the map: map[element] == value")
public func == <K: Domain, V: Domain>(left: Map<K, V>, right: V) -> Condition {
  Condition(.no)
}
@available(*, unavailable, message: "index the map: map[element] <- value")
public func <- <K: Domain, V: Domain>(target: Map<K, V>, value: V) -> Assignment {
  Assignment { Statement(.step("", []), at: $0) }
}

/// A variable of one thread for the length of one call.
public struct Local<Value: Domain>: Writable {
  let id: LocalID

  /// Starts as `false`, `none`, the first case or `ok`.
  ///
  /// - Parameter name: what readings and counterexamples call it.
  public init(_ name: String) {
    id = LocalID(raw: Identity.next(), name: name, type: Value.valueType)
  }

  public var node: Node { .local(id) }
  public func assignment(_ value: Node, at location: SourceLocation) -> Statement {
    Statement(.assignLocal(id, value), at: location)
  }
}
