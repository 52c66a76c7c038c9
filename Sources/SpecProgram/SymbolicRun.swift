import SpecLanguage

/// A symbolic state: what each cell holds in terms of the state before the transition.
struct SymbolicRun {
  let program: Program
  let thread: Int
  let comparer: Comparer
  var registers: [Symbolic]
  /// What must hold for the path taken so far.
  var path: [Formula] = []
  /// Cells written by earlier parts of the same transition.
  var current: [Int: Value] = [:]

  init(_ program: Program, thread: Int, registers: Int) {
    self.program = program
    self.thread = thread
    comparer = Comparer(cells: program.cells)
    self.registers = [Symbolic](repeating: .number(.const(0)), count: registers)
  }

  func cellIs(_ cell: Int, _ value: Int) -> Formula {
    comparer.compare(.equal, current[cell] ?? .cell(cell), .const(value))
  }

  // MARK: Conditions

  func formula(of term: Term) -> Formula {
    switch term {
    case .const(let value): return value == 0 ? .no : .yes
    case .not(let a): return formula(of: a).negated
    case .and(let parts): return .conjunction(parts.map(formula(of:)))
    case .or(let parts): return .disjunction(parts.map(formula(of:)))
    case .equal(let a, let b): return equality(a, b)
    case .less(let a, let b): return comparer.compare(.less, value(of: a), value(of: b))
    case .contains(let set, let element): return membership(members(of: set), value(of: element))
    case .forAll(let register, let count, let body):
      return .conjunction((0..<count).map { binding(register, $0).formula(of: body) })
    case .exists(let register, let count, let body):
      return .disjunction((0..<count).map { binding(register, $0).formula(of: body) })
    case .threadAt(let places):
      return .disjunction(
        program.threads.map { layout in
          .disjunction(places.sorted().map { cellIs(layout.location, $0) })
        })
    case .standing(let threads, let places, let elements):
      return stands(threads, places, elements)
    case .conditional(let condition, let a, let b):
      return comparer.pick(formula(of: condition), formula(of: a), formula(of: b))
    case .cell, .indexed, .register, .table, .thread, .add, .subtract, .count, .set, .inserting,
      .removing, .union, .subtracting, .setOf:
      return comparer.compare(.equal, value(of: term), .const(0)).negated
    }
  }

  private func binding(_ register: Int, _ element: Int) -> SymbolicRun {
    var copy = self
    copy.registers[register] = .number(.const(element))
    return copy
  }

  private func equality(_ a: Term, _ b: Term) -> Formula {
    if isSet(a) || isSet(b) {
      let size = max(setSize(a), setSize(b))
      let left = members(of: a, atLeast: size)
      let right = members(of: b, atLeast: size)
      return .conjunction(zip(left, right).map { comparer.pick($0, $1, $1.negated) })
    }
    if isCondition(a) && isCondition(b) {
      let right = formula(of: b)
      return comparer.pick(formula(of: a), right, right.negated)
    }
    return comparer.compare(.equal, value(of: a), value(of: b))
  }

  func isCondition(_ term: Term) -> Bool {
    switch term {
    case .not, .and, .or, .equal, .less, .contains, .forAll, .exists, .threadAt, .standing: true
    default: false
    }
  }

  private func membership(_ members: [Formula], _ element: Value) -> Formula {
    .disjunction(
      members.enumerated().map { index, member in
        .conjunction([comparer.compare(.equal, element, .const(index)), member])
      })
  }

  // MARK: Numbers

  func value(of term: Term) -> Value {
    switch term {
    case .const(let value): return .const(value)
    case .cell(let cell): return current[cell] ?? .cell(cell)
    case .thread: return .const(thread)
    case .register(let register):
      if case .number(let value) = registers[register] { return value }
      return .const(0)
    case .add(let a, let b): return .sum(value(of: a), value(of: b))
    case .subtract(let a, let b): return .difference(value(of: a), value(of: b))
    case .conditional(let condition, let a, let b):
      return .select(formula(of: condition), value(of: a), value(of: b))
    case .table(let values, let key):
      return choose(value(of: key), Array(values.indices)) { .const(values[$0]) }
    case .indexed(let base, let indices, nil):
      return element(base, indices[...]) { cell in self.current[cell] ?? .cell(cell) }
    case .count(let set):
      return members(of: set).reduce(.const(0)) { sum, member in
        .sum(sum, .select(member, .const(1), .const(0)))
      }
    default:
      return .select(formula(of: term), .const(1), .const(0))
    }
  }

