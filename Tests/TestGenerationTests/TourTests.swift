import Testing

@testable import TestGeneration

@Suite struct TourTests {
  /// Random machines of which every state is reached.
  private func machines(_ count: Int, states: Int, inputs: Int, holes: Int = 0) -> [Mealy] {
    (0..<count).map { seed in
      var numbers = SeededNumbers(seed: UInt64(seed))
      return Mealy.random(
        states: states, inputs: inputs, outputs: 2, holes: holes, &numbers
      ).reachable.machine
    }
  }

  @Test func takesEveryTransition() {
    for machine in machines(100, states: 12, inputs: 4, holes: 20) {
      let tour = TransitionTour(machine, resetCost: 3)
      var taken: Set<[Int]> = []
      for sequence in tour.sequences {
        var state = 0
        for input in sequence {
          taken.insert([state, input])
          guard let next = machine.next(state, input) else {
            Issue.record("undefined input")
            return
          }
          state = next
        }
      }
      #expect(taken.count == machine.transitionCount)
    }
  }

  /// The cheapest round trip, by searching all.
  private func cheapest(_ machine: Mealy, resetCost: Int) -> Int {
    var edges: [[Int]: Int] = [:]
    for state in 0..<machine.stateCount {
      for input in machine.defined(state) { edges[[state, input]] = edges.count }
    }
    var distance: [[Int]: Int] = [[0, 0]: 0]
    var layers: [Int: Set<[Int]>] = [0: [[0, 0]]]
    let all = (1 << edges.count) - 1
    var cost = 0
    while true {
      for place in layers.removeValue(forKey: cost) ?? [] where distance[place] == cost {
        if place == [0, all] { return cost }
        var ways = machine.defined(place[0]).compactMap { input -> ([Int], Int)? in
          guard let next = machine.next(place[0], input), let edge = edges[[place[0], input]]
          else { return nil }
          return ([next, place[1] | 1 << edge], cost + 1)
        }
        ways.append(([0, place[1]], cost + resetCost))
        for (next, length) in ways where length < distance[next] ?? .max {
          distance[next] = length
          layers[length, default: []].insert(next)
        }
      }
      cost += 1
    }
  }

  @Test(arguments: [1, 2, 5]) func isCheapest(resetCost: Int) {
    for machine in machines(150, states: 4, inputs: 2, holes: 15) {
      let tour = TransitionTour(machine, resetCost: resetCost)
      #expect(tour.cost == cheapest(machine, resetCost: resetCost))
    }
  }

  @Test(arguments: [1, 2]) func takesTransitionsInARow(n: Int) throws {
    for machine in machines(20, states: 5, inputs: 3, holes: 20) {
      let plan = try CallPlan(machine, PlanOptions(.nSwitch(n)))
      var windows: Set<[Int]> = []
      for sequence in plan.sequences {
        var states = [0]
        for input in sequence {
          guard let last = states.last, let next = machine.next(last, input) else {
            Issue.record("undefined input")
            return
          }
          states.append(next)
        }
        for start in sequence.indices where start + n < sequence.count {
          windows.insert([states[start]] + sequence[start...(start + n)])
        }
      }
      var wanted = (0..<machine.stateCount).map { ([$0], $0) }
      for _ in 0...n {
        wanted = wanted.flatMap { path, state in
          machine.defined(state).compactMap { input in
            machine.next(state, input).map { (path + [input], $0) }
          }
        }
      }
      #expect(Set(wanted.map(\.0)).isSubset(of: windows))
    }
  }

  /// Which pairs can be made is read off the states that each state leads to.
  @Test func makesEveryPairThatCanBeMade() {
    for machine in machines(60, states: 6, inputs: 5, holes: 60) {
      let pairs = TupleSequences(machine, size: 2)
      var reached = (0..<machine.stateCount).map { Set([$0]) }
      for _ in 0..<machine.stateCount {
        for state in reached.indices {
          for input in machine.defined(state) {
            reached[state].formUnion(machine.next(state, input).map { reached[$0] } ?? [])
          }
        }
      }
      var possible: Set<[Int]> = []
      for state in 0..<machine.stateCount {
        for first in machine.defined(state) {
          for later in machine.next(state, first).map({ reached[$0] }) ?? [] {
            for second in machine.defined(later) where second != first {
              possible.insert([first, second])
            }
          }
        }
      }
      #expect(pairs.covered == possible.count)
      var made: Set<[Int]> = []
      for sequence in pairs.sequences {
        #expect(machine.run(sequence) != nil)
        for (place, second) in sequence.enumerated() {
          for first in sequence[..<place] where first != second { made.insert([first, second]) }
        }
      }
      #expect(made == possible)
    }
  }

  @Test func makesEveryTriple() {
    for machine in machines(5, states: 6, inputs: 6) {
      let triples = TupleSequences(machine, size: 3)
      #expect(triples.covered == 6 * 5 * 4)
      #expect(triples.sequences.count < 40)
    }
  }
}
