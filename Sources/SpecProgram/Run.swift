import SpecLanguage

/// One step of one procedure being carried out on a concrete state.
struct Run {
  let procedure: Procedure
  private var environment: Environment
  var label: TransitionLabel
  /// Cells written by the step so far, with the values they get.
  private var writes: [Int: Int] = [:]
  private var localWrites: [Int: Int] = [:]
  /// Checks that held so far, in order.
  private var passed: [Int] = []

  private var program: Program { environment.program }
  var registers: [Int] {
    get { environment.registers }
    set { environment.registers = newValue }
  }

  init(_ program: Program, _ procedure: Procedure, _ thread: Int?, _ state: [Int]) {
    self.procedure = procedure
    environment = Environment(
      program, state, thread: thread ?? 0, registers: procedure.registerCount)
    label = TransitionLabel(
      procedure: procedure.index, thread: thread, source: 0, choice: [], refusedBy: nil,
      outcome: nil, node: 0)
  }

  /// Brings what the thread remembers into the registers.
  mutating func loadFrame() {
    guard let thread = label.thread else { return }
    let base = program.threads[thread].frame
    for (register, place) in procedure.frameCells.enumerated() {
      if let count = place.setCount {
        var mask = 0
        for member in 0..<count where environment.state[base + place.offset + member] != 0 {
          mask |= 1 << member
        }
        environment.registers[register] = mask
      } else {
        environment.registers[register] = environment.state[base + place.offset]
      }
    }
  }

  mutating func resume(
    at node: Int, location: Int, _ result: inout [Transition]
  ) throws(SpecError) {
    label = TransitionLabel(
      procedure: label.procedure, thread: label.thread, source: location, choice: [],
      refusedBy: nil, outcome: nil, node: node)
    try toVisibleStep(node, &result)
  }

  /// Does invisible work until a step that others can see, and takes that step.
  mutating func toVisibleStep(_ start: Int, _ result: inout [Transition]) throws(SpecError) {
    var node = start
    while true {
      switch procedure.nodes[node] {
      case .test(let condition, let shared, let yes, let no):
        let next = try environment.value(of: condition) != 0 ? yes : no
        if shared {
          label.node = node
          return try toBoundary(next, &result)
        }
        node = next
      case .silent(let body, let next):
        try silently(body)
        node = next
      case .pick(let loop, let body, let exhausted):
        let left = try remaining(loop)
        if left.isEmpty {
          node = exhausted
          continue
        }
        for element in loop.ordered ? Array(left.prefix(1)) : left {
          var branch = self
          branch.take(element, loop)
          try branch.toVisibleStep(body, &result)
        }
        return
      case .atomic(let body, let next):
        label.node = node
        guard let leave = try step(body) else { return }
        return try toBoundary(leave < 0 ? next : leave, &result)
      case .end, .endLocal:
        label.node = node
        return try toBoundary(node, &result)
      }
    }
  }

  /// Does invisible work until the thread must stop or the call ends.
  private mutating func toBoundary(_ start: Int, _ result: inout [Transition]) throws(SpecError) {
    var node = start
    while true {
      switch procedure.nodes[node] {
      case .test(let condition, shared: false, let yes, let no):
        node = try environment.value(of: condition) != 0 ? yes : no
      case .silent(let body, let next):
        try silently(body)
        node = next
      case .pick(let loop, _, let exhausted):
        guard try remaining(loop).isEmpty else { return finish(node, &result) }
        node = exhausted
      case .end(let outcome):
        label.outcome = program.outcomes.firstIndex(of: outcome)
        return finish(nil, &result)
      case .endLocal(let local):
        label.outcome = procedure.locals[local].map { registers[$0] }
        return finish(nil, &result)
      case .test, .atomic:
        return finish(node, &result)
      }
    }
  }

  /// Stops the thread at a node, or ends the call, and records the successor.
  private mutating func finish(_ node: Int?, _ result: inout [Transition]) {
    if let thread = label.thread {
      let layout = program.threads[thread]
      environment.state[layout.location] = node.map { procedure.locationOfNode[$0] } ?? 0
      let live = node.map { procedure.live[$0] } ?? []
      let slots = program.frameSlotCount
      for slot in 0..<slots { environment.state[layout.frame + slot] = 0 }
      for (register, place) in procedure.frameCells.enumerated() where live.contains(register) {
        let value = registers[register]
        guard let count = place.setCount else {
          environment.state[layout.frame + place.offset] = value
          continue
        }
        for member in 0..<count {
          environment.state[layout.frame + place.offset + member] = (value >> member) & 1
        }
      }
    }
    result.append(Transition(state: environment.state, label: label, passed: passed))
  }