  /// A value that depends on which number an index has.
  private func choose(
    _ index: Value, _ numbers: [Int], _ value: (Int) -> Value
  ) -> Value {
    // An index outside is an error where it is evaluated; a check has refused it before.
    if case .const(let number) = index {
      return numbers.contains(number) ? value(number) : .const(0)
    }
    guard let last = numbers.last else { return .const(0) }
    var result = value(last)
    for number in numbers.dropLast().reversed() {
      result = .select(
        comparer.compare(.equal, index, .const(number)), value(number), result)
    }
    return result
  }

  private func element(
    _ base: Int, _ indices: ArraySlice<IndexTerm>, _ read: (Int) -> Value
  ) -> Value {
    guard let first = indices.first else { return read(base) }
    let numbers = Array(first.low..<first.low + first.count)
    return choose(value(of: first.term), numbers) { number in
      element(base + (number - first.low) * first.stride, indices.dropFirst(), read)
    }
  }

  // MARK: Sets

  func isSet(_ term: Term) -> Bool {
    switch term {
    case .set, .inserting, .removing, .union, .subtracting, .setOf: true
    case .indexed(_, _, let setCount): setCount != nil
    case .register(let register): if case .set = registers[register] { true } else { false }
    case .conditional(_, let a, let b): isSet(a) || isSet(b)
    default: false
    }
  }

  private func setSize(_ term: Term) -> Int {
    if case .const = term { return 0 }
    return members(of: term).count
  }

  func members(of term: Term, atLeast size: Int = 0) -> [Formula] {
    switch term {
    case .const(let mask):
      return (0..<max(size, Int.bitWidth - mask.leadingZeroBitCount)).map {
        mask >> $0 & 1 == 1 ? .yes : .no
      }
    case .set(let base, let count): return (0..<count).map { cellIs(base + $0, 1) }
    case .register(let register):
      if case .set(let members) = registers[register] { return members }
      if case .number(.const(let mask)) = registers[register] {
        return members(of: .const(mask), atLeast: size)
      }
      return []
    case .indexed(let base, let indices, let count?):
      return (0..<count).map { member in
        let value = element(base, indices[...]) { cell in
          current[cell + member] ?? .cell(cell + member)
        }
        return comparer.compare(.equal, value, .const(1))
      }
    case .setOf(let register, let count, let body):
      return (0..<count).map { binding(register, $0).formula(of: body) }
    default: return combined(term, size)
    }
  }

  private func combined(_ term: Term, _ size: Int) -> [Formula] {
    func both(_ a: Term, _ b: Term, _ join: (Formula, Formula) -> Formula) -> [Formula] {
      let width = max(size, max(members(of: a).count, members(of: b).count))
      return zip(members(of: a, atLeast: width), members(of: b, atLeast: width)).map(join)
    }
    switch term {
    case .inserting(let element, let set):
      let number = value(of: element)
      return members(of: set, atLeast: size).enumerated().map { index, member in
        .disjunction([member, comparer.compare(.equal, number, .const(index))])
      }
    case .removing(let element, let set):
      let number = value(of: element)
      return members(of: set, atLeast: size).enumerated().map { index, member in
        .conjunction([member, comparer.compare(.equal, number, .const(index)).negated])
      }
    case .union(let a, let b): return both(a, b) { .disjunction([$0, $1]) }
    case .subtracting(let a, let b): return both(b, a) { .conjunction([$0, $1.negated]) }
    case .conditional(let condition, let a, let b):
      let test = formula(of: condition)
      return both(a, b) { comparer.pick(test, $0, $1) }
    default: return []
    }
  }
}
