import CZ3
import SpecLanguage
import SpecProgram

/// Why a spec, or a part of it, cannot be claimed for every size.
public struct SizeObstacle: Error, Hashable, Sendable {
  public let what: String
  public let location: SourceLocation?
}

/// What went wrong while a claim for every size was encoded.
enum RelationalError: Error {
  case obstacle(SizeObstacle)
  case solver(SolverError)
}

/// Encodes a spec over uninterpreted sorts, so that a claim holds for every number of elements.
///
/// A boolean map is a relation; an enumeration is a relation for each case, of which exactly one
/// holds; an optional element is a relation with at most one partner; a `Constant` is an arbitrary
/// function. There is no arithmetic and no function into a sort but those of constants, so the
/// queries stay in or near the EPR fragment.
final class RelationalEncoder {
  let context: SolverContext
  let program: Program
  private var sorts: [SortID: Z3_sort] = [:]
  private var declarations: [String: Z3_func_decl] = [:]
  private var fresh = 0
  private let variables: [VariableID: NamedVariable]

  init(_ context: SolverContext, _ program: Program) {
    self.context = context
    self.program = program
    variables = Dictionary(
      program.spec.variables.map { ($0.declaration.id, $0) }, uniquingKeysWith: { a, _ in a })
  }

  deinit {
    for sort in sorts.values { Z3_dec_ref(context.raw, Z3_sort_to_ast(context.raw, sort)) }
    for declaration in declarations.values {
      Z3_dec_ref(context.raw, Z3_func_decl_to_ast(context.raw, declaration))
    }
  }

  // MARK: Sorts, constants, relations

  func variable(_ id: VariableID) -> NamedVariable? { variables[id] }

  func sort(_ type: ValueType) throws -> Z3_sort {
    guard case .element(let id) = type else {
      throw RelationalError.obstacle(
        SizeObstacle(what: "an index that is no element", location: nil))
    }
    if let known = sorts[id] { return known }
    guard let made = Z3_mk_uninterpreted_sort(context.raw, context.symbol(id.name)) else {
      throw SolverError(message: "no sort could be made")
    }
    Z3_inc_ref(context.raw, Z3_sort_to_ast(context.raw, made))
    sorts[id] = made
    return made
  }

  /// A new constant of a sort.
  func element(_ type: ValueType) throws -> Expression {
    fresh += 1
    return try context.own(
      Z3_mk_const(context.raw, context.symbol("e\(fresh)"), try sort(type)))
  }

  /// `name(arguments)`, declared at its first use.
  func relation(
    _ name: String, _ types: [ValueType], _ arguments: [Expression], into result: ValueType? = nil
  ) throws -> Expression {
    let declaration: Z3_func_decl
    if let known = declarations[name] {
      declaration = known
    } else {
      let domain: [Z3_sort?] = try types.map { try sort($0) }
      let range = try result.map { try sort($0) } ?? context.bool
      guard
        let made = Z3_mk_func_decl(
          context.raw, context.symbol(name), UInt32(domain.count), domain, range)
      else { throw SolverError(message: "no relation could be declared") }
      Z3_inc_ref(context.raw, Z3_func_decl_to_ast(context.raw, made))
      declarations[name] = made
      declaration = made
    }
    return try withExtendedLifetime(arguments) {
      let handles: [Z3_ast?] = arguments.map(\.raw)
      return try context.own(
        Z3_mk_app(context.raw, declaration, UInt32(handles.count), handles))
    }
  }

  func equal(_ a: Expression, _ b: Expression) throws -> Expression {
    try withExtendedLifetime((a, b)) {
      try context.own(Z3_mk_eq(context.raw, a.raw, b.raw))
    }
  }

  func quantified(
    _ isForAll: Bool, _ bound: [Expression], _ body: Expression
  ) throws -> Expression {
    if bound.isEmpty { return body }
    return try withExtendedLifetime((bound, body)) {
      let apps: [Z3_app?] = bound.map { Z3_to_app(context.raw, $0.raw) }
      let count = UInt32(apps.count)
      return try context.own(
        isForAll
          ? Z3_mk_forall_const(context.raw, 0, count, apps, 0, nil, body.raw)
          : Z3_mk_exists_const(context.raw, 0, count, apps, 0, nil, body.raw))
    }
  }

  // MARK: The state

  /// The truth of "the variable at these indices has this value", for one of its relations.
  ///
  /// - Parameter value: which relation: the case of an enumeration, or the partner of an optional.
  func atom(
    _ variable: NamedVariable, _ tag: String, _ indices: [Expression], _ value: RelationValue
  ) throws -> Expression {
    let types = variable.declaration.indices
    let name = "\(tag)|\(variable.name)"
    switch value {
    case .truth: return try relation(name, types, indices)
    case .enumerated(let number): return try relation("\(name)|\(number)", types, indices)
    case .partner(let element, let type):
      return try relation(name, types + [type], indices + [element])
    }
  }

  /// What every state satisfies by the types of its variables.
  func wellFormed(_ tag: String) throws -> Expression {
    var parts: [Expression] = []
    for variable in variables.values.sorted(by: { $0.name < $1.name }) {
      let indices = try variable.declaration.indices.map { try element($0) }
      switch variable.declaration.type {
      case .enumeration(_, let cases):
        let atoms = try cases.indices.map {
          try atom(variable, tag, indices, .enumerated($0))
        }
        parts.append(try quantified(true, indices, try exactlyOne(atoms)))
      case .optional(let type):
        let (a, b) = (try element(type), try element(type))
        let both = try context.and([
          try atom(variable, tag, indices, .partner(a, type)),
          try atom(variable, tag, indices, .partner(b, type)),
        ])
        parts.append(
          try quantified(true, indices + [a, b], try context.implies(both, try equal(a, b))))
      default: continue
      }
    }
    return try context.and(parts)
  }

  private func exactlyOne(_ atoms: [Expression]) throws -> Expression {
    var parts = [try context.or(atoms)]
    for (index, first) in atoms.enumerated() {
      for second in atoms[(index + 1)...] {
        parts.append(try context.not(try context.and([first, second])))
      }
    }
    return try context.and(parts)
  }
}

/// Which of a variable's relations is meant.
enum RelationValue {
  case truth
  case enumerated(Int)
  case partner(Expression, ValueType)
}
