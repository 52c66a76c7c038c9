import SpecLanguage
import SpecProgram

/// The permutations of a scope's elements that leave a spec as it is.
///
/// A product of independent components. A component is one sort, the threads of all roles, or
/// several sorts that constant tables tie together; of those only the permutations that keep the
/// tables are in it.
public struct SymmetryGroup: Sendable {
  struct Component: Sendable {
    let sorts: [SortID]
    /// How many permutations there are.
    let order: Int
    /// All of them, the identity first; empty when they are too many to try one by one.
    let permutations: [Permutation]
    /// Every permutation of its only sort is in it.
    let isFull: Bool
  }

  let components: [Component]
  /// The sorts with several elements that are left alone, with the reason.
  public let excluded: [(sort: SortID, reason: String)]

  /// Permutations of a component that are tried one by one, at most.
  static var mostPermutations: Int { 5_040 }

  /// - Parameter properties: those that must have the same answer for permuted states.
  public init(_ program: Program, _ properties: [ResolvedProperty]) {
    let occurring = Self.occurring(program)
    let sizes = program.sortSizes.filter { $0.size > 1 && occurring.contains($0.sort) }
    var excluded: [(sort: SortID, reason: String)] = []
    let asymmetries = program.asymmetries(properties)
    var free: [SortID: Int] = [:]
    for (sort, size) in sizes {
      if let reason = asymmetries[sort] {
        excluded.append((sort, reason))
      } else {
        free[sort] = size
      }
    }
    var components: [Component] = []
    for sorts in Self.tied(free, program) {
      let count = sorts.reduce(1) { Self.product($0, Self.ways($1, free, program)) }
      guard count > 1 else {
        excluded += sorts.map { ($0, "each plays a part of its own") }
        continue
      }
      if sorts.count > 1 {
        guard
          let all = Self.keepingTables(sorts, free, program, most: Self.mostPermutations)
        else {
          excluded += sorts.map { ($0, "too many permutations keep the tables") }
          continue
        }
        let kept = all.filter { Self.keeps($0, program) }
        guard kept.count > 1 else {
          excluded += sorts.map { ($0, "constants or initial values tell all its elements apart") }
          continue
        }
        components.append(
          Component(sorts: sorts, order: kept.count, permutations: kept, isFull: false))
        continue
      }
      if count > Self.mostPermutations {
        if sorts[0] != .thread,
          Self.swaps(sorts[0], free[sorts[0]] ?? 1).allSatisfy({ Self.keeps($0, program) })
        {
          components.append(
            Component(sorts: sorts, order: count, permutations: [], isFull: true))
        } else {
          excluded += sorts.map { ($0, "\(count) permutations are too many to try") }
        }
        continue
      }
      let all = Self.permutations(sorts, free, program)
      let kept = all.filter { Self.keeps($0, program) }
      guard kept.count > 1 else {
        excluded += sorts.map { ($0, "constants or initial values tell all its elements apart") }
        continue
      }
      components.append(
        Component(
          sorts: sorts, order: kept.count, permutations: kept,
          isFull: sorts[0] != .thread && kept.count == all.count))
    }
    self.components = components
    self.excluded = excluded
  }

  /// Leaves out components, which is always sound.
  init(_ components: [Component], excluded: [(sort: SortID, reason: String)]) {
    self.components = components
    self.excluded = excluded
  }

  public var isTrivial: Bool { components.isEmpty }

  /// How many permutations there are.
  public var order: Int { components.reduce(1) { Self.product($0, $1.order) } }

  /// Each component's sorts and order, such as `VCPU 6`.
  public var text: String {
    components.map { component in
      "\(component.sorts.map(\.name).joined(separator: "×")) \(component.order)"
    }.joined(separator: ", ")
  }

  // MARK: Parts

  /// The sorts whose elements a state can tell of.
  private static func occurring(_ program: Program) -> Set<SortID> {
    var places = program.variablePlaces
    for location in 0..<program.locationCount { places += program.framePlaces(at: location) }
    var sorts: Set<SortID> = program.threadCount > 1 ? [.thread] : []
    for place in places {
      sorts.formUnion(place.indices.map(\.sort))
      if let value = place.value { sorts.insert(value.sort) }
    }
    return sorts
  }

  /// Classes of sorts between which some table maps.
  private static func tied(_ free: [SortID: Int], _ program: Program) -> [[SortID]] {
    var classes = free.keys.sorted { $0.name < $1.name }.map { [$0] }
    for table in program.tables {
      guard let value = table.value?.sort,
        let a = classes.firstIndex(where: { $0.contains(table.key) }),
        let b = classes.firstIndex(where: { $0.contains(value) }), a != b
      else { continue }
      classes[min(a, b)] += classes[max(a, b)]
      classes.remove(at: max(a, b))
    }
    return classes
  }

  private static func ways(_ sort: SortID, _ free: [SortID: Int], _ program: Program) -> Int {
    let sizes = sort == .thread ? program.interchangeableThreads.map(\.count) : [free[sort] ?? 1]
    return sizes.reduce(1) { $1 < 2 ? $0 : (2...$1).reduce($0, product) }
  }

  private static func permutations(
    _ sorts: [SortID], _ free: [SortID: Int], _ program: Program
  ) -> [Permutation] {
    var result = [Permutation()]
    for sort in sorts {
      let orders =
        sort == .thread
        ? threadOrders(program.interchangeableThreads) : Permutation.orders(of: free[sort] ?? 1)
      result = result.flatMap { permutation in
        orders.map { permutation.joined(Permutation(images: [sort: $0])) }
      }
    }
    return result
  }

  /// Permutations of which every other one is made.
  private static func swaps(_ sort: SortID, _ size: Int) -> [Permutation] {
    (1..<size).map { element in
      var order = Array(0..<size)
      order.swapAt(element - 1, element)
      return Permutation(images: [sort: order])
    }
  }

  private static func threadOrders(_ roles: [Range<Int>]) -> [[Int]] {
    roles.reduce([[]]) { orders, role in
      orders.flatMap { order in
        Permutation.orders(of: role.count).map { order + $0.map { $0 + role.lowerBound } }
      }
    }
  }

  private static func keeps(_ permutation: Permutation, _ program: Program) -> Bool {
    keepsTables(permutation, program) && keepsInitial(permutation, program)
  }

  private static func keepsTables(_ permutation: Permutation, _ program: Program) -> Bool {
    program.tables.allSatisfy { table in
      table.values.indices.allSatisfy { key in
        table.values[permutation.image(of: key, table.key)]
          == permutation.code(table.values[key], table.value)
      }
    }
  }

  private static func keepsInitial(_ permutation: Permutation, _ program: Program) -> Bool {
    permutation.apply(to: program.initial, of: program) == program.initial
  }

  /// Without overflow: beyond any number that is affordable.
  static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? Int.max : product
  }
}
