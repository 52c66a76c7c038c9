@testable import TestGeneration

extension Mealy {
  /// A machine whose transitions are random.
  ///
  /// - Parameter holes: of 100 transitions, how many are undefined.
  static func random(
    states: Int, inputs: Int, outputs: Int, holes: Int = 0, _ numbers: inout SeededNumbers
  ) -> Mealy {
    var machine = Mealy(states: states, inputs: inputs)
    for state in 0..<states {
      for input in 0..<inputs where numbers.below(100) >= holes {
        machine.set(
          state, input, output: numbers.below(outputs), to: numbers.below(states))
      }
    }
    return machine
  }

  /// Every complete machine with so many states, inputs and outputs, one after the other.
  static func forEach(states: Int, inputs: Int, outputs: Int, _ body: (Mealy) -> Void) {
    let cells = states * inputs
    let ways = states * outputs
    var digits = [Int](repeating: 0, count: cells)
    var machine = Mealy(states: states, inputs: inputs)
    for cell in 0..<cells { machine.set(cell / inputs, cell % inputs, output: 0, to: 0) }
    while true {
      body(machine)
      var cell = 0
      while cell < cells {
        digits[cell] = (digits[cell] + 1) % ways
        machine.set(
          cell / inputs, cell % inputs, output: digits[cell] / states, to: digits[cell] % states)
        if digits[cell] != 0 { break }
        cell += 1
      }
      if cell == cells { return }
    }
  }

  /// The outputs that a sequence gives; it ends where an input is undefined.
  func outputs(of sequence: [Int]) -> [Int] {
    var state = 0
    var outputs: [Int] = []
    for input in sequence {
      guard let next = next(state, input) else { break }
      outputs.append(output(state, input))
      state = next
    }
    return outputs
  }

  /// Whether the machine, which is complete, answers as the other does wherever that is defined.
  func answersLike(_ specification: Mealy) -> Bool {
    var seen: Set<[Int]> = [[0, 0]]
    var open = [[0, 0]]
    while let pair = open.popLast() {
      for input in specification.defined(pair[1]) {
        guard output(pair[0], input) == specification.output(pair[1], input),
          let own = next(pair[0], input), let other = specification.next(pair[1], input)
        else { return false }
        if seen.insert([own, other]).inserted { open.append([own, other]) }
      }
    }
    return true
  }

  /// Whether each state that calls defined in the specification bring this machine to is reached
  /// by a sequence of the cover and at most k more such calls.
  func isInDomain(of specification: Mealy, cover: [[Int]], k: Int) -> Bool {
    var layer: Set<[Int]> = []
    for sequence in cover {
      if let own = run(sequence), let other = specification.run(sequence) {
        layer.insert([own, other])
      }
    }
    var near = Set(layer.map { $0[0] })
    for _ in 0..<k {
      layer = following(layer, specification)
      near.formUnion(layer.map { $0[0] })
    }
    var all: Set<[Int]> = [[0, 0]]
    var open = all
    while !open.isEmpty {
      open = following(open, specification).subtracting(all)
      all.formUnion(open)
    }
    return all.allSatisfy { near.contains($0[0]) }
  }

  private func following(_ pairs: Set<[Int]>, _ specification: Mealy) -> Set<[Int]> {
    var result: Set<[Int]> = []
    for pair in pairs {
      for input in specification.defined(pair[1]) {
        if let own = next(pair[0], input), let other = specification.next(pair[1], input) {
          result.insert([own, other])
        }
      }
    }
    return result
  }

  /// A machine with a few more states, copies of old ones, and one transition changed: what
  /// implementations with a forgotten condition look like.
  func mutant(extra: Int, outputs: Int, _ numbers: inout SeededNumbers) -> Mealy {
    var result = Mealy(states: stateCount + extra, inputs: inputCount)
    let original = (0..<result.stateCount).map {
      $0 < stateCount ? $0 : numbers.below(stateCount)
    }
    for state in 0..<result.stateCount {
      for input in 0..<inputCount {
        let known = next(original[state], input)
        var target = known ?? numbers.below(result.stateCount)
        let copies = original.indices.filter { $0 >= stateCount && original[$0] == target }
        if !copies.isEmpty, numbers.below(2) == 0 { target = copies[numbers.below(copies.count)] }
        let output = known == nil ? numbers.below(outputs) : self.output(original[state], input)
        result.set(state, input, output: output, to: target)
      }
    }
    let state = extra > 0 ? stateCount + numbers.below(extra) : numbers.below(stateCount)
    let input = numbers.below(inputCount)
    if numbers.below(2) == 0 {
      result.set(
        state, input, output: numbers.below(outputs), to: result.next(state, input) ?? 0)
    } else {
      result.set(
        state, input, output: result.output(state, input), to: numbers.below(result.stateCount))
    }
    return result
  }
}
