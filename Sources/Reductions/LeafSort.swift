import SpecLanguage
import SpecProgram

/// A sort whose elements are interchangeable and never named by a cell: the cells of one element
/// are a column, and sorting the columns gives the smallest state.
struct LeafSort {
  /// A part of a column that is contiguous in a word.
  struct Field {
    var word: Int
    var shift: UInt64
    var mask: UInt64
    /// Where the part is in the column.
    var position: UInt64
  }

  let sort: SortID
  let count: Int
  /// For each element, its fields; the same number for each.
  private let fields: [Field]
  private let fieldsEach: Int
  /// For a column that is one field in one word.
  private let isOneField: Bool

  /// - Returns: `nil` when cells name elements of the sort, some cell belongs to two of its
  ///   elements, or a column does not fit a word.
  init?(_ sort: SortID, _ count: Int, _ program: Program, _ layout: StateLayout) {
    guard let columns = Self.columns(sort, count, program) else { return nil }
    var fields: [Field] = []
    var each = 0
    for column in columns {
      var position = 0
      var own: [Field] = []
      for cell in column {
        let place = layout.fields[cell]
        guard place.width > 0 else { continue }
        guard position + place.width <= 64 else { return nil }
        own.append(
          Field(
            word: place.word, shift: UInt64(place.shift), mask: place.low,
            position: UInt64(position)))
        position += place.width
      }
      each = own.count
      fields += own
    }
    self.sort = sort
    self.count = count
    (self.fields, fieldsEach) = Self.merge(fields, each, count)
    isOneField = fieldsEach == 1
  }

  /// The cells of each element, in the same order.
  static func columns(_ sort: SortID, _ count: Int, _ program: Program) -> [[Int]]? {
    var columns = [[Int]](repeating: [], count: count)
    for place in program.variablePlaces {
      let own = place.indices.filter { $0.sort == sort }
      guard place.value?.sort != sort, own.count <= 1 else { return nil }
      // Cells of element 0, in order, give the order for all.
      guard let index = own.first, index.element == 0 else { continue }
      for element in 0..<count { columns[element].append(place.cell + element * index.stride) }
    }
    for location in 0..<program.locationCount {
      for place in program.framePlaces(at: location) {
        guard place.value?.sort != sort, place.indices.allSatisfy({ $0.sort != sort })
        else { return nil }
      }
    }
    return columns
  }

  /// Joins neighbouring fields where they are neighbours in every column.
  private static func merge(
    _ fields: [Field], _ each: Int, _ count: Int
  ) -> (fields: [Field], each: Int) {
    guard each > 0 else { return ([], 0) }
    var groups: [[Int]] = [[0]]
    for index in 1..<max(1, each) where index < each {
      let joins = (0..<count).allSatisfy { element in
        let a = fields[element * each + index - 1]
        let b = fields[element * each + index]
        return a.word == b.word && b.shift - min(b.shift, a.shift) == b.position - a.position
      }
      if joins { groups[groups.count - 1].append(index) } else { groups.append([index]) }
    }
    var merged: [Field] = []
    for element in 0..<count {
      for group in groups {
        var field = fields[element * each + group[0]]
        for index in group.dropFirst() {
          let next = fields[element * each + index]
          field.mask |= next.mask << (next.position - field.position)
        }
        merged.append(field)
      }
    }
    return (merged, groups.count)
  }

  /// Sorts the columns of a state in place. O(count² + count · fields).
  func arrange(
    _ state: UnsafeMutablePointer<UInt64>, _ keys: UnsafeMutablePointer<UInt64>
  ) {
    fields.withUnsafeBufferPointer { fields in
      var isSorted = true
      for element in 0..<count {
        var key: UInt64 = 0
        for index in element &* fieldsEach..<(element &+ 1) &* fieldsEach {
          let field = fields[index]
          key |= ((state[field.word] &>> field.shift) & field.mask) &<< field.position
        }
        // Insertion keeps what is before in order.
        var place = element
        while place > 0, keys[place - 1] > key {
          keys[place] = keys[place - 1]
          place &-= 1
          isSorted = false
        }
        keys[place] = key
      }
      if isSorted { return }
      for element in 0..<count {
        for index in element &* fieldsEach..<(element &+ 1) &* fieldsEach {
          let field = fields[index]
          state[field.word] &= ~(field.mask &<< field.shift)
          state[field.word] |= ((keys[element] &>> field.position) & field.mask) &<< field.shift
        }
      }
    }
  }
}