  // MARK: Loops

  private mutating func remaining(_ loop: Loop<Term>) throws(SpecError) -> [Int] {
    guard let register = procedure.bounds[loop.bound],
      let mask = procedure.locals[loop.done]
    else { return [] }
    var left: [Int] = []
    let before = registers[register]
    for element in 0..<procedure.frameSpans[register] where registers[mask] >> element & 1 == 0 {
      environment.registers[register] = element
      if let filter = loop.filter, try environment.value(of: filter) == 0 { continue }
      left.append(element)
    }
    environment.registers[register] = before
    return left
  }

  private mutating func take(_ element: Int, _ loop: Loop<Term>) {
    guard let register = procedure.bounds[loop.bound],
      let mask = procedure.locals[loop.done]
    else { return }
    environment.registers[register] = element
    environment.registers[mask] |= 1 << element
    label = TransitionLabel(
      procedure: label.procedure, thread: label.thread, source: label.source,
      choice: label.choice + [element], refusedBy: nil, outcome: nil, node: label.node)
  }

  // MARK: Steps

  /// Carries out a step; `nil` when it is not enabled, -1 to go on, else the node to leave for.
  private mutating func step(_ body: [AtomicStatement<Term>]) throws(SpecError) -> Int? {
    writes = [:]
    localWrites = [:]
    guard let leave = try carryOut(body) else { return nil }
    apply()
    return leave
  }

  /// Invisible work reads what the step before it wrote.
  private mutating func silently(_ body: [AtomicStatement<Term>]) throws(SpecError) {
    _ = try step(body)
  }

  private mutating func apply() {
    for (cell, value) in writes { environment.state[cell] = value }
    for (register, value) in localWrites { environment.registers[register] = value }
  }

  private mutating func carryOut(
    _ body: [AtomicStatement<Term>]
  ) throws(SpecError) -> Int? {
    for statement in body {
      switch statement {
      case .require(let condition):
        if try environment.value(of: condition) == 0 { return nil }
      case .check(let number, let condition, let failTo):
        if try environment.value(of: condition) == 0 {
          label.refusedBy = number
          // A refused call has changed nothing, not even what stands before the check.
          writes = [:]
          localWrites = [:]
          return failTo
        }
        passed.append(number)
      case .assign(let target, let value, let place):
        try assign(target, try environment.value(of: value), place)
      case .when(let condition, let yes, let no):
        let branch = try environment.value(of: condition) != 0 ? yes : no
        guard let leave = try carryOut(branch) else { return nil }
        if leave >= 0 { return leave }
      case .each(let bound, let inner):
        let register = procedure.bounds[bound] ?? 0
        for element in 0..<(try program.scope.span(of: bound.type).count) {
          environment.registers[register] = element
          guard let leave = try carryOut(inner) else { return nil }
          if leave >= 0 { return leave }
        }
      case .exit(let node):
        return node
      }
    }
    return -1
  }

  private mutating func assign(
    _ target: Target<Term>, _ value: Int, _ place: SourceLocation
  ) throws(SpecError) {
    switch target {
    case .local(let local):
      if let register = procedure.locals[local] { localWrites[register] = value }
    case .variable(let variable, let indices):
      guard let layout = program.variables[variable] else { return }
      var cell = layout.base
      for (term, index) in zip(indices, layout.indices) {
        let position = try environment.value(of: term) - index.low
        guard position >= 0, position < index.count else {
          throw SpecError("TDX3001", "an index is outside its map", at: place)
        }
        cell += position * index.stride
      }
      if let count = layout.setCount {
        for member in 0..<count { try write(cell + member, (value >> member) & 1, place) }
      } else {
        try write(cell, value &- program.cells[cell].low, place)
      }
    }
  }

  private mutating func write(
    _ cell: Int, _ value: Int, _ place: SourceLocation
  ) throws(SpecError) {
    let info = program.cells[cell]
    guard value >= 0, value < info.count else {
      throw SpecError(
        "TDX3002", "\(info.name) becomes \(value + info.low), outside its range", at: place,
        suggestion: "widen the range, or guard the step")
    }
    guard writes.updateValue(value, forKey: cell) == nil else {
      throw SpecError(
        "TDX3003", "\(info.name) is written twice in one step", at: place,
        suggestion: "all writes of a step happen at once; make one of them conditional")
    }
  }
}

extension Program {
  /// How many frame cells each thread has.
  var frameSlotCount: Int {
    guard let first = threads.first else { return 0 }
    return (threads.count > 1 ? threads[1].location : cells.count) - first.frame
  }
}
