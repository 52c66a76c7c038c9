import SpecLanguage

/// A step of a procedure by its names, so that the same step of two specs can be told.
package struct StepPlace: Hashable, Sendable {
  package let action: String
  /// The calls that it stands in, the action first.
  package let path: [String]
  /// What the step does, as traces call it.
  package let label: String
  /// Which one it is of those with the same path and label.
  package let occurrence: Int
}

/// What a thread remembers at a place: a name, its type, and the cells that hold it.
package struct RememberedCells: Sendable {
  package let name: String
  package let type: ValueType
  package let cells: Range<Int>
}

extension Program {
  package func place(_ procedure: Int, _ node: Int) -> StepPlace {
    let info = procedures[procedure].info
    let same = info[..<node].filter { $0.path == info[node].path && $0.label == info[node].label }
    return StepPlace(
      action: procedures[procedure].action.name, path: info[node].path, label: info[node].label,
      occurrence: same.count)
  }

  package func sourceLocation(_ procedure: Int, _ node: Int) -> SourceLocation? {
    procedures[procedure].info[node].location
  }

  /// Where a thread stands at each value of its location cell; `nil` for idle.
  package var places: [StepPlace?] {
    locations.map { $0.procedure < 0 ? nil : place($0.procedure, $0.node) }
  }

  /// What a thread that stands at a location remembers.
  package func remembered(by thread: Int, at location: Int) -> [RememberedCells] {
    let standing = locations[location]
    guard standing.procedure >= 0 else { return [] }
    let procedure = procedures[standing.procedure]
    let base = threads[thread].frame
    return procedure.live[standing.node].sorted().map { register in
      let entry = procedure.frame[register]
      let own = procedure.frameCells[register]
      let start = base + own.offset
      let before = procedure.frame[..<register].filter { $0.name == entry.name }.count
      return RememberedCells(
        name: "\(entry.name)#\(before)", type: entry.type,
        cells: start..<start + (own.setCount ?? 1))
    }
  }
}
