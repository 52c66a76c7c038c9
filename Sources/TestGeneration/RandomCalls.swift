/// Random numbers that are the same for the same seed on every machine (SplitMix64; Steele, Lea,
/// Flood 2014).
struct SeededNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number below the bound, which is at least 1; the bias is below 2^-32 for small bounds.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

extension Mealy {
  /// Random walks. Half of the calls are ones that change the state, where there are any: most
  /// calls in most states are refused.
  ///
  /// - Parameters:
  ///   - count: how many walks.
  ///   - length: how many calls each; a walk ends earlier where nothing is defined.
  func walks(_ count: Int, length: Int, seed: UInt64) -> [[Int]] {
    var numbers = SeededNumbers(seed: seed)
    return (0..<count).compactMap { _ in
      var state = 0
      var walk: [Int] = []
      while walk.count < length {
        let all = defined(state)
        let moving = all.filter { next(state, $0) != state }
        let choice = numbers.below(2) == 0 || moving.isEmpty ? all : moving
        guard !choice.isEmpty else { break }
        let input = choice[numbers.below(choice.count)]
        walk.append(input)
        state = next(state, input) ?? state
      }
      return walk.isEmpty ? nil : walk
    }
  }
}
