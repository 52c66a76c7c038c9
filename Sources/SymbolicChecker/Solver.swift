import CZ3

/// How a query ended.
enum SolverAnswer: Equatable {
  case satisfiable
  case unsatisfiable
  /// A timeout, a resource limit, an interrupt or incompleteness: never an answer.
  case unknown(String)
}

/// Bounds on one query.
struct SolverLimits {
  /// Milliseconds of wall time; the query is unknown after that.
  var milliseconds: UInt32 = 60_000
  /// The most that the query may cost in libz3's own units: unlike time, the same on every
  /// machine. Without it there is no such limit.
  var resources: UInt32?
}

/// A libz3 solver with one owner, so that it is released exactly once.
struct Solver: ~Copyable {
  let context: SolverContext
  private let raw: Z3_solver

  /// - Parameter logic: `QF_FD` for bounded questions over bits (swift-design §5.1).
  init(
    _ context: SolverContext, logic: String?, _ limits: SolverLimits
  ) throws(SolverError) {
    let handle =
      logic.map { Z3_mk_solver_for_logic(context.raw, context.symbol($0)) }
      ?? Z3_mk_solver(context.raw)
    guard let handle else { throw SolverError(message: "no solver could be made") }
    Z3_solver_inc_ref(context.raw, handle)
    do throws(SolverError) {
      try Self.configure(handle, context, limits.parameters)
    } catch {
      Z3_solver_dec_ref(context.raw, handle)
      throw error
    }
    self.context = context
    raw = handle
  }

  /// Bounds the queries from here on.
  func limit(_ limits: SolverLimits) throws(SolverError) {
    try set(limits.parameters)
  }

  /// Sets parameters by their documented names.
  func set(_ values: [(name: String, value: SolverParameters.Value)]) throws(SolverError) {
    try Self.configure(raw, context, values)
  }

  private static func configure(
    _ raw: Z3_solver, _ context: SolverContext,
    _ values: [(name: String, value: SolverParameters.Value)]
  ) throws(SolverError) {
    try SolverParameters(values).set(
      context, against: Z3_solver_get_param_descrs(context.raw, raw)
    ) { Z3_solver_set_params(context.raw, raw, $0) }
  }

  deinit { Z3_solver_dec_ref(context.raw, raw) }

  func assert(_ expression: Expression) throws(SolverError) {
    Z3_solver_assert(context.raw, raw, expression.raw)
    withExtendedLifetime(expression) {}
    try context.check()
  }

  func push() { Z3_solver_push(context.raw, raw) }
  func pop() { Z3_solver_pop(context.raw, raw, 1) }

  func check(assuming assumptions: [Expression] = []) throws(SolverError) -> SolverAnswer {
    let handles: [Z3_ast?] = assumptions.map(\.raw)
    let answer = withExtendedLifetime(assumptions) {
      handles.isEmpty
        ? Z3_solver_check(context.raw, raw)
        : Z3_solver_check_assumptions(context.raw, raw, UInt32(handles.count), handles)
    }
    switch answer {
    case Z3_L_TRUE: return .satisfiable
    case Z3_L_FALSE: return .unsatisfiable
    default:
      let reason = String(cString: Z3_solver_get_reason_unknown(context.raw, raw))
      // libz3 has one word for a time limit, a resource limit and an interrupt.
      let isCut = ["canceled", "timeout", "resource"].contains(where: reason.contains)
      return .unknown(isCut ? "a limit or a signal came first (\(reason))" : reason)
    }
  }

  /// The truth values of expressions in the model of the last satisfiable check.
  func values(of expressions: [Expression]) throws(SolverError) -> [Bool] {
    guard let model = Z3_solver_get_model(context.raw, raw) else {
      throw SolverError(message: "there is no model")
    }
    Z3_model_inc_ref(context.raw, model)
    defer { Z3_model_dec_ref(context.raw, model) }
    var values: [Bool] = []
    for expression in expressions {
      var result: Z3_ast?
      guard Z3_model_eval(context.raw, model, expression.raw, true, &result), let result else {
        throw SolverError(message: "a model gives no value")
      }
      values.append(Z3_get_bool_value(context.raw, result) == Z3_L_TRUE)
    }
    return values
  }

  /// Which of the assumptions the last unsatisfiable check needed; not a smallest set.
  func core(of assumptions: [Expression]) throws(SolverError) -> [Int] {
    guard let vector = Z3_solver_get_unsat_core(context.raw, raw) else {
      throw SolverError(message: "there is no core")
    }
    Z3_ast_vector_inc_ref(context.raw, vector)
    defer { Z3_ast_vector_dec_ref(context.raw, vector) }
    var needed: [Int] = []
    for index in 0..<Z3_ast_vector_size(context.raw, vector) {
      guard let found = Z3_ast_vector_get(context.raw, vector, index) else { continue }
      // libz3 shares equal expressions, so that the handle is the identity.
      needed += assumptions.indices.filter { assumptions[$0].raw == found }
    }
    return needed.sorted()
  }

  /// The query under assumptions as SMT-LIB.
  func text(assuming assumptions: [Expression]) -> String {
    "\(text)(check-sat-assuming (\(assumptions.map(\.text).joined(separator: " "))))\n"
  }

  /// The query so far as SMT-LIB.
  var text: String { String(cString: Z3_solver_to_string(context.raw, raw)) }
}
