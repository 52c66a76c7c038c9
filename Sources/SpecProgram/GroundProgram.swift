import SpecLanguage

/// One unrolled transition: a condition on cells and the cells it writes.
package struct GroundRule: Sendable {
  package let label: TransitionLabel
  package let guardFormula: Formula
  /// Cells and their new *values*; cells not named keep theirs.
  package let writes: [(cell: Int, value: Value)]
  /// When set, the transition is a mistake of the spec rather than a step.
  package let fault: SpecError?
  /// Codes of cells that follow from the locks that the thread holds where it stands.
  package let held: [Int: Int]
}

/// A spec unrolled at a scope: rules over cells.
public struct GroundProgram: Sendable {
  public let program: Program
  package let rules: [GroundRule]

  /// Unrolls a program. Time and size grow with threads × locations × arguments.
  ///
  /// - Throws: `TDX1201` when an action never stops at a step that others can see.
  public init(_ program: Program) throws(SpecError) {
    self.program = program
    var grounder = Grounder(program: program)
    try grounder.ground()
    rules = grounder.rules
  }

  public var ruleCount: Int { rules.count }

  /// The condition of a property over the cells.
  package func formula(of property: ResolvedProperty) -> Formula {
    formula(of: property.term, registers: property.registerCount)
  }

  func formula(of term: Term, registers: Int) -> Formula {
    let run = SymbolicRun(program, thread: 0, registers: registers)
    return run.formula(of: term)
  }
}

extension Program {
  /// Whether an `Always` is true in every state, reachable or not: it then says nothing.
  public func isTrivial(_ property: ResolvedProperty) -> Bool {
    guard case .always = property.property.kind else { return false }
    let run = SymbolicRun(self, thread: 0, registers: property.registerCount)
    return run.formula(of: property.term) == .yes
  }
}

extension VariableLayout {
  /// The first cell of the element with these indices.
  func cell(_ numbers: [Int]) -> Int {
    zip(numbers, indices).reduce(base) { $0 + ($1.0 - $1.1.low) * $1.1.stride }
  }
}

/// A value during symbolic execution.
enum Symbolic: Sendable {
  case number(Value)
  case set([Formula])
}

/// Unrolls every procedure for every thread, argument and path.
struct Grounder {
  let program: Program
  var rules: [GroundRule] = []
  /// For each procedure and node.
  private let held: [[Set<HeldLock>]]

  init(program: Program) {
    self.program = program
    let order = LockOrder(program: program)
    held = program.procedures.map { $0.isThreaded ? order.mustHold($0) : [] }
  }

  mutating func ground() throws(SpecError) {
    for procedure in program.procedures where !procedure.isThreaded {
      try start(procedure, thread: nil)
    }
    for thread in program.threads.indices {
      for procedure in program.procedures where program.mayRun(procedure, thread) {
        try start(procedure, thread: thread)
      }
      for (location, place) in program.locations.enumerated() where place.procedure >= 0 {
        let procedure = program.procedures[place.procedure]
        guard program.mayRun(procedure, thread) else { continue }
        try resume(procedure, thread, location, place.node)
      }
    }
  }

  private mutating func start(_ procedure: Procedure, thread: Int?) throws(SpecError) {
    let spans = procedure.frameSpans.prefix(procedure.action.arguments.count)
    for choice in Combinations(Array(spans)) {
      var run = fresh(procedure, thread)
      for (index, value) in choice.enumerated() { run.registers[index] = .number(.const(value)) }
      if let thread {
        run.path = [location(thread, is: 0)]
      }
      let label = TransitionLabel(
        procedure: procedure.index, thread: thread, source: 0, choice: choice, refusedBy: nil,
        outcome: nil, node: procedure.entry)
      var walk = SymbolicWalk(procedure: procedure, run: run, label: label, program: program)
      try walk.toVisibleStep(procedure.entry, &rules)
    }
  }

  /// The thread waits at a node. What can index a map is enumerated, the rest stays symbolic.
  private mutating func resume(
    _ procedure: Procedure, _ thread: Int, _ location: Int, _ node: Int
  ) throws(SpecError) {
    let base = program.threads[thread].frame
    let live = procedure.live[node]
    let enumerated = procedure.frame.indices.filter { live.contains($0) && isIndex(procedure, $0) }
    for choice in Combinations(enumerated.map { procedure.frameSpans[$0] }) {
      var run = fresh(procedure, thread)
      run.path = [self.location(thread, is: location)]
      for register in live {
        let place = procedure.frameCells[register]
        let cell = base + place.offset
        if let position = enumerated.firstIndex(of: register) {
          let value = choice[position]
          run.registers[register] = .number(.const(value))
          run.path.append(run.cellIs(cell, value))
        } else if let count = place.setCount {
          run.registers[register] = .set((0..<count).map { run.cellIs(cell + $0, 1) })
        } else {
          run.registers[register] = .number(.cell(cell))
        }
      }
      let label = TransitionLabel(
        procedure: procedure.index, thread: thread, source: location, choice: [],
        refusedBy: nil, outcome: nil, node: node)
      var walk = SymbolicWalk(procedure: procedure, run: run, label: label, program: program)
      // Which lock it is can be told while the thread remembers the index.
      let told = held[procedure.index][node].filter { lock in
        lock.index?.allSatisfy { $0.registers.isSubset(of: live) } != false
      }
      walk.held = heldCells(told, run)
      try walk.toVisibleStep(node, &rules)
    }
  }

  /// What holding locks says of the cells that stand for them.
  private func heldCells(_ locks: Set<HeldLock>, _ run: SymbolicRun) -> [Int: Int] {
    var cells: [Int: Int] = [:]
    for held in locks {
      guard let owner = program.variables[held.lock.owner.id], let index = held.index else {
        continue
      }
      var numbers: [Int] = []
      for term in index {
        if case .const(let number) = run.value(of: term) { numbers.append(number) }
      }
      guard numbers.count == index.count,
        zip(numbers, owner.indices).allSatisfy({ $1.low..<$1.low + $1.count ~= $0 })
      else { continue }
      let readers = held.lock.readers.flatMap { program.variables[$0.id] }
      if held.isShared {
        cells[owner.cell(numbers)] = 0
        if let readers { cells[readers.cell(numbers) + run.thread] = 1 }
      } else {
        cells[owner.cell(numbers)] = run.thread + 1
        for thread in program.threads.indices {
          if let readers { cells[readers.cell(numbers) + thread] = 0 }
        }
      }
    }
    return cells
  }

  /// Everything is 0, a set empty; a set's members are listed, so that it can get some.
  private func fresh(_ procedure: Procedure, _ thread: Int?) -> SymbolicRun {
    var run = SymbolicRun(program, thread: thread ?? 0, registers: procedure.registerCount)
    for (register, place) in procedure.frameCells.enumerated() {
      if let count = place.setCount {
        run.registers[register] = .set([Formula](repeating: .no, count: count))
      }
    }
    return run
  }

  private func isIndex(_ procedure: Procedure, _ register: Int) -> Bool {
    switch procedure.frame[register].type {
    case .element, .operand, .optional(.element): true
    default: false
    }
  }

  private func location(_ thread: Int, is location: Int) -> Formula {
    let cell = program.threads[thread].location
    return .member(cell: cell, ValueSet(count: program.cells[cell].count, [location]))
  }
}
