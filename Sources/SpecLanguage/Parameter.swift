/// A number that a scope or `--set` chooses: `Parameter("BUG", 0...2, default: 0)`.
public struct Parameter: Readable {
  public typealias Value = Int
  public let name: String
  public let range: ClosedRange<Int>
  public let defaultValue: Int
  /// What the number means, for `tdxspec list`.
  public let meaning: String
  /// The sort whose size it is, if any.
  public let sizeOf: SortID?

  public init(
    _ name: String, _ range: ClosedRange<Int>, default defaultValue: Int, _ meaning: String = ""
  ) {
    self.name = name
    self.range = range
    self.defaultValue = defaultValue
    self.meaning = meaning
    sizeOf = nil
  }

  /// How many elements a sort has: `Parameter("vcpus", of: VCPU.self, 1...4, default: 2)`.
  public init<S: Sort>(
    _ name: String, of sort: S.Type, _ range: ClosedRange<Int>, default defaultValue: Int,
    _ meaning: String = ""
  ) {
    self.name = name
    self.range = range
    self.defaultValue = defaultValue
    self.meaning = meaning
    sizeOf = S.sort
  }

  public var node: Node { .parameter(name) }
}

/// A fixed table over a sort: `Constant(Page.self, File.self) { page, files in page % files }`.
///
/// It tells elements apart, so it breaks the symmetry of the sorts it mentions.
public struct Constant<Key: Sort, Value: Domain>: Sendable, DeclaringConstant {
  let id: ConstantID
  let table: @Sendable (_ key: Int, _ sizes: ConstantSizes) -> Int
  let valueType: ValueType

  /// - Parameter table: the value's number for a key's number; `size` is how many values there are
  ///   when the value is an element of a sort, 0 otherwise.
  public init(
    _ key: Key.Type, _ value: Value.Type,
    _ table: @escaping @Sendable (_ key: Int, _ size: Int) -> Int
  ) {
    id = ConstantID(raw: Identity.next())
    self.table = { table($0, $1.values) }
    valueType = Value.valueType
  }

  /// A table that depends on the sizes and parameters of the scope.
  public init(
    _ key: Key.Type, to value: Value.Type,
    _ table: @escaping @Sendable (_ key: Int, _ sizes: ConstantSizes) -> Int
  ) {
    id = ConstantID(raw: Identity.next())
    self.table = table
    valueType = Value.valueType
  }

  public subscript(_ key: some Readable<Key>) -> Expr<Value> { Expr(.constant(id, key.node)) }

  func constant(named name: String) -> ConstantDeclaration {
    ConstantDeclaration(id: id, name: name, key: Key.sort, value: valueType, table: table)
  }
}

protocol DeclaringConstant {
  func constant(named name: String) -> ConstantDeclaration
}

/// A `Constant`, as the registration of a spec sees it.
public struct ConstantDeclaration: Sendable {
  public let id: ConstantID
  /// As the spec's property is called.
  public let name: String
  public let key: SortID
  public let value: ValueType
  public let table: @Sendable (_ key: Int, _ sizes: ConstantSizes) -> Int
}

/// What a table may depend on: the scope.
public struct ConstantSizes: Sendable {
  /// How many values there are when the value is an element of a sort, 0 otherwise.
  public let values: Int
  private let parameters: [String: Int]

  public init(values: Int, parameters: [String: Int]) {
    self.values = values
    self.parameters = parameters
  }

  /// The value of a parameter or size; 0 when there is none of that name.
  public subscript(_ parameter: Parameter) -> Int { parameters[parameter.name] ?? 0 }
}

extension Constant where Value == Int {
  /// Numbers from a range, which may depend on the scope.
  public init(
    _ key: Key.Type, in range: ClosedRange<Int>,
    _ table: @escaping @Sendable (_ key: Int, _ sizes: ConstantSizes) -> Int
  ) {
    id = ConstantID(raw: Identity.next())
    self.table = table
    valueType = .integer(range)
  }
}

/// A named choice of sizes and parameters: `--scope race`.
public struct Scope: Sendable {
  public let name: String
  public let meaning: String
  public let values: [String: Int]
  /// What the threads do, in the order of their numbers; any call when empty.
  public let parts: [ThreadPart]

  /// - Parameter parts: for all threads together, or none.
  public init(
    _ name: String, _ meaning: String, _ values: [String: Int], parts: [ThreadPart] = []
  ) {
    self.name = name
    self.meaning = meaning
    self.values = values
    self.parts = parts
  }
}

/// The part that some threads play in a scope: they make no other calls than these.
///
/// A verdict holds for such threads only; far fewer states are left than when every thread may
/// make every call.
public struct ThreadPart: Hashable, Sendable {
  /// As reports call it: `converter`, `closer`.
  public let name: String
  public let threads: Int
  /// Names of actions.
  public let calls: [String]

  public init(_ name: String, threads: Int = 1, calls: [String]) {
    self.name = name
    self.threads = threads
    self.calls = calls
  }
}
