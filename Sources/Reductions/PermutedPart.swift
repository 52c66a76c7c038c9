import SpecLanguage
import SpecProgram

/// A component of a group whose permutations are tried one by one, and what each element has of
/// its own: only permutations that put that in the smallest order have to be tried.
final class PermutedPart {
  private struct Field {
    var word: Int
    var shift: UInt64
    var low: UInt64
    var position: UInt64
  }

  /// How many permutations there are.
  let count: Int
  private let elements: Int
  private let fieldsEach: [Int]
  /// Of each element in turn.
  private let fields: [Field]
  /// For each permutation and element: where the element's own bits go.
  private let shifts: [UInt64]
  private let own: UnsafeMutablePointer<UInt64>

  init(_ component: SymmetryGroup.Component, _ program: Program, _ layout: StateLayout) {
    count = component.permutations.count
    let sizes = Dictionary(uniqueKeysWithValues: program.sortSizes.map { ($0.sort, $0.size) })
    var fields: [Field] = []
    var fieldsEach: [Int] = []
    var starts: [(sort: SortID, base: Int, width: Int, size: Int)] = []
    var used = 0
    for sort in component.sorts {
      let size = sizes[sort] ?? 0
      var cells = Self.cells(sort, size, program)
      // As many as fit, so that one word compares all elements at once.
      var width = 0
      var fitting = 0
      for cell in cells.first ?? [] {
        let next = width + layout.fields[cell].width
        if used + next * size > 64 { break }
        width = next
        fitting += 1
      }
      cells = cells.map { Array($0.prefix(fitting)) }
      for column in cells {
        var position = 0
        for cell in column {
          let place = layout.fields[cell]
          fields.append(
            Field(
              word: place.word, shift: UInt64(place.shift), low: place.low,
              position: UInt64(position)))
          position += place.width
        }
        fieldsEach.append(column.count)
      }
      starts.append((sort, used, width, size))
      used += width * size
    }
    self.fields = fields
    self.fieldsEach = fieldsEach
    elements = fieldsEach.count
    var shifts: [UInt64] = []
    for permutation in component.permutations {
      for (sort, base, width, size) in starts {
        for element in 0..<size {
          // An element without bits may get 64 here; the shift below then does nothing of note.
          shifts.append(UInt64(min(63, base + width * permutation.image(of: element, sort))))
        }
      }
    }
    self.shifts = shifts
    own = .allocate(capacity: max(1, elements))
  }

  deinit { own.deallocate() }

  /// The cells that belong to one element alone and do not name others, for each element.
  private static func cells(_ sort: SortID, _ size: Int, _ program: Program) -> [[Int]] {
    if sort == .thread { return program.threadPlaces.map { [$0.location] } }
    var columns = [[Int]](repeating: [], count: size)
    for place in program.variablePlaces {
      guard place.value == nil, place.indices.count == 1, place.indices[0].sort == sort
      else { continue }
      columns[place.indices[0].element].append(place.cell)
    }
    return columns
  }

  /// The permutations that put the elements' own bits in the smallest order.
  ///
  /// - Parameter result: room for `count` numbers.
  /// - Returns: how many there are; at least one.
  func ties(_ state: UnsafePointer<UInt64>, into result: UnsafeMutablePointer<Int>) -> Int {
    fields.withUnsafeBufferPointer { fields in
      var next = 0
      for element in 0..<elements {
        var bits: UInt64 = 0
        for _ in 0..<fieldsEach[element] {
          let field = fields[next]
          bits |= ((state[field.word] &>> field.shift) & field.low) &<< field.position
          next &+= 1
        }
        own[element] = bits
      }
    }
    return shifts.withUnsafeBufferPointer { shifts in
      var smallest = UInt64.max
      var found = 0
      for permutation in 0..<count {
        var sum: UInt64 = 0
        let first = permutation &* elements
        for element in 0..<elements { sum |= own[element] &<< shifts[first &+ element] }
        if sum > smallest { continue }
        if sum < smallest {
          smallest = sum
          found = 0
        }
        result[found] = permutation
        found &+= 1
      }
      return found
    }
  }
}
