/// A group of variables, locks, parameters and actions that specs are assembled from.
public protocol SpecPart: Sendable {}

/// A specification: variables and locks as stored properties, actions and properties as lists.
public protocol Spec: SpecPart {
  /// As the command line spells it: `teardown/terminate-vm-v4`.
  static var name: String { get }
  /// One sentence for `tdxspec list`.
  var summary: String { get }
  @ListBuilder<Action> var actions: [Action] { get }
  @ListBuilder<Property> var properties: [Property] { get }
  @ListBuilder<Scope> var scopes: [Scope] { get }
  /// Tables that guards are made from, for readers.
  @ListBuilder<ReferenceTable> var tables: [ReferenceTable] { get }
  /// Bugs that its properties must notice.
  @ListBuilder<Mutation> var mutations: [Mutation] { get }
  /// Runs of calls whose cost is known as counts.
  var cost: CostModel? { get }
  /// What its policies cost for inputs that are data.
  var policyTable: PolicyTable? { get }
}

extension Spec {
  @ListBuilder<Scope> public var scopes: [Scope] { [Scope]() }
  @ListBuilder<ReferenceTable> public var tables: [ReferenceTable] { [ReferenceTable]() }
  @ListBuilder<Mutation> public var mutations: [Mutation] { [Mutation]() }
  public var cost: CostModel? { nil }
  public var policyTable: PolicyTable? { nil }
}

/// Lists things under each other.
@resultBuilder
public enum ListBuilder<Element> {
  public static func buildExpression(_ element: Element) -> [Element] { [element] }
  public static func buildExpression(_ elements: [Element]) -> [Element] { elements }
  public static func buildBlock(_ parts: [Element]...) -> [Element] { parts.flatMap { $0 } }
}

/// A variable with the name that reflection found for it.
public struct NamedVariable: Sendable {
  public let name: String
  public let declaration: VariableDeclaration
}

/// A spec as everything else sees it: names, declarations, actions and properties, in order.
public struct SpecDescription: Sendable {
  public let name: String
  public let summary: String
  public let variables: [NamedVariable]
  public let locks: [LockDeclaration]
  public let parameters: [Parameter]
  public let constants: [ConstantDeclaration]
  public let actions: [Action]
  public let properties: [Property]
  public let scopes: [Scope]
  public let tables: [ReferenceTable]
  public let mutations: [Mutation]
  public let cost: CostModel?
  public let policyTable: PolicyTable?
  /// Whether a mutation took something out: a name that is gone is a place where nobody stands.
  public let isMutated: Bool

  /// Reads a spec's declarations by reflection, in order of declaration, parts included.
  public init(_ spec: some Spec) { self.init(spec, properties: spec.properties) }

  /// The same without properties, so that two specs may refer to each other.
  init(withoutProperties spec: some Spec) { self.init(spec, properties: []) }

  private init(_ spec: some Spec, properties: [Property]) {
    var found = Declarations()
    found.collect(spec)
    name = type(of: spec).name
    summary = spec.summary
    variables = found.variables
    locks = found.locks
    parameters = found.parameters
    constants = found.constants
    actions = spec.actions
    self.properties = properties
    scopes = spec.scopes
    tables = spec.tables
    mutations = spec.mutations
    cost = spec.cost
    policyTable = spec.policyTable
    isMutated = false
  }

  /// The declared name of a variable.
  public func name(of id: VariableID) -> String {
    variables.first { $0.declaration.id == id }?.name ?? "?"
  }
}

/// What reflection over a spec's stored properties finds.
private struct Declarations {
  var variables: [NamedVariable] = []
  var locks: [LockDeclaration] = []
  var parameters: [Parameter] = []
  var constants: [ConstantDeclaration] = []

  mutating func collect(_ part: any SpecPart) {
    for child in Mirror(reflecting: part).children {
      let label = child.label ?? "?"
      switch child.value {
      case let part as any SpecPart:
        collect(part)
      case let variable as any Declaring:
        add(variable.declarations, label)
      case let lock as any DeclaringLock:
        add(lock.lock)
      case let parameter as Parameter:
        if !parameters.contains(where: { $0.name == parameter.name }) {
          parameters.append(parameter)
        }
      case let constant as any DeclaringConstant:
        let declaration = constant.constant(named: label)
        if !constants.contains(where: { $0.id == declaration.id }) {
          constants.append(declaration)
        }
      default:
        break
      }
    }
  }

  private mutating func add(_ declarations: [VariableDeclaration], _ label: String) {
    for declaration in declarations
    where !variables.contains(where: { $0.declaration.id == declaration.id }) {
      variables.append(
        NamedVariable(name: declaration.name ?? label, declaration: declaration))
    }
  }

  /// A lock becomes its owner and, if it can be shared, its readers.
  private mutating func add(_ lock: LockDeclaration) {
    guard !locks.contains(lock) else { return }
    locks.append(lock)
    variables.append(NamedVariable(name: lock.name, declaration: lock.owner))
    if let readers = lock.readers {
      variables.append(NamedVariable(name: "\(lock.name) readers", declaration: readers))
    }
  }
}

/// A spec by name, built when it is asked for.
public struct CatalogueEntry: Sendable {
  public let name: String
  public let describe: @Sendable () -> SpecDescription

  /// - Parameter make: builds the spec; called once for every description.
  public init<S: Spec>(_ make: @escaping @Sendable () -> S) {
    name = S.name
    describe = { SpecDescription(make()) }
  }
}
