import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

/// A random graph whose actions are partial functions on a few states, as a spec.
struct RandomGraph {
  static let size = 6
  let functions: [[Int: Int]]
  let strengths: [Fairness.Strength?]
  let premise: Set<Int>
  let conclusion: Set<Int>

  init(seed: UInt64) {
    var random = Numbers(seed: seed)
    let states = 0..<Self.size
    functions = (0..<2 + random.below(3)).map { _ in
      let pairs = states.filter { _ in random.below(100) < 45 }.map {
        ($0, random.below(Self.size))
      }
      return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
    strengths = functions.map { _ in [nil, .weak, .strong][random.below(3)] }
    premise = Set(states.filter { _ in random.below(100) < 40 })
    conclusion = Set(states.filter { _ in random.below(100) < 25 })
  }

  struct Cell: SpecPart { let at = Var(0, in: 0...(RandomGraph.size - 1)) }

  struct Made: Spec {
    static let name = "test/graph"
    let summary = "a random graph"
    let cell = Cell()
    let graph: RandomGraph

    private func isIn(_ set: some Collection<Int>) -> Condition {
      set.sorted().map { cell.at == $0 }.reduce(Condition(.no)) { $0 || $1 }
    }

    var actions: [Action] {
      graph.functions.enumerated().map { index, function in
        Action("a\(index)") {
          Require(isIn(function.keys))
          function.sorted { $0.key < $1.key }.map { from, to in
            When(cell.at == from) { cell.at <- to }
          }
        }
      }
    }
    var properties: [Property] {
      let fairness = graph.strengths.enumerated().compactMap { index, strength -> Fairness? in
        switch strength {
        case .weak: .weak("a\(index)")
        case .strong: .strong("a\(index)")
        case nil: nil
        }
      }
      LeadsTo("P", "", fairness: fairness) {
        isIn(graph.premise)
      } then: {
        isIn(graph.conclusion)
      }
    }
  }

  func program() throws -> Program {
    let description = SpecDescription(Made(graph: self))
    return try Program(description, ResolvedScope(description))
  }

  // MARK: The answer by enumeration

  private func closure(_ start: Set<Int>, within allowed: Set<Int>) -> Set<Int> {
    var found = start
    var queue = Array(start)
    while let state = queue.popLast() {
      for function in functions {
        guard let next = function[state], allowed.contains(next) else { continue }
        if found.insert(next).inserted { queue.append(next) }
      }
    }
    return found
  }

  /// Whether some set of states can be exactly what a fair run visits for ever.
  ///
  /// Looks at every subset: no components, no recursion.
  var isViolated: Bool {
    let everything = Set(0..<Self.size)
    let reachable = closure([0], within: everything)
    let waiting = everything.subtracting(conclusion)
    let pending = closure(reachable.intersection(premise).intersection(waiting), within: waiting)
    return (1..<1 << Self.size).contains { bits in
      let set = Set((0..<Self.size).filter { bits >> $0 & 1 == 1 })
      guard set.isSubset(of: pending) else { return false }
      // Strongly connected by steps inside; a single state can also be stayed in.
      guard set.allSatisfy({ closure([$0], within: set) == set }) else { return false }
      return zip(functions, strengths).allSatisfy { function, strength in
        let isTaken = set.contains { function[$0].map(set.contains) ?? false }
        switch strength {
        case nil: return true
        case .weak: return isTaken || set.contains { function[$0] == nil }
        case .strong: return isTaken || set.allSatisfy { function[$0] == nil }
        }
      }
    }
  }

  var isVacuous: Bool {
    closure([0], within: Set(0..<Self.size)).isDisjoint(with: premise)
  }
}

/// SplitMix64.
private struct Numbers {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func below(_ count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(count))
  }
}

@Suite("Liveness: every subset of random graphs") struct FairCycleTests {
  @Test("fair components find what enumeration finds") func random() throws {
    var seen: [Answer: Int] = [:]
    for seed in 0..<1500 {
      let graph = RandomGraph(seed: UInt64(seed))
      let finding = try #require(decide(graph.program()).findings["P"])
      let answer = Answer(finding)
      seen[answer, default: 0] += 1
      let expected: Answer =
        graph.isViolated ? .violated : graph.isVacuous ? .vacuous : .holds
      #expect(answer == expected, "seed \(seed)")
    }
    // The graphs are worth something only if all answers come up.
    #expect(seen.values.allSatisfy { $0 > 50 } && seen.count == 3, "\(seen)")
  }

  @Test("both engines mark the same steps") func marks() throws {
    for seed in 0..<40 {
      let program = try RandomGraph(seed: UInt64(seed)).program()
      let table = try decide(program).findings["P"]
      let tree = try decide(program, engine: .tree).findings["P"]
      #expect(signature(table) == signature(tree), "seed \(seed)")
      #expect(table?.states == tree?.states)
    }
  }
}
