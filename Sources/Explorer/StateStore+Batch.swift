import CExplorerShims

/// Insertion of a whole batch, in a form that the compiler can keep in registers.
extension StateStore {
  /// Inserts the successors of `size` states and appends the new ones to a frontier, in order.
  ///
  /// Room must have been made in both with `reserve(additional:)`.
  ///
  /// - Parameters:
  ///   - states: `total` states one behind the other.
  ///   - counts: how many of them belong to each of the `size` parents.
  ///   - firstParent: the id of the first parent; the others follow.
  ///   - hashes: room for `total` hashes.
  /// - Returns: whether some parent has no successor.
  @inline(never)
  mutating func insert(
    _ states: UnsafePointer<UInt64>, _ total: Int, counts: UnsafePointer<Int32>,
    parents firstParent: Int, _ size: Int, hashes: UnsafeMutablePointer<UInt64>,
    new frontier: inout Frontier
  ) -> Bool {
    // Two copies of the loops: most specs fit one word.
    words == 1
      ? insert(states, total, counts, firstParent, size, hashes, &frontier, words: 1)
      : insert(states, total, counts, firstParent, size, hashes, &frontier, words: words)
  }

  @inline(__always)
  private mutating func insert(
    _ states: UnsafePointer<UInt64>, _ total: Int, _ counts: UnsafePointer<Int32>,
    _ firstParent: Int, _ size: Int, _ hashes: UnsafeMutablePointer<UInt64>,
    _ frontier: inout Frontier, words: Int
  ) -> Bool {
    var index = 0
    let (table, shift) = (table, shift)
    while index < total {
      let hash = Self.hash(states + index &* words, words: words)
      hashes[index] = hash
      tdxs_prefetch(table + Int(truncatingIfNeeded: hash &>> shift) &* words)
      index &+= 1
    }
    index = 0
    var offset = 0
    var hasDeadEnd = false
    while offset < size {
      let count = Int(counts[offset])
      let parent = UInt32(truncatingIfNeeded: firstParent &+ offset)
      hasDeadEnd = hasDeadEnd || count == 0
      var ordinal = 0
      while ordinal < count {
        let state = states + index &* words
        let isNew = insert(
          state, hash: hashes[index], parent: parent,
          ordinal: UInt16(truncatingIfNeeded: ordinal))
        if isNew { frontier.append(state) }
        index &+= 1
        ordinal &+= 1
      }
      offset &+= 1
    }
    return hasDeadEnd
  }
}
