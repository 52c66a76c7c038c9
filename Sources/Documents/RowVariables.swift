import SpecLanguage
import SpecProgram

/// Chooses the variables whose values are the rows of tables.
public struct RowVariables {
  /// A variable with more values than this has no table.
  public static let mostValues = 12

  private let program: Program

  public init(_ program: Program) { self.program = program }

  /// Enumerations, truth values and small numbers that the checks of some action read,
  /// enumerations first, each kind in order of declaration.
  public var read: [NamedVariable] {
    var ids: Set<VariableID> = []
    for action in program.spec.actions { Self.collect(action.body, &ids) }
    let found = program.spec.variables.filter {
      ids.contains($0.declaration.id) && canBeRows($0)
    }
    return found.filter(\.isEnumeration) + found.filter { !$0.isEnumeration }
  }

  /// One variable by name.
  ///
  /// - Throws: `TDX2030` when there is none, or its values are no rows.
  public func named(_ name: String) throws(SpecError) -> NamedVariable {
    let all = program.spec.variables.filter(canBeRows)
    if let found = all.first(where: { $0.name == name }) { return found }
    let names = all.map(\.name).joined(separator: ", ")
    let exists = program.spec.variables.contains { $0.name == name }
    throw SpecError(
      "TDX2030",
      exists
        ? "the values of '\(name)' are no rows of a table"
        : "\(program.spec.name) has no variable '\(name)'",
      suggestion: names.isEmpty ? "no variable of it has few values" : "variables: \(names)")
  }

  private func canBeRows(_ variable: NamedVariable) -> Bool {
    guard case .state = variable.declaration.kind else { return false }
    switch variable.declaration.type {
    case .bool, .enumeration: return true
    case .integer, .counter:
      let cell = program.cells.first { $0.role == .variable(variable.declaration.id) }
      return (cell?.count ?? .max) <= Self.mostValues
    case .element, .optional, .operand, .set, .outcome: return false
    }
  }

  /// The variables that the checks of an action read wherever it is called.
  static func read(byCalled name: String, in spec: SpecDescription) -> Set<VariableID> {
    var ids: Set<VariableID> = []
    func look(_ body: [Statement]) {
      for statement in body {
        if case .call(let action, _) = statement.kind {
          if action.name == name { collect(action.body, &ids) }
          look(action.body)
        }
        statement.innerBodies.forEach(look)
      }
    }
    for action in spec.actions { look(action.body) }
    return ids
  }

  private static func collect(_ body: [Statement], _ ids: inout Set<VariableID>) {
    for statement in body {
      switch statement.kind {
      case .require(let condition), .check(let condition, _): note(condition, &ids)
      case .call(let action, _): collect(action.body, &ids)
      default: break
      }
      for inner in statement.innerBodies { collect(inner, &ids) }
    }
  }

  private static func note(_ condition: Node, _ ids: inout Set<VariableID>) {
    var found: [VariableID] = []
    condition.visit { if case .read(let id, _) = $0 { found.append(id) } }
    ids.formUnion(found)
  }
}

extension NamedVariable {
  fileprivate var isEnumeration: Bool {
    if case .enumeration = declaration.type { true } else { false }
  }
}

extension Statement {
  /// The statements inside this one, those of called actions left out.
  fileprivate var innerBodies: [[Statement]] {
    switch kind {
    case .when(_, let yes, let no): [yes, no]
    case .each(_, let body), .forEach(_, _, _, let body), .step(_, let body),
      .holding(_, let body), .tryHolding(_, _, let body), .repeating(let body, _):
      [body]
    default: []
    }
  }
}
