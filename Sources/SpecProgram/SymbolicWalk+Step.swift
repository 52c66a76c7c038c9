import SpecLanguage

/// The writes of one step while it is being carried out, with the conditions they depend on.
private struct PendingWrites {
  var cells: [Int: (when: Formula, value: Value)] = [:]
  var locals: [Int: (when: Formula, value: Symbolic)] = [:]
}

extension SymbolicWalk {
  /// Carries out a step: one path for every way out of it.
  mutating func step(
    _ body: [AtomicStatement<Term>], _ next: Int, _ rules: inout [GroundRule]
  ) throws(SpecError) {
    var pending = PendingWrites()
    var exits: [(walk: SymbolicWalk, node: Int)] = []
    guard try carryOut(body[...], .yes, &pending, &exits, &rules) else {
      for exit in exits { try follow(exit, &rules) }
      return
    }
    for exit in exits { try follow(exit, &rules) }
    apply(pending)
    try toBoundary(next, &rules)
  }

  private func follow(
    _ exit: (walk: SymbolicWalk, node: Int), _ rules: inout [GroundRule]
  ) throws(SpecError) {
    var walk = exit.walk
    guard Formula.conjunction(walk.run.path) != .no else { return }
    try walk.toBoundary(exit.node, &rules)
  }

  mutating func silently(
    _ body: [AtomicStatement<Term>], _ rules: inout [GroundRule]
  ) throws(SpecError) {
    var pending = PendingWrites()
    var exits: [(walk: SymbolicWalk, node: Int)] = []
    _ = try carryOut(body[...], .yes, &pending, &exits, &rules)
    apply(pending)
  }

  private mutating func apply(_ pending: PendingWrites) {
    for (cell, write) in pending.cells {
      let old = run.current[cell] ?? .cell(cell)
      run.current[cell] = .select(write.when, write.value, old)
    }
    for (register, write) in pending.locals {
      run.registers[register] = blend(write.when, write.value, run.registers[register])
    }
  }

  private func blend(_ when: Formula, _ new: Symbolic, _ old: Symbolic) -> Symbolic {
    switch (new, old) {
    case (.number(let a), .number(let b)): return .number(.select(when, a, b))
    case (.set(let a), .set(let b)) where a.count == b.count:
      return .set(zip(a, b).map { run.comparer.pick(when, $0, $1) })
    default: return new
    }
  }

  /// Carries out statements that all read the state before the step.
  ///
  /// - Parameter when: the condition under which they happen, within the step.
  /// - Returns: false when no path goes on to the next node.
  private mutating func carryOut(
    _ body: ArraySlice<AtomicStatement<Term>>, _ when: Formula, _ pending: inout PendingWrites,
    _ exits: inout [(walk: SymbolicWalk, node: Int)], _ rules: inout [GroundRule]
  ) throws(SpecError) -> Bool {
    for statement in body {
      switch statement {
      case .require(let condition):
        run.path.append(.disjunction([when.negated, run.formula(of: condition)]))
      case .check(let number, let condition, let failTo):
        let formula = run.formula(of: condition)
        var refused = self
        refused.run.path += [when, formula.negated]
        refused.label.refusedBy = number
        exits.append((refused, failTo))
        run.path.append(.disjunction([when.negated, formula]))
      case .assign(let target, let value, let place):
        try assign(target, value, place, when, &pending, &rules)
      case .when(let condition, let yes, let no):
        let formula = run.formula(of: condition)
        let then = Formula.conjunction([when, formula])
        let otherwise = Formula.conjunction([when, formula.negated])
        if then != .no { _ = try carryOut(yes[...], then, &pending, &exits, &rules) }
        if otherwise != .no { _ = try carryOut(no[...], otherwise, &pending, &exits, &rules) }
      case .each(let bound, let inner):
        let register = procedure.bounds[bound] ?? 0
        for element in 0..<(try program.scope.span(of: bound.type).count) {
          run.registers[register] = .number(.const(element))
          _ = try carryOut(inner[...], when, &pending, &exits, &rules)
        }
      case .exit(let node):
        var leaving = self
        leaving.run.path.append(when)
        leaving.apply(pending)
        exits.append((leaving, node))
        run.path.append(when.negated)
      }
    }
    return Formula.conjunction(run.path) != .no
  }

