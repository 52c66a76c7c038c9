import SpecLanguage

@testable import SpecProgram

/// The random spec of a seed, at a small scope, with what is needed to show it to people.
struct FuzzedSpec {
  let seed: UInt64
  let description: SpecDescription
  let program: Program

  /// - Throws: what is wrong with the spec; `TDX1104` is expected of some, because the generator
  ///   does not look ahead far enough to keep checks before writes.
  init(seed: UInt64) throws {
    self.seed = seed
    var generator = SpecGenerator(seed: seed)
    let fuse = seed % 3 != 0
    program = try Program(generator.spec(), ["V": 2], fuse: fuse)
      .withStandings(seed: seed, count: 4, fuse: fuse)
    description = program.spec
  }

  /// Well-formed states next to the given ones: their variables have other values of their types.
  /// Where threads stand, what they remember and who holds locks stays as it is, because no
  /// evaluator promises anything about a thread whose memory does not fit the place it waits at.
  func neighbours(of states: [[Int]], count: Int) -> [[Int]] {
    var random = SplitMix(seed: seed ^ 0x5EED)
    let locks = Set(
      description.locks.flatMap { [$0.owner.id] + ($0.readers.map { [$0.id] } ?? []) })
    let free = program.cells.indices.filter { cell in
      guard case .variable(let id) = program.cells[cell].role else { return false }
      return program.cells[cell].count > 1 && !locks.contains(id)
    }
    return (0..<count).map { _ in
      var state = random.pick(states)
      for cell in free where random.chance(40) {
        state[cell] = random.below(program.cells[cell].count)
      }
      return state
    }
  }

  /// A disagreement with everything that is needed to see it again.
  func reproducer(_ difference: String) -> String {
    """
    seed \(seed), again with TDXSPEC_FUZZ_SEED=\(seed): \(difference)
    The spec:
    \(SpecReader(description).text)
    """
  }
}
