import CZ3

/// Parameters of a libz3 object, checked against the names and types that libz3 documents.
///
/// libz3 itself takes any name, and what it does not know has no effect: a misspelt time limit
/// would be no limit.
struct SolverParameters {
  enum Value: Hashable {
    case number(UInt32)
    case truth(Bool)
    case word(String)

    fileprivate var kind: Z3_param_kind {
      switch self {
      case .number: Z3_PK_UINT
      case .truth: Z3_PK_BOOL
      case .word: Z3_PK_SYMBOL
      }
    }
  }

  private let values: [(name: String, value: Value)]

  init(_ values: [(name: String, value: Value)]) { self.values = values }

  /// Hands the parameters to `apply` if each has a documented name and the type that goes with it.
  ///
  /// - Parameter descriptions: what the object documents; read during the call only.
  /// - Throws: `SolverError.Kind.parameter` for the first that does not fit.
  func set(
    _ context: SolverContext, against descriptions: Z3_param_descrs?,
    _ apply: (Z3_params) -> Void
  ) throws(SolverError) {
    guard let descriptions else { throw SolverError(message: "no parameters are documented") }
    Z3_param_descrs_inc_ref(context.raw, descriptions)
    defer { Z3_param_descrs_dec_ref(context.raw, descriptions) }
    guard let parameters = Z3_mk_params(context.raw) else {
      throw SolverError(message: "no parameters could be made")
    }
    Z3_params_inc_ref(context.raw, parameters)
    defer { Z3_params_dec_ref(context.raw, parameters) }
    for (name, value) in values {
      let symbol = context.symbol(name)
      let kind = Z3_param_descrs_get_kind(context.raw, descriptions, symbol)
      guard kind == value.kind else {
        throw SolverError(
          message: kind == Z3_PK_INVALID
            ? "there is no parameter '\(name)'" : "the parameter '\(name)' has another type",
          kind: .parameter(name))
      }
      switch value {
      case .number(let number): Z3_params_set_uint(context.raw, parameters, symbol, number)
      case .truth(let truth): Z3_params_set_bool(context.raw, parameters, symbol, truth)
      case .word(let word):
        Z3_params_set_symbol(context.raw, parameters, symbol, context.symbol(word))
      }
    }
    Z3_params_validate(context.raw, parameters, descriptions)
    try context.check()
    apply(parameters)
    try context.check()
  }
}

extension SolverLimits {
  /// As parameters of a solver or a fixed point.
  var parameters: [(name: String, value: SolverParameters.Value)] {
    var result: [(name: String, value: SolverParameters.Value)] = [
      ("timeout", .number(milliseconds))
    ]
    if let resources { result.append(("rlimit", .number(resources))) }
    return result
  }
}
