import SpecLanguage
import SpecProgram

/// Where the elements of some sorts go; elements of other sorts stay.
struct Permutation: Hashable, Sendable {
  /// For each sort that moves: the new number of each element.
  var images: [SortID: [Int]] = [:]

  func image(of element: Int, _ sort: SortID) -> Int { images[sort]?[element] ?? element }

  var isIdentity: Bool {
    images.values.allSatisfy { $0.enumerated().allSatisfy { $0.offset == $0.element } }
  }

  /// The code of a cell after the permutation.
  func code(_ code: Int, _ value: ElementValue?) -> Int {
    guard let value, code >= value.offset else { return code }
    return image(of: code - value.offset, value.sort) + value.offset
  }

  /// The permutation that does both, of different sorts.
  func joined(_ other: Permutation) -> Permutation {
    Permutation(images: images.merging(other.images) { mine, _ in mine })
  }

  /// The cell that takes over from `place`.
  func cell(_ place: ElementPlace) -> Int {
    place.indices.reduce(place.cell) {
      $0 + (image(of: $1.element, $1.sort) - $1.element) * $1.stride
    }
  }

  /// A whole state after the permutation: the plain meaning, which packed plans are tested against.
  func apply(to state: [Int], of program: Program) -> [Int] {
    var result = state
    for place in program.variablePlaces {
      result[cell(place)] = code(state[place.cell], place.value)
    }
    for (thread, source) in program.threadPlaces.enumerated() {
      let target = program.threadPlaces[image(of: thread, .thread)]
      let location = state[source.location]
      result[target.location] = location
      for (from, to) in zip(source.frame, target.frame) { result[to] = state[from] }
      for place in program.framePlaces(at: location) {
        let old = state[source.frame.lowerBound + place.cell]
        result[target.frame.lowerBound + cell(place)] = code(old, place.value)
      }
    }
    return result
  }

  /// All orders of 0..<count, the identity first, in lexicographic order.
  static func orders(of count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    var result: [[Int]] = []
    func extend(_ prefix: [Int]) {
      if prefix.count == count { result.append(prefix) }
      for element in 0..<count where !prefix.contains(element) { extend(prefix + [element]) }
    }
    extend([])
    return result
  }
}
