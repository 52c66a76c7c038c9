import CZ3

/// What libz3 said went wrong.
public struct SolverError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of thing it was.
  public enum Kind: Hashable, Sendable {
    case solver
    /// A parameter that libz3 does not document, or not with this type.
    case parameter(String)
  }

  public let message: String
  public private(set) var kind = Kind.solver
  public var description: String { "z3: \(message)" }

  init(message: String, kind: Kind = .solver) {
    self.message = message
    self.kind = kind
  }

  /// What keeps a question from being put to libz3.
  package init(_ message: String) { self.message = message }
}

/// One libz3 context. Not thread safe: it belongs to the task that made it, and only
/// `SolverInterrupt` may be used from elsewhere.
final class SolverContext {
  let raw: Z3_context
  let bool: Z3_sort

  init() throws(SolverError) {
    guard let configuration = Z3_mk_config() else {
      throw SolverError(message: "no configuration could be made")
    }
    defer { Z3_del_config(configuration) }
    guard let raw = Z3_mk_context_rc(configuration) else {
      throw SolverError(message: "no context could be made")
    }
    tdxs_z3_quiet(raw)
    guard let bool = Z3_mk_bool_sort(raw) else {
      Z3_del_context(raw)
      throw SolverError(message: "no sort could be made")
    }
    Z3_inc_ref(raw, Z3_sort_to_ast(raw, bool))
    self.raw = raw
    self.bool = bool
  }

  deinit {
    Z3_dec_ref(raw, Z3_sort_to_ast(raw, bool))
    Z3_del_context(raw)
  }

  /// The version of libz3, such as `4.8.12.0`.
  static var version: String { String(cString: Z3_get_full_version()) }

  /// Turns a handle into an owned expression.
  ///
  /// - Throws: what libz3 reports when the handle is null or an error is pending.
  func own(_ handle: Z3_ast?) throws(SolverError) -> Expression {
    try check()
    guard let handle else { throw SolverError(message: "an expression could not be made") }
    return Expression(self, handle)
  }

  func check() throws(SolverError) {
    let code = Z3_get_error_code(raw)
    guard code == Z3_OK else {
      throw SolverError(message: String(cString: Z3_get_error_msg(raw, code)))
    }
  }

  func symbol(_ name: String) -> Z3_symbol? { Z3_mk_string_symbol(raw, name) }

  // MARK: Expressions

  func constant(_ value: Bool) throws(SolverError) -> Expression {
    try own(value ? Z3_mk_true(raw) : Z3_mk_false(raw))
  }

  func variable(_ name: String) throws(SolverError) -> Expression {
    try own(Z3_mk_const(raw, symbol(name), bool))
  }

  func and(_ parts: [Expression]) throws(SolverError) -> Expression {
    if parts.count == 1 { return parts[0] }
    if parts.isEmpty { return try constant(true) }
    return try withExtendedLifetime(parts) { () throws(SolverError) in
      let handles: [Z3_ast?] = parts.map(\.raw)
      return try own(Z3_mk_and(raw, UInt32(handles.count), handles))
    }
  }

  func or(_ parts: [Expression]) throws(SolverError) -> Expression {
    if parts.count == 1 { return parts[0] }
    if parts.isEmpty { return try constant(false) }
    return try withExtendedLifetime(parts) { () throws(SolverError) in
      let handles: [Z3_ast?] = parts.map(\.raw)
      return try own(Z3_mk_or(raw, UInt32(handles.count), handles))
    }
  }

  func not(_ part: Expression) throws(SolverError) -> Expression {
    try withExtendedLifetime(part) { () throws(SolverError) in
      try own(Z3_mk_not(raw, part.raw))
    }
  }

  func implies(_ a: Expression, _ b: Expression) throws(SolverError) -> Expression {
    try withExtendedLifetime((a, b)) { () throws(SolverError) in
      try own(Z3_mk_implies(raw, a.raw, b.raw))
    }
  }

  func iff(_ a: Expression, _ b: Expression) throws(SolverError) -> Expression {
    try withExtendedLifetime((a, b)) { () throws(SolverError) in
      try own(Z3_mk_iff(raw, a.raw, b.raw))
    }
  }
}

/// A reference-counted libz3 expression.
///
/// ARC may drop an instance before a C call that got its handle returns; every call here keeps its
/// operands alive explicitly (swift-design §5.2).
final class Expression {
  let context: SolverContext
  let raw: Z3_ast

  init(_ context: SolverContext, _ raw: Z3_ast) {
    self.context = context
    self.raw = raw
    Z3_inc_ref(context.raw, raw)
  }

  deinit { Z3_dec_ref(context.raw, raw) }

  /// SMT-LIB text.
  var text: String { String(cString: Z3_ast_to_string(context.raw, raw)) }
}

/// Stops a running query; the one thing that may cross threads.
struct SolverInterrupt: @unchecked Sendable {
  // libz3 documents Z3_interrupt as callable from any thread while the context lives: it is kept
  // alive, so that a late interrupt finds it.
  private let context: SolverContext

  init(_ context: SolverContext) { self.context = context }

  func callAsFunction() { Z3_interrupt(context.raw) }
}
