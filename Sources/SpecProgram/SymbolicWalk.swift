import SpecLanguage

/// One path through a procedure from where a thread stands to where it stops next.
///
/// The same walk as `Run`, on conditions instead of values.
struct SymbolicWalk {
  let procedure: Procedure
  var run: SymbolicRun
  var label: TransitionLabel
  let program: Program
  /// What follows from the locks held where the thread stands.
  var held: [Int: Int] = [:]
  /// Guards against an action that never stops.
  var fuel = 10_000

  init(
    procedure: Procedure, run: SymbolicRun, label: TransitionLabel, program: Program
  ) {
    self.procedure = procedure
    self.run = run
    self.label = label
    self.program = program
  }

  private var isImpossible: Bool { Formula.conjunction(run.path) == .no }

  private mutating func burn() throws(SpecError) {
    fuel -= 1
    guard fuel > 0 else {
      throw SpecError(
        "TDX1201", "\(procedure.action.name) loops without a step that others can see",
        at: procedure.action.location)
    }
  }

  mutating func toVisibleStep(_ start: Int, _ rules: inout [GroundRule]) throws(SpecError) {
    var node = start
    while true {
      try burn()
      switch procedure.nodes[node] {
      case .test(let condition, let shared, let yes, let no):
        if shared { label.node = node }
        let formula = run.formula(of: condition)
        for (branch, test) in [(yes, formula), (no, formula.negated)] {
          guard let copy = assuming(test) else { continue }
          var walk = copy
          if shared {
            try walk.toBoundary(branch, &rules)
          } else {
            try walk.toVisibleStep(branch, &rules)
          }
        }
        return
      case .silent(let body, let next):
        try silently(body, &rules)
        node = next
      case .pick(let loop, let body, let exhausted):
        try pick(loop, body, exhausted, &rules)
        return
      case .atomic(let body, let next):
        label.node = node
        try step(body, next, &rules)
        return
      case .end, .endLocal:
        label.node = node
        return try toBoundary(node, &rules)
      }
    }
  }

  private func assuming(_ test: Formula) -> SymbolicWalk? {
    var copy = self
    copy.run.path.append(test)
    return copy.isImpossible ? nil : copy
  }

  private mutating func pick(
    _ loop: Loop<Term>, _ body: Int, _ exhausted: Int, _ rules: inout [GroundRule]
  ) throws(SpecError) {
    guard let element = procedure.bounds[loop.bound], let mask = procedure.locals[loop.done]
    else { return }
    let count = procedure.frameSpans[element]
    let taken = run.members(of: .register(mask), atLeast: count)
    let over = settled(loop, element, taken)
    if var walk = assuming(.conjunction(over)) {
      try walk.toVisibleStep(exhausted, &rules)
    }
    for candidate in 0..<count {
      var test = over[candidate].negated
      if loop.ordered { test = .conjunction([test] + over[..<candidate]) }
      guard var walk = assuming(test) else { continue }
      var members = taken
      members[candidate] = .yes
      walk.run.registers[element] = .number(.const(candidate))
      walk.run.registers[mask] = .set(members)
      walk.label = TransitionLabel(
        procedure: label.procedure, thread: label.thread, source: label.source,
        choice: label.choice + [candidate], refusedBy: nil, outcome: nil, node: label.node)
      try walk.toVisibleStep(body, &rules)
    }
  }

  /// For each element: it was taken already, or the loop does not go over it.
  private func settled(_ loop: Loop<Term>, _ element: Int, _ taken: [Formula]) -> [Formula] {
    guard let filter = loop.filter else { return taken }
    return taken.enumerated().map { candidate, taken in
      var copy = run
      copy.registers[element] = .number(.const(candidate))
      return .disjunction([taken, copy.formula(of: filter).negated])
    }
  }

  mutating func toBoundary(_ start: Int, _ rules: inout [GroundRule]) throws(SpecError) {
    var node = start
    while true {
      try burn()
      switch procedure.nodes[node] {
      case .test(let condition, shared: false, let yes, let no):
        let formula = run.formula(of: condition)
        for (branch, test) in [(yes, formula), (no, formula.negated)] {
          guard var walk = assuming(test) else { continue }
          try walk.toBoundary(branch, &rules)
        }
        return
      case .silent(let body, let next):
        try silently(body, &rules)
        node = next
      case .pick(let loop, _, let exhausted):
        guard let element = procedure.bounds[loop.bound],
          let mask = procedure.locals[loop.done]
        else { return }
        let count = procedure.frameSpans[element]
        let taken = run.members(of: .register(mask), atLeast: count)
        let all = Formula.conjunction(settled(loop, element, taken))
        if var walk = assuming(all) { try walk.toBoundary(exhausted, &rules) }
        if var walk = assuming(all.negated) { walk.finish(node, &rules) }
        return
      case .end(let outcome):
        label.outcome = program.outcomes.firstIndex(of: outcome)
        return finish(nil, &rules)
      case .endLocal(let local):
        try endWithLocal(local, &rules)
        return
      case .test, .atomic:
        return finish(node, &rules)
      }
    }
  }

  /// A call that ends with whatever a local holds: one rule an answer.
  private mutating func endWithLocal(
    _ local: LocalID, _ rules: inout [GroundRule]
  ) throws(SpecError) {
    guard let register = procedure.locals[local] else { return }
    let value = run.value(of: .register(register))
    for answer in program.outcomes.indices {
      let test = run.comparer.compare(.equal, value, .const(answer))
      guard var walk = assuming(test) else { continue }
      walk.label.outcome = answer
      walk.finish(nil, &rules)
    }
  }

  private mutating func finish(_ node: Int?, _ rules: inout [GroundRule]) {
    var writes = run.current
    if let thread = label.thread {
      let layout = program.threads[thread]
      writes[layout.location] = .const(node.map { procedure.locationOfNode[$0] } ?? 0)
      for slot in 0..<program.frameSlotCount { writes[layout.frame + slot] = .const(0) }
      let live = node.map { procedure.live[$0] } ?? []
      for register in live.sorted() {
        let place = procedure.frameCells[register]
        let cell = layout.frame + place.offset
        if let count = place.setCount {
          let members = run.members(of: .register(register), atLeast: count)
          for (index, member) in members.prefix(count).enumerated() {
            writes[cell + index] = .select(member, .const(1), .const(0))
          }
        } else {
          writes[cell] = run.value(of: .register(register))
        }
      }
    }
    emit(writes, fault: nil, &rules)
  }

  func emit(_ writes: [Int: Value], fault: SpecError?, _ rules: inout [GroundRule]) {
    let condition = Formula.conjunction(run.path)
    guard condition != .no else { return }
    let kept = writes.filter { $0.value != .cell($0.key) }.sorted { $0.key < $1.key }
    rules.append(
      GroundRule(
        label: label, guardFormula: condition, writes: kept.map { ($0.key, $0.value) },
        fault: fault, held: held))
  }
}
