/// Memberships of cells that must all hold; with none, it always holds.
struct Conjunction: Hashable {
  /// For each cell that matters, the codes it may have.
  private(set) var sets: [Int: ValueSet] = [:]

  init() {}

  init(_ cell: Int, _ set: ValueSet) { sets = [cell: set] }

  /// Both; `nil` when they exclude each other.
  func merged(with other: Conjunction) -> Conjunction? {
    var result = self
    for (cell, set) in other.sets {
      let both = result.sets[cell].map { $0.intersection(set) } ?? set
      if both.isEmpty { return nil }
      result.sets[cell] = both
    }
    return result
  }
}

extension Formula {
  /// Conjunctions of which at least one holds exactly when the formula does.
  ///
  /// - Parameter most: how many there may be on the way.
  /// - Returns: `nil` when there are more, or when a comparison or a cell that is not `usable`
  ///   stands in the way.
  func alternatives(atMost most: Int, usable: (Int) -> Bool) -> [Conjunction]? {
    switch self {
    case .yes: return [Conjunction()]
    case .no: return []
    case .compare: return nil
    case .member(let cell, let set):
      if set.isEmpty { return [] }
      return usable(cell) ? [Conjunction(cell, set)] : nil
    case .or(let parts):
      var result: [Conjunction] = []
      var seen: Set<Conjunction> = []
      for part in parts {
        guard let some = part.alternatives(atMost: most, usable: usable) else { return nil }
        for one in some where seen.insert(one).inserted { result.append(one) }
        if result.count > most { return nil }
      }
      return result
    case .and(let parts):
      var result = [Conjunction()]
      for part in parts {
        guard let some = part.alternatives(atMost: most, usable: usable) else { return nil }
        var seen: Set<Conjunction> = []
        var product: [Conjunction] = []
        for left in result {
          for one in some.compactMap({ left.merged(with: $0) }) where seen.insert(one).inserted {
            product.append(one)
          }
          if product.count > most { return nil }
        }
        result = product
      }
      return result
    }
  }
}
