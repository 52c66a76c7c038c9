import SpecLanguage

/// What the parameters of a scope decide before any step is taken.
extension Program {
  /// Sets the variables whose initial value is an expression over parameters.
  ///
  /// - Throws: `TDX1010` when the expression reads anything else, `TDX1009` when the value is
  ///   outside the variable's range.
  mutating func settleInitialState(_ base: Resolver) throws(SpecError) {
    for variable in spec.variables where !variable.declaration.initial.isConstant {
      try settle(variable.declaration, base)
    }
  }

  private mutating func settle(
    _ declaration: VariableDeclaration, _ base: Resolver
  ) throws(SpecError) {
    guard !declaration.initial.isAboutStates, let layout = variables[declaration.id],
      layout.setCount == nil
    else {
      throw SpecError(
        "TDX1010", "an initial value must be a constant or follow from parameters",
        at: declaration.location)
    }
    let value = try value(of: declaration.initial, base)
    for cell in layout.base..<layout.base + layout.cellCount {
      let code = value - cells[cell].low
      guard code >= 0, code < cells[cell].count else {
        throw SpecError(
          "TDX1009", "the initial value \(value) is outside the variable's range",
          at: declaration.location)
      }
      initial[cell] = code
    }
  }

  /// Finds the procedures that no thread can begin: the first step waits, before it looks at
  /// anything else, for a condition on parameters that is false.
  mutating func settleProcedures(_ base: Resolver) throws(SpecError) {
    for procedure in procedures {
      for condition in procedure.action.body.firstConditions
      where !condition.isAboutStates && !condition.isAboutCalls {
        if try value(of: condition, base) == 0 { neverBegun.insert(procedure.index) }
      }
    }
  }

  /// The value of an expression over parameters.
  func value(of expression: Node, _ base: Resolver) throws(SpecError) -> Int {
    var resolver = base
    let term = try resolver.resolve(expression)
    var environment = Environment(self, initial, thread: 0, registers: resolver.registerCount)
    return try environment.value(of: term)
  }
}

extension Node {
  /// Whether the value may differ from state to state or from thread to thread.
  var isAboutStates: Bool {
    any {
      switch $0 {
      case .read, .standing, .currentThread: true
      default: false
      }
    }
  }

  /// Whether the value may differ from call to call, or is one that a quantifier goes through.
  var isAboutCalls: Bool {
    any {
      switch $0 {
      case .bound, .local: true
      default: false
      }
    }
  }

  /// Whether the value is the same at every scope.
  fileprivate var isConstant: Bool {
    switch self {
    case .literal, .fullSet, .outcome: true
    case .some(let present): present.isConstant
    default: false
    }
  }
}

extension [Statement] {
  /// The conditions that the first step waits for, before it checks or changes anything.
  fileprivate var firstConditions: [Node] {
    guard let first else { return [] }
    guard case .step(_, let body) = first.kind else { return first.condition.map { [$0] } ?? [] }
    return body.prefix { $0.condition != nil }.compactMap(\.condition).flatMap(\.conjuncts)
  }
}

extension Statement {
  fileprivate var condition: Node? {
    if case .require(let condition) = kind { condition } else { nil }
  }
}

extension Node {
  var conjuncts: [Node] {
    if case .and(let parts) = self { parts } else { [self] }
  }
}
