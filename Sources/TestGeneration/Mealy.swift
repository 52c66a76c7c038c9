/// A deterministic machine with outputs in which some inputs may be undefined in some states: what
/// the algorithms for suites work on. The initial state is 0.
public struct Mealy: Hashable, Sendable {
  public let stateCount: Int
  public let inputCount: Int
  /// By state and input, row by row; -1 where the input is undefined.
  private var targets: [Int]
  private var outputs: [Int]

  /// A machine without transitions.
  public init(states: Int, inputs: Int) {
    stateCount = states
    inputCount = inputs
    targets = [Int](repeating: -1, count: states * inputs)
    outputs = targets
  }

  /// Defines or replaces a transition.
  public mutating func set(_ state: Int, _ input: Int, output: Int, to target: Int) {
    targets[state * inputCount + input] = target
    outputs[state * inputCount + input] = output
  }

  /// The state after the input; nil where it is undefined.
  @inline(__always)
  public func next(_ state: Int, _ input: Int) -> Int? {
    let target = targets[state * inputCount + input]
    return target < 0 ? nil : target
  }

  /// The output; -1 where the input is undefined.
  @inline(__always)
  public func output(_ state: Int, _ input: Int) -> Int { outputs[state * inputCount + input] }

  /// The inputs that are defined in the state, ascending.
  public func defined(_ state: Int) -> [Int] {
    (0..<inputCount).filter { targets[state * inputCount + $0] >= 0 }
  }

  /// How many transitions there are.
  public var transitionCount: Int { targets.count { $0 >= 0 } }

  /// The state that a sequence leads to; nil when it is undefined.
  public func run(_ sequence: some Sequence<Int>, from state: Int = 0) -> Int? {
    var state = state
    for input in sequence {
      guard let next = next(state, input) else { return nil }
      state = next
    }
    return state
  }

  /// The shortest sequence to each state, the first in the order of inputs; nil for a state that
  /// no sequence leads to.
  public var accessSequences: [[Int]?] {
    var result = [[Int]?](repeating: nil, count: stateCount)
    result[0] = []
    var queue = [0]
    var head = 0
    while head < queue.count {
      let state = queue[head]
      head += 1
      for input in 0..<inputCount {
        guard let next = next(state, input), result[next] == nil else { continue }
        result[next] = (result[state] ?? []) + [input]
        queue.append(next)
      }
    }
    return result
  }

  /// Whether a sequence that is defined from both states gives different outputs at its end.
  public func separates(_ word: [Int], _ left: Int, _ right: Int) -> Bool {
    guard let last = word.last, let a = run(word.dropLast(), from: left),
      let b = run(word.dropLast(), from: right), next(a, last) != nil, next(b, last) != nil
    else { return false }
    return output(a, last) != output(b, last)
  }

  /// The shortest beginning of the word that separates the states; nil when none does.
  public func separatingPrefix(of word: [Int], _ left: Int, _ right: Int) -> [Int]? {
    var a = left
    var b = right
    for (index, input) in word.enumerated() {
      guard let nextA = next(a, input), let nextB = next(b, input) else { return nil }
      if output(a, input) != output(b, input) { return Array(word[...index]) }
      (a, b) = (nextA, nextB)
    }
    return nil
  }

  /// The states that can be reached, numbered breadth first, and the old number of each.
  public var reachable: (machine: Mealy, states: [Int]) {
    var numbers = [Int](repeating: -1, count: stateCount)
    var states = [0]
    numbers[0] = 0
    var head = 0
    while head < states.count {
      for input in 0..<inputCount {
        guard let next = next(states[head], input), numbers[next] < 0 else { continue }
        numbers[next] = states.count
        states.append(next)
      }
      head += 1
    }
    var machine = Mealy(states: states.count, inputs: inputCount)
    for (number, state) in states.enumerated() {
      for input in 0..<inputCount {
        guard let next = next(state, input) else { continue }
        machine.set(number, input, output: output(state, input), to: numbers[next])
      }
    }
    return (machine, states)
  }
}

extension ObservableMachine {
  /// The part of the machine that calls with one answer lead through, and for each of its states
  /// the state of this machine.
  public var certain: (machine: Mealy, states: [Int]) {
    var machine = Mealy(states: stateCount, inputs: inputs.count)
    for state in 0..<stateCount {
      for input in inputs.indices {
        guard case .goes(let answer, let to) = cell(state, input) else { continue }
        machine.set(state, input, output: answer, to: to)
      }
    }
    return machine.reachable
  }
}
