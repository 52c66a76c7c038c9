import SpecLanguage

extension GuardTable {
  /// Writes the successors of one state one behind the other.
  ///
  /// - Parameters:
  ///   - target: room for `maxSuccessors` states.
  ///   - taken: room for `maxSuccessors` rule numbers.
  /// - Returns: how many there are, or -1 - rule when a rule that is a mistake fired.
  @inline(__always)
  func successors(
    _ state: UnsafePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>,
    _ taken: UnsafeMutablePointer<Int32>
  ) -> Int {
    var found = 0
    for group in groups {
      let location = Int(truncatingIfNeeded: (state[group.word] &>> group.shift) & group.low)
      let end = Int(group.starts[location &+ 1])
      var candidates = found
      var index = Int(group.starts[location])
      // Branch-free: a row that does not match leaves its number to be overwritten.
      if words == 1 {
        let word = state[0]
        while index < end {
          taken[candidates] = rows[index].rule
          candidates &+= word & rows[index].mask == rows[index].value ? 1 : 0
          index &+= 1
        }
      } else {
        while index < end {
          let word = state[Int(rows[index].word)]
          taken[candidates] = rows[index].rule
          candidates &+= word & rows[index].mask == rows[index].value ? 1 : 0
          index &+= 1
        }
      }
      var candidate = found
      while candidate < candidates {
        let rule = Int(taken[candidate])
        candidate &+= 1
        let effect = effects[rule]
        if effect.guardCode >= 0, !code.run(effect.guardCode, state, target) { continue }
        if effect.isFault { return -1 &- rule }
        let out = target + found &* words
        let mask = masks + rule &* words &* 2
        for word in 0..<words {
          out[word] = state[word] & mask[2 &* word] | mask[2 &* word &+ 1]
        }
        if effect.writeCode >= 0 { _ = code.run(effect.writeCode, state, out) }
        fired[rule] &+= 1
        taken[found] = Int32(truncatingIfNeeded: rule)
        found &+= 1
      }
    }
    return found
  }
}
