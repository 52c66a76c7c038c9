import SpecLanguage

/// A state together with what a running step knows; gives terms their values.
struct Environment {
  let program: Program
  var state: [Int]
  let thread: Int
  var registers: [Int]

  init(_ program: Program, _ state: [Int], thread: Int, registers: Int) {
    self.program = program
    self.state = state
    self.thread = thread
    self.registers = [Int](repeating: 0, count: registers)
  }

  mutating func value(of term: Term) throws(SpecError) -> Int {
    switch term {
    case .const(let value): return value
    case .cell(let cell): return state[cell] &+ program.cells[cell].low
    case .set(let base, let count): return mask(base, count)
    case .indexed(let base, let indices, let setCount):
      let cell = base + (try offset(indices))
      if let setCount { return mask(cell, setCount) }
      return state[cell] &+ program.cells[cell].low
    case .register(let register): return registers[register]
    case .thread: return thread
    case .threadAt(let places):
      return program.threads.contains { places.contains(state[$0.location]) } ? 1 : 0
    case .standing(let threads, let places, let elements):
      return try stands(threads, places, elements) ? 1 : 0
    case .not(let a): return try value(of: a) == 0 ? 1 : 0
    case .and(let parts):
      for part in parts where try value(of: part) == 0 { return 0 }
      return 1
    case .or(let parts):
      for part in parts where try value(of: part) != 0 { return 1 }
      return 0
    case .equal(let a, let b): return try value(of: a) == (try value(of: b)) ? 1 : 0
    case .less(let a, let b): return try value(of: a) < (try value(of: b)) ? 1 : 0
    case .add(let a, let b): return try value(of: a) &+ (try value(of: b))
    case .subtract(let a, let b): return try value(of: a) &- (try value(of: b))
    case .conditional(let condition, let a, let b):
      return try value(of: condition) != 0 ? try value(of: a) : try value(of: b)
    case .table(let values, let key):
      let index = try value(of: key)
      guard values.indices.contains(index) else {
        throw SpecError("TDX3001", "an index is outside its table")
      }
      return values[index]
    default: return try compound(term)
    }
  }

  private mutating func compound(_ term: Term) throws(SpecError) -> Int {
    switch term {
    case .contains(let set, let element):
      return (try value(of: set) >> (try value(of: element))) & 1
    case .inserting(let element, let set):
      return try value(of: set) | (1 << (try value(of: element)))
    case .removing(let element, let set):
      return try value(of: set) & ~(1 << (try value(of: element)))
    case .union(let a, let b): return try value(of: a) | (try value(of: b))
    case .subtracting(let a, let b): return try value(of: b) & ~(try value(of: a))
    case .setOf(let register, let count, let body):
      var result = 0
      for element in 0..<count {
        registers[register] = element
        if try value(of: body) != 0 { result |= 1 << element }
      }
      return result
    case .count(let set): return try value(of: set).nonzeroBitCount
    case .forAll(let register, let count, let body):
      for element in 0..<count {
        registers[register] = element
        if try value(of: body) == 0 { return 0 }
      }
      return 1
    case .exists(let register, let count, let body):
      for element in 0..<count {
        registers[register] = element
        if try value(of: body) != 0 { return 1 }
      }
      return 0
    default: return 0
    }
  }

  private func mask(_ base: Int, _ count: Int) -> Int {
    var result = 0
    for member in 0..<count where state[base + member] != 0 { result |= 1 << member }
    return result
  }

  /// Where a map's element is, relative to the map.
  private mutating func offset(_ indices: [IndexTerm]) throws(SpecError) -> Int {
    var sum = 0
    for index in indices {
      let position = try value(of: index.term) &- index.low
      guard position >= 0, position < index.count else {
        throw SpecError("TDX3001", "an index is outside its map")
      }
      sum += position * index.stride
    }
    return sum
  }
}
