import SpecLanguage
import SpecProgram

/// The permutations of sorts that constant tables tie together.
///
/// Most products of permutations do not keep the tables: of 8 pages in 4 parts of 2 blocks,
/// 1,935,360 products keep them in 128 cases. So an element gets only images that the sorts which
/// came before allow, and the others are never made.
extension SymmetryGroup {
  /// All permutations of the sorts that keep the tables, the identity first.
  ///
  /// - Returns: nil if there are more than `most`, or more have to be looked at on the way.
  static func keepingTables(
    _ sorts: [SortID], _ sizes: [SortID: Int], _ program: Program, most: Int
  ) -> [Permutation]? {
    var result = [Permutation()]
    for sort in valuesFirst(sorts, program) {
      let tables = program.tables.filter { $0.key == sort }
      var longer: [Permutation] = []
      for permutation in result {
        let allowed = (0..<(sizes[sort] ?? 1)).map { element in
          (0..<(sizes[sort] ?? 1)).filter { image in
            tables.allSatisfy { table in
              table.value?.sort == sort
                || table.values[image] == permutation.code(table.values[element], table.value)
            }
          }
        }
        guard let orders = orders(allowed, most: most - longer.count) else { return nil }
        longer += orders.map { permutation.joined(Permutation(images: [sort: $0])) }
      }
      result = longer
    }
    return result
  }

  /// A sort comes after those that its tables lead to; where they lead in a circle, by name.
  private static func valuesFirst(_ sorts: [SortID], _ program: Program) -> [SortID] {
    var open = sorts.sorted { $0.name < $1.name }
    var result: [SortID] = []
    while !open.isEmpty {
      let next =
        open.firstIndex { sort in
          program.tables.allSatisfy { table in
            table.key != sort
              || table.value.map { $0.sort == sort || !open.contains($0.sort) } != false
          }
        } ?? 0
      result.append(open.remove(at: next))
    }
    return result
  }

  /// All orders in which each element has one of its allowed images, in lexicographic order.
  private static func orders(_ allowed: [[Int]], most: Int) -> [[Int]]? {
    var result: [[Int]] = []
    func extend(_ prefix: [Int]) {
      guard result.count <= most else { return }
      guard prefix.count < allowed.count else { return result.append(prefix) }
      for image in allowed[prefix.count] where !prefix.contains(image) { extend(prefix + [image]) }
    }
    extend([])
    return result.count <= most ? result : nil
  }
}
