import SpecLanguage
import SpecProgram

/// Gives every state the smallest one that a symmetry makes of it.
///
/// Exact: two states get the same one if and only if a permutation of the group leads from one to
/// the other. Sorts whose elements no cell names are sorted; the permutations of the others are
/// tried, but only those under which what the elements have of their own is in the smallest order
/// (swift-design §4).
public final class Canonicaliser {
  public let group: SymmetryGroup
  let words: Int
  private let parts: [PermutedPart]
  /// For each choice of a permutation from each part; nil for the identity.
  private let plans: [PermutationPlan?]
  private let leaves: [LeafSort]
  private let candidate: UnsafeMutablePointer<UInt64>
  private let best: UnsafeMutablePointer<UInt64>
  private let keys: UnsafeMutablePointer<UInt64>
  /// For each part, the permutations that tie; then how many.
  private let ties: UnsafeMutablePointer<Int>
  private let tieCounts: UnsafeMutablePointer<Int>
  private let chosen: UnsafeMutablePointer<Int>
  /// States made canonical, and permutations tried for them.
  public private(set) var states = 0
  public private(set) var tried = 0

  public init(_ wanted: SymmetryGroup, _ program: Program, _ layout: StateLayout) {
    var leaves: [LeafSort] = []
    var rest: [SymmetryGroup.Component] = []
    var kept: [SymmetryGroup.Component] = []
    var excluded = wanted.excluded
    let sizes = Dictionary(uniqueKeysWithValues: program.sortSizes.map { ($0.sort, $0.size) })
    for component in wanted.components {
      if component.isFull,
        let leaf = LeafSort(
          component.sorts[0], sizes[component.sorts[0]] ?? 0, program, layout)
      {
        leaves.append(leaf)
        kept.append(component)
      } else {
        rest.append(component)
      }
    }
    var product = 1
    var used: [SymmetryGroup.Component] = []
    for component in rest.sorted(by: { $0.order < $1.order }) {
      let more = SymmetryGroup.product(product, component.order)
      guard !component.permutations.isEmpty, more <= SymmetryGroup.mostPermutations else {
        excluded += component.sorts.map { ($0, "too many permutations to try") }
        continue
      }
      product = more
      used.append(component)
    }
    group = SymmetryGroup(used + kept, excluded: excluded)
    self.leaves = leaves
    words = layout.words
    parts = used.map { PermutedPart($0, program, layout) }
    var permutations = [Permutation()]
    for component in used {
      permutations = permutations.flatMap { permutation in
        component.permutations.map { permutation.joined($0) }
      }
    }
    plans = permutations.map {
      $0.isIdentity ? nil : PermutationPlan($0, program, layout)
    }
    candidate = .allocate(capacity: words)
    best = .allocate(capacity: words)
    keys = .allocate(capacity: max(1, leaves.map(\.count).max() ?? 1))
    ties = .allocate(capacity: max(1, parts.reduce(0) { $0 + $1.count }))
    tieCounts = .allocate(capacity: max(1, parts.count))
    chosen = .allocate(capacity: max(1, parts.count))
  }

  deinit {
    candidate.deallocate()
    best.deallocate()
    keys.deallocate()
    ties.deallocate()
    tieCounts.deallocate()
    chosen.deallocate()
  }

  /// The order of cells in which the columns of sorted elements are contiguous.
  public static func cellOrder(_ group: SymmetryGroup, _ program: Program) -> [Int] {
    let sizes = Dictionary(uniqueKeysWithValues: program.sortSizes.map { ($0.sort, $0.size) })
    var taken: Set<Int> = []
    var columns: [Int] = []
    for component in group.components where component.isFull {
      let sort = component.sorts[0]
      for column in LeafSort.columns(sort, sizes[sort] ?? 0, program) ?? [] {
        columns += column.filter { taken.insert($0).inserted }
      }
    }
    return program.cells.indices.filter { !taken.contains($0) } + columns
  }

  /// Replaces a state by the smallest one of its orbit.
  public func canonicalise(_ state: UnsafeMutablePointer<UInt64>) {
    states &+= 1
    var place = 0
    for (index, part) in parts.enumerated() {
      tieCounts[index] = part.ties(state, into: ties + place)
      chosen[index] = 0
      place &+= part.count
    }
    var isFirst = true
    repeat {
      var plan = 0
      place = 0
      for (index, part) in parts.enumerated() {
        plan = plan &* part.count &+ ties[place &+ chosen[index]]
        place &+= part.count
      }
      consider(plans[plan], state, isFirst)
      isFirst = false
    } while advance()
    state.update(from: best, count: words)
  }

  /// The next choice of tied permutations.
  private func advance() -> Bool {
    var index = parts.count - 1
    while index >= 0 {
      chosen[index] &+= 1
      if chosen[index] < tieCounts[index] { return true }
      chosen[index] = 0
      index &-= 1
    }
    return false
  }

  private func consider(
    _ plan: PermutationPlan?, _ state: UnsafePointer<UInt64>, _ isFirst: Bool
  ) {
    tried &+= 1
    let target = isFirst ? best : candidate
    if let plan {
      plan.apply(state, into: target)
    } else {
      target.update(from: state, count: words)
    }
    for leaf in leaves { leaf.arrange(target, keys) }
    guard !isFirst else { return }
    for word in 0..<words where candidate[word] != best[word] {
      if candidate[word] < best[word] { best.update(from: candidate, count: words) }
      return
    }
  }
}
