import SpecLanguage

/// That a cell holds an element of a sort, and how: its code is the element's number plus `offset`;
/// smaller codes are `nil`.
package struct ElementValue: Hashable, Sendable {
  package let sort: SortID
  package let offset: Int

  /// - Returns: `nil` when values of the type are the same whatever elements are called.
  init?(_ type: ValueType) {
    switch type {
    case .element(let sort): (self.sort, offset) = (sort, 0)
    case .optional(let wrapped):
      guard let inner = ElementValue(wrapped) else { return nil }
      (sort, offset) = (inner.sort, inner.offset + 1)
    case .operand(let classes, let sort): (self.sort, offset) = (sort, classes.count)
    case .bool, .enumeration, .integer, .counter, .set, .outcome: return nil
    }
  }
}

/// A cell that belongs to elements of sorts, or names one.
package struct ElementPlace: Sendable {
  package struct Index: Hashable, Sendable {
    package let sort: SortID
    package let element: Int
    /// The distance, in cells, to the cell of the next element.
    package let stride: Int
  }

  package let cell: Int
  package let indices: [Index]
  package let value: ElementValue?
}

/// Where elements of sorts occur in a state: what has to move when elements change places.
extension Program {
  /// How many elements each sort has, threads included, in the order of names.
  package var sortSizes: [(sort: SortID, size: Int)] { scope.sortSizes }

  /// The cells of variables, in order.
  package var variablePlaces: [ElementPlace] {
    var places: [ElementPlace] = []
    for variable in spec.variables {
      let declaration = variable.declaration
      guard let layout = variables[declaration.id] else { continue }
      for cell in layout.base..<layout.base + layout.cellCount {
        var rest = cell - layout.base
        var indices: [ElementPlace.Index] = []
        for (type, index) in zip(declaration.indices, layout.indices) {
          let position = rest / index.stride
          rest %= index.stride
          guard case .element(let sort) = type else { continue }
          indices.append(.init(sort: sort, element: position, stride: index.stride))
        }
        if case .set(let sort) = declaration.type {
          indices.append(.init(sort: sort, element: rest, stride: 1))
        }
        places.append(
          ElementPlace(cell: cell, indices: indices, value: ElementValue(declaration.type)))
      }
    }
    return places
  }

  /// The frame of a thread that stands at a location: its cells that belong to elements or name
  /// one, relative to the first cell of the frame.
  package func framePlaces(at location: Int) -> [ElementPlace] {
    let place = locations[location]
    guard place.procedure >= 0 else { return [] }
    let procedure = procedures[place.procedure]
    var result: [ElementPlace] = []
    for register in procedure.live[place.node].sorted() {
      let cells = procedure.frameCells[register]
      let type = procedure.frame[register].type
      if case .set(let sort) = type, let count = cells.setCount {
        for member in 0..<count {
          let index = ElementPlace.Index(sort: sort, element: member, stride: 1)
          result.append(ElementPlace(cell: cells.offset + member, indices: [index], value: nil))
        }
      } else if let value = ElementValue(type) {
        result.append(ElementPlace(cell: cells.offset, indices: [], value: value))
      }
    }
    return result
  }

  /// For each thread: the cell of its location and the cells of its frame.
  package var threadPlaces: [(location: Int, frame: Range<Int>)] {
    let slots = frameSlotCount
    return threads.map { ($0.location, $0.frame..<$0.frame + slots) }
  }

  /// Whether a thread may come to the location again in the same call, any number of times.
  package func repeats(at location: Int) -> Bool {
    guard location > 0 else { return false }
    return procedures[locations[location].procedure].info[locations[location].node].repeats
  }

  /// How many places there are where a thread can stand; 0 is idle.
  package var locationCount: Int { locations.count }

  /// The threads of each role and part: only those do the same.
  package var interchangeableThreads: [Range<Int>] { scope.interchangeableThreads }

  /// The constant tables over sorts, with the value for each element.
  package var tables: [(name: String, key: SortID, value: ElementValue?, values: [Int])] {
    var result: [(name: String, key: SortID, value: ElementValue?, values: [Int])] = []
    for constant in spec.constants {
      guard let size = try? scope.size(of: constant.key),
        let span = try? scope.span(of: constant.value)
      else { continue }
      let sizes = scope.sizes(values: span.count)
      let values = (0..<size).map { constant.table($0, sizes) }
      result.append((constant.name, constant.key, ElementValue(constant.value), values))
    }
    return result
  }
}
