import Testing

@testable import TestGeneration

/// That a certified suite finds what its guarantee says, by trying the fault domain.
@Suite struct CompletenessTests {
  /// What trying many implementations came to.
  struct Tally {
    var faulty = 0
    var killed = 0
    /// Faulty ones that pass, although they are in the domain.
    var missed = 0
    /// Of every eighth faulty one: how many are in the domain, and how many are not.
    var inside = 0
    var outside = 0
  }

  private func survives(_ implementation: Mealy, _ specification: Mealy, _ suite: [[Int]]) -> Bool {
    suite.allSatisfy { implementation.outputs(of: $0) == specification.outputs(of: $0) }
  }

  private func count(
    _ implementation: Mealy, _ specification: Mealy, _ suite: CertifiedSequences,
    _ tally: inout Tally
  ) {
    guard !implementation.answersLike(specification) else {
      // A right implementation is never killed.
      tally.missed += survives(implementation, specification, suite.sequences) ? 0 : 1
      return
    }
    tally.faulty += 1
    let killed = !survives(implementation, specification, suite.sequences)
    if killed { tally.killed += 1 }
    guard !killed || tally.faulty % 8 == 0 else { return }
    let isInside = implementation.isInDomain(of: specification, cover: suite.cover, k: suite.k)
    if isInside && !killed { tally.missed += 1 }
    if tally.faulty % 8 == 0 {
      if isInside { tally.inside += 1 } else { tally.outside += 1 }
    }
  }

  /// Specifications with states that can all be told apart.
  private func specifications(
    _ count: Int, states: Int, inputs: Int, holes: Int = 0
  ) -> [Mealy] {
    var result: [Mealy] = []
    var seed: UInt64 = 0
    while result.count < count {
      seed += 1
      var numbers = SeededNumbers(seed: seed)
      let machine = Mealy.random(
        states: states, inputs: inputs, outputs: 2, holes: holes, &numbers
      ).reachable.machine
      guard machine.stateCount == states,
        Identifiers(machine, usesAdaptive: false).alike.isEmpty
      else { continue }
      result.append(machine)
    }
    return result
  }

  /// All 46,656 machines of three states, two inputs and two outputs.
  @Test(arguments: [false, true]) func enumeration(adaptive: Bool) throws {
    for specification in specifications(4, states: 2, inputs: 2) {
      for k in [0, 1] {
        let suite = try CertifiedSequences(specification, k: k, adaptive: adaptive, 1_000_000)
        var tally = Tally()
        Mealy.forEach(states: 3, inputs: 2, outputs: 2) {
          count($0, specification, suite, &tally)
        }
        #expect(tally.missed == 0)
        #expect(tally.inside > 200)
        // The domain is a real restriction only for small k.
        #expect(k > 0 || tally.outside > 200)
      }
    }
  }

  @Test(arguments: [0, 1], [false, true])
  func mutants(k: Int, adaptive: Bool) throws {
    var tally = Tally()
    for (number, specification) in specifications(12, states: 6, inputs: 3).enumerated() {
      let suite = try CertifiedSequences(specification, k: k, adaptive: adaptive, 1_000_000)
      var numbers = SeededNumbers(seed: UInt64(number))
      for round in 0..<400 {
        let mutant = specification.mutant(extra: round % 4, outputs: 2, &numbers)
        count(mutant, specification, suite, &tally)
      }
    }
    #expect(tally.missed == 0)
    #expect(tally.inside > 50)
  }

  /// A machine with holes gives no expectation there, and whoever is tested may do anything.
  @Test func machinesWithHoles() throws {
    var tally = Tally()
    for (number, specification) in specifications(12, states: 5, inputs: 4, holes: 25).enumerated()
    {
      let suite = try CertifiedSequences(specification, k: 1, adaptive: true, 1_000_000)
      var numbers = SeededNumbers(seed: UInt64(number))
      for round in 0..<400 {
        let mutant = specification.mutant(extra: round % 3, outputs: 2, &numbers)
        count(mutant, specification, suite, &tally)
      }
    }
    #expect(tally.missed == 0)
    #expect(tally.inside > 50)
  }

  /// A suite without the tests for one state must miss something: the counting can fail.
  @Test func aThinnedSuiteMissesFaults() throws {
    var missed = 0
    for specification in specifications(3, states: 2, inputs: 2) {
      let suite = try CertifiedSequences(specification, k: 0, adaptive: false, 1_000_000)
      let thinned = Array(suite.sequences.dropLast())
      Mealy.forEach(states: 2, inputs: 2, outputs: 2) {
        if !$0.answersLike(specification), survives($0, specification, thinned) { missed += 1 }
      }
    }
    #expect(missed > 0)
  }

  /// Sequences for pairs are the shortest there are, by trying all.
  @Test func separatingWordsAreShortest() {
    for specification in specifications(20, states: 5, inputs: 2) {
      let words = SeparatingWords(specification)
      for left in 0..<5 {
        for right in 0..<left {
          guard let word = words.word(left, right) else {
            Issue.record("states \(left) and \(right) are alike")
            continue
          }
          #expect(specification.separates(word, left, right))
          let shorter = (1..<max(1, word.count)).flatMap { length in
            (0..<(1 << length)).map { bits in (0..<length).map { bits >> $0 & 1 } }
          }
          #expect(!shorter.contains { specification.separates($0, left, right) })
        }
      }
    }
  }

  @Test(arguments: [false, true]) func identifiersAreHarmonised(adaptive: Bool) {
    for specification in specifications(30, states: 8, inputs: 3, holes: 15) {
      let identifiers = Identifiers(specification, usesAdaptive: adaptive)
      for left in 0..<8 {
        for right in left + 1..<8 {
          guard let number = identifiers.separator(left, right) else {
            Issue.record("nothing for states \(left) and \(right)")
            continue
          }
          let word = identifiers.pool[number]
          #expect(specification.separates(word, left, right))
          for state in [left, right] {
            #expect(identifiers.words[state].contains { $0.starts(with: word) })
          }
        }
      }
    }
  }
}
