import Testing

@testable import SpecFuzzing
@testable import SpecLanguage
@testable import SpecProgram

extension Formula {
  /// The plainest evaluator there is, for comparison.
  func holds(_ state: [Int], _ cells: [CellInfo]) -> Bool {
    switch self {
    case .yes: true
    case .no: false
    case .member(let cell, let set): set.contains(state[cell])
    case .compare(.equal, let a, let b, let holds):
      (a.number(state, cells) == b.number(state, cells)) == holds
    case .compare(.less, let a, let b, let holds):
      (a.number(state, cells) < b.number(state, cells)) == holds
    case .and(let parts): parts.allSatisfy { $0.holds(state, cells) }
    case .or(let parts): parts.contains { $0.holds(state, cells) }
    }
  }
}

extension SpecProgram.Value {
  func number(_ state: [Int], _ cells: [CellInfo]) -> Int {
    switch self {
    case .const(let value): value
    case .cell(let cell): state[cell] + cells[cell].low
    case .add(let a, let b): a.number(state, cells) + b.number(state, cells)
    case .subtract(let a, let b): a.number(state, cells) - b.number(state, cells)
    case .choice(let test, let a, let b):
      test.holds(state, cells) ? a.number(state, cells) : b.number(state, cells)
    }
  }
}

@Suite("Expressions") struct ExpressionTests {
  static let perSpec = 60

  @Test("interpreter, formula and mask code agree", arguments: 0..<34)
  func agreement(batch: Int) throws {
    let seed = 0xE59_0000 + UInt64(batch)
    let pool = Pool()
    var generator = NodeGenerator(pool, seed: seed)
    let nodes = (0..<Self.perSpec).map { generator.bool(1 + $0 % 4) }
    let properties = nodes.enumerated().map { index, node in
      Always("E\(index)", "") { Condition(node) }
    }
    let description = describe(pool, properties) {}
    let program = try Program(description)
    let ground = try GroundProgram(program)
    let table = try GuardTable(ground, monitors: program.properties.map(monitor))
    let interpreter = Interpreter(program)
    let reader = ExpressionReader(description)
    let formulas = program.properties.map {
      ground.formula(of: $0.term, registers: $0.registerCount)
    }
    var packed = [UInt64](repeating: 0, count: table.layout.words)
    for _ in 0..<40 {
      let state = program.cells.map { generator.random.below($0.count) }
      packed.withUnsafeMutableBufferPointer {
        table.layout.pack(state, into: $0.baseAddress!)
      }
      var seen: UInt64 = 0
      _ = try table.observe(packed, 1, active: (1 << UInt64(Self.perSpec)) - 1, into: &seen)
      for index in nodes.indices {
        let slow = try interpreter.holds(program.properties[index], in: state)
        let formula = formulas[index].holds(state, program.cells)
        let fast = seen >> UInt64(index) & 1 == 1
        let text = reader.text(nodes[index])
        try #require(slow == formula, "seed \(seed), expression \(index): \(text) in \(state)")
        try #require(slow == fast, "seed \(seed), expression \(index): \(text) in \(state)")
      }
    }
  }

  private func monitor(_ property: ResolvedProperty) -> Monitor {
    Monitor(term: property.term, registers: property.registerCount)
  }

  @Test("numbers have one value in the interpreter and when grounded", arguments: 0..<8)
  func numbers(batch: Int) throws {
    let seed = 0x0B5_0000 + UInt64(batch)
    let pool = Pool()
    var generator = NodeGenerator(pool, seed: seed)
    let program = try Program(describe(pool) {})
    let reader = ExpressionReader(program.spec)
    var resolver = Resolver(
      spec: program.spec, scope: program.scope, variables: program.variables,
      outcomes: program.outcomes,
      places: PlaceNames(locations: [], mayBeGone: false, procedures: []))
    for index in 0..<40 {
      let node = generator.int(1 + index % 4)
      let term = try resolver.resolve(node)
      let value = SymbolicRun(program, thread: 0, registers: resolver.registerCount)
        .value(of: term)
      for _ in 0..<20 {
        let state = program.cells.map { generator.random.below($0.count) }
        var environment = Environment(
          program, state, thread: 0, registers: resolver.registerCount)
        let slow = try environment.value(of: term)
        let text = "seed \(seed), expression \(index): \(reader.text(node)) in \(state)"
        try #require(slow == value.number(state, program.cells), Comment(rawValue: text))
      }
    }
  }

  @Test("a set that a literal begins has the members put into it") func literalSets() throws {
    let pool = Pool()
    let empty = Expr<SetOf<V>>(SetOf<V>.empty.literal)
    let properties = [
      Always("member", "") {
        forAll(V.self) { v in empty.inserting(v).contains(v) }
      },
      Always("count", "") {
        forAll(V.self) { v in empty.inserting(v).count() == 1 }
      },
    ]
    let program = try Program(describe(pool, properties) {})
    let ground = try GroundProgram(program)
    for property in program.properties {
      #expect(try Interpreter(program).holds(property, in: program.initial))
      let formula = ground.formula(of: property.term, registers: property.registerCount)
      let holds = formula.holds(program.initial, program.cells)
      #expect(holds, "\(property.property.id)")
    }
  }

  @Test("an outcome that only a property names is not another outcome") func outcomes() throws {
    struct Answer: SpecPart { let last = Var(Outcome.EBUSY) }
    let answer = Answer()
    let properties = [
      Always("other", "") { answer.last != .EINVAL },
      Always("same", "") { answer.last == .EBUSY },
      Always("ok", "") { answer.last != .ok },
    ]
    let program = try Program(describe(answer, properties) {})
    for property in program.properties {
      let holds = try Interpreter(program).holds(property, in: program.initial)
      #expect(holds, "\(property.property.id)")
    }
  }
}