  private func assign(
    _ target: Target<Term>, _ value: Term, _ place: SourceLocation, _ when: Formula,
    _ pending: inout PendingWrites, _ rules: inout [GroundRule]
  ) throws(SpecError) {
    switch target {
    case .local(let local):
      guard let register = procedure.locals[local] else { return }
      let new: Symbolic =
        if case .set = local.type {
          .set(
            run.members(
              of: value, atLeast: procedure.frameCells[register].setCount ?? 0))
        } else {
          .number(run.value(of: value))
        }
      if let known = pending.locals[register] {
        pending.locals[register] = (
          .disjunction([known.when, when]), blend(when, new, known.value)
        )
      } else {
        pending.locals[register] = (when, new)
      }
    case .variable(let variable, let indices):
      guard let layout = program.variables[variable] else { return }
      try assign(
        layout, zip(indices, layout.indices).map { ($0, $1) }[...], layout.base, value, place,
        when, &pending, &rules)
    }
  }

  /// Follows the indices to the cells; an index that is not constant writes conditionally.
  private func assign(
    _ layout: VariableLayout,
    _ indices: ArraySlice<(Term, (low: Int, count: Int, stride: Int))>, _ base: Int,
    _ value: Term, _ place: SourceLocation, _ when: Formula, _ pending: inout PendingWrites,
    _ rules: inout [GroundRule]
  ) throws(SpecError) {
    guard let (term, index) = indices.first else {
      guard let count = layout.setCount else {
        write(base, run.value(of: value), place, when, &pending, &rules)
        return
      }
      for (member, formula) in run.members(of: value, atLeast: count).prefix(count).enumerated() {
        write(
          base + member, .select(formula, .const(1), .const(0)), place, when, &pending, &rules)
      }
      return
    }
    let position = run.value(of: term)
    for number in 0..<index.count {
      let test = run.comparer.compare(.equal, position, .const(number + index.low))
      let condition = Formula.conjunction([when, test])
      guard condition != .no else { continue }
      try assign(
        layout, indices.dropFirst(), base + number * index.stride, value, place, condition,
        &pending, &rules)
    }
  }

  private func write(
    _ cell: Int, _ value: Value, _ place: SourceLocation, _ when: Formula,
    _ pending: inout PendingWrites, _ rules: inout [GroundRule]
  ) {
    let info = program.cells[cell]
    let tooLow = run.comparer.compare(.less, value, .const(info.low))
    let tooHigh = run.comparer.compare(.less, .const(info.low + info.count - 1), value)
    fault(
      .conjunction([when, .disjunction([tooLow, tooHigh])]),
      SpecError(
        "TDX3002", "\(info.name) leaves its range \(info.low)...\(info.low + info.count - 1)",
        at: place, suggestion: "widen the range, or guard the step"), &rules)
    guard let known = pending.cells[cell] else {
      pending.cells[cell] = (when, value)
      return
    }
    fault(
      .conjunction([when, known.when]),
      SpecError(
        "TDX3003", "\(info.name) is written twice in one step", at: place,
        suggestion: "all writes of a step happen at once; make one of them conditional"),
      &rules)
    pending.cells[cell] = (
      .disjunction([known.when, when]), .select(when, value, known.value)
    )
  }

  private func fault(_ when: Formula, _ error: SpecError, _ rules: inout [GroundRule]) {
    guard when != .no else { return }
    var walk = self
    walk.run.path.append(when)
    walk.emit([:], fault: error, &rules)
  }
}
