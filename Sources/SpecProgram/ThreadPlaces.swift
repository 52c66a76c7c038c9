/// Places where a thread may stand, and where there it remembers what is asked about.
struct ThreadPlaces: Hashable, Sendable {
  /// How a thread agrees with an element.
  enum Match: Hashable, Sendable {
    /// It is the element.
    case itself
    /// The frame cell holds the element.
    case cell(Int)
    /// The frame cells from here on, so many, tell for each element whether it was taken.
    case member(Int, count: Int)
  }
  let locations: Set<Int>
  let matches: [Match]
}

extension Environment {
  /// Whether one of the threads stands at one of the places and agrees with the elements.
  mutating func stands(
    _ threads: Range<Int>, _ places: [ThreadPlaces], _ elements: [Term]
  ) throws(SpecError) -> Bool {
    var values: [Int] = []
    for element in elements { values.append(try value(of: element)) }
    return threads.contains { number in
      let thread = program.threads[number]
      return places.contains { place in
        place.locations.contains(state[thread.location])
          && zip(place.matches, values).allSatisfy { match, value in
            switch match {
            case .itself: number - threads.lowerBound == value
            case .cell(let offset): state[thread.frame + offset] == value
            case .member(let offset, _): state[thread.frame + offset + value] != 0
            }
          }
      }
    }
  }
}

extension SymbolicRun {
  /// The same as a formula.
  func stands(
    _ threads: Range<Int>, _ places: [ThreadPlaces], _ elements: [Term]
  ) -> Formula {
    let values = elements.map(value(of:))
    return .disjunction(
      threads.flatMap { number in
        places.map { place in
          let thread = program.threads[number]
          let here = Formula.disjunction(
            place.locations.sorted().map { cellIs(thread.location, $0) })
          let agrees = zip(place.matches, values).map { match, value -> Formula in
            switch match {
            case .itself:
              return comparer.compare(.equal, value, .const(number - threads.lowerBound))
            case .cell(let offset):
              let cell = thread.frame + offset
              return comparer.compare(.equal, current[cell] ?? .cell(cell), value)
            case .member(let offset, let count):
              return isMember(thread.frame + offset, count, value)
            }
          }
          return .conjunction([here] + agrees)
        }
      })
  }

  /// Of so many cells from `first` on, that of the value is set.
  private func isMember(_ first: Int, _ count: Int, _ value: Value) -> Formula {
    .disjunction(
      (0..<count).map { number in
        .conjunction([comparer.compare(.equal, value, .const(number)), cellIs(first + number, 1)])
      })
  }
}
