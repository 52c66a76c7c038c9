/// A cheapest set of sequences from the initial state that takes every transition: the directed
/// Chinese postman, where a fresh start is one more way back to the initial state.
struct TransitionTour {
  /// The sequences, each from a fresh start.
  let sequences: [[Int]]
  /// Calls and fresh starts, weighted, of the round trip before the ways back were cut off.
  let cost: Int

  private struct Edge {
    let to: Int
    /// nil for a fresh start.
    let input: Int?
  }

  /// - Parameters:
  ///   - machine: one whose states can all be reached.
  ///   - resetCost: how many calls a fresh start is worth; from 1.
  init(_ machine: Mealy, resetCost: Int) {
    let edges = Self.balanced(machine, resetCost: resetCost)
    cost = edges.list.joined().reduce(0) { $0 + ($1.input == nil ? resetCost : 1) }
    let circuit = Self.circuit(edges.list)
    sequences = Self.cut(circuit, machine)
  }

  /// Every transition once, and as many more, with fresh starts, as a round trip needs.
  private static func balanced(
    _ machine: Mealy, resetCost: Int
  ) -> (list: [[Edge]], flow: MinimumCostFlow) {
    var edges = [[Edge]](repeating: [], count: machine.stateCount)
    var excess = [Int](repeating: 0, count: machine.stateCount)
    var arcs: [MinimumCostFlow.Arc] = []
    var inputs: [Int?] = []
    for state in 0..<machine.stateCount {
      var ways: [Int: Int] = [:]
      for input in machine.defined(state) {
        guard let next = machine.next(state, input) else { continue }
        edges[state].append(Edge(to: next, input: input))
        excess[next] += 1
        excess[state] -= 1
        if next != state, ways[next] == nil { ways[next] = input }
      }
      for (next, input) in ways.sorted(by: { $0.key < $1.key }) {
        arcs.append(.init(from: state, to: next, cost: 1))
        inputs.append(input)
      }
      if state != 0 {
        arcs.append(.init(from: state, to: 0, cost: resetCost))
        inputs.append(nil)
      }
    }
    var flow = MinimumCostFlow(arcs, excess: excess)
    // Everything is reached from the initial state, and a fresh start leads there.
    _ = flow.run()
    for (arc, input) in zip(flow.arcs, inputs) {
      for _ in 0..<arc.flow { edges[arc.from].append(Edge(to: arc.to, input: input)) }
    }
    return (edges, flow)
  }

  /// A round trip from the initial state over every edge (Hierholzer).
  private static func circuit(_ edges: [[Edge]]) -> [Edge] {
    var next = edges.map { _ in 0 }
    var stack: [(state: Int, by: Edge?)] = [(0, nil)]
    var circuit: [Edge] = []
    while let (state, by) = stack.last {
      if next[state] < edges[state].count {
        let edge = edges[state][next[state]]
        next[state] += 1
        stack.append((edge.to, edge))
      } else {
        stack.removeLast()
        if let by { circuit.append(by) }
      }
    }
    return circuit.reversed()
  }

  /// Cuts the round trip at fresh starts, and each part after the last transition that is new.
  private static func cut(_ circuit: [Edge], _ machine: Mealy) -> [[Int]] {
    var sequences: [[Int]] = []
    var seen = [Bool](repeating: false, count: machine.stateCount * machine.inputCount)
    for part in circuit.split(whereSeparator: { $0.input == nil }) {
      var state = 0
      var sequence: [Int] = []
      var useful = 0
      for case (let input?, let to) in part.lazy.map({ ($0.input, $0.to) }) {
        sequence.append(input)
        let edge = state * machine.inputCount + input
        if !seen[edge] {
          seen[edge] = true
          useful = sequence.count
        }
        state = to
      }
      if useful > 0 { sequences.append(Array(sequence.prefix(useful))) }
    }
    return sequences
  }
}

extension Mealy {
  /// The machine whose transitions are the pairs of neighbouring transitions of this one: its
  /// states are the transitions, and the initial state, which nothing leads back to.
  ///
  /// A tour of it takes every pair, one of the line of the line every three.
  var line: Mealy {
    var numbers = [Int](repeating: -1, count: stateCount * inputCount)
    var ends: [Int] = []
    for state in 0..<stateCount {
      for input in 0..<inputCount {
        guard let next = next(state, input) else { continue }
        numbers[state * inputCount + input] = ends.count + 1
        ends.append(next)
      }
    }
    var result = Mealy(states: ends.count + 1, inputs: inputCount)
    for (number, state) in ([0] + ends).enumerated() {
      for input in 0..<inputCount where numbers[state * inputCount + input] > 0 {
        result.set(
          number, input, output: output(state, input),
          to: numbers[state * inputCount + input])
      }
    }
    return result
  }
}
