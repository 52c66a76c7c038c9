import SpecLanguage

/// What a cell of the state stands for, taken apart.
package enum CellMeaning: Sendable {
  /// A place of a variable: its indices, and the member when the variable holds sets.
  case variable(VariableDeclaration, indices: [Int], member: Int?)
  case location(thread: Int)
  case frame(thread: Int)
}

/// One thing that a thread remembers while it stands somewhere.
package struct Remembered: Hashable, Sendable {
  /// The number by which the procedure knows it.
  package let register: Int
  package let name: String
  package let type: ValueType
  /// Its first cell, counted from the thread's first frame cell.
  package let offset: Int
  /// How many cells it takes when it is a set.
  package let setCount: Int?
  /// How many values one cell of it takes.
  package let count: Int
}

extension Program {
  package func meaning(of cell: Int) -> CellMeaning {
    switch cells[cell].role {
    case .location(let thread): return .location(thread: thread)
    case .frame(let thread, _): return .frame(thread: thread)
    case .variable(let id):
      guard let layout = variables[id],
        let declaration = spec.variables.first(where: { $0.declaration.id == id })?.declaration
      else { return .frame(thread: -1) }
      let offset = cell - layout.base
      let indices = layout.indices.map { offset / $0.stride % $0.count }
      return .variable(declaration, indices: indices, member: layout.setCount.map { offset % $0 })
    }
  }

  /// What a thread at the location still needs.
  package func remembered(at location: Int) -> [Remembered] {
    guard location > 0 else { return [] }
    let procedure = procedures[locations[location].procedure]
    return procedure.live[locations[location].node].sorted().map { register in
      let place = procedure.frameCells[register]
      return Remembered(
        register: register, name: procedure.frame[register].name,
        type: procedure.frame[register].type, offset: place.offset, setCount: place.setCount,
        count: place.setCount == nil ? procedure.frameSpans[register] : 2)
    }
  }

  /// The role of the procedure that stops at the location; `nil` for idle.
  package func role(at location: Int) -> SortID? {
    location == 0 ? nil : procedures[locations[location].procedure].action.role
  }

  /// For each thread: its role, its number among those of the role, and its cells.
  package var threadCells: [(role: SortID, number: Int, location: Int, frame: Int)] {
    threads.enumerated().map { thread, layout in
      let first = scope.roles.first { $0.role == layout.role }?.threads.lowerBound ?? 0
      return (layout.role, thread - first, layout.location, layout.frame)
    }
  }

  /// `KVM_RUN: TD exit`: the step that a thread at the location is about to take.
  package func placeText(_ location: Int) -> String {
    guard location > 0 else { return "idle" }
    let place = locations[location]
    let info = procedures[place.procedure].info[place.node]
    return "\(info.path.joined(separator: " / ")), before “\(info.label)”"
  }

  /// The tables that give elements of a sort elements of a sort.
  package var elementTables: [(name: String, key: SortID, value: SortID, values: [Int])] {
    spec.constants.compactMap { constant in
      guard case .element(let sort) = constant.value, let keys = try? scope.size(of: constant.key),
        let size = try? scope.size(of: sort)
      else { return nil }
      let sizes = scope.sizes(values: size)
      return (constant.name, constant.key, sort, (0..<keys).map { constant.table($0, sizes) })
    }
  }

  /// The same spec with at most `most` elements of each sort; `self` when there are no more.
  ///
  /// Where threads can stand is the same in both.
  package func reduced(to most: Int) throws(SpecError) -> Program {
    var overrides: [String: Int] = [:]
    var isSmaller = false
    for (name, value) in scope.parameters {
      overrides[name] = value
      guard let parameter = spec.parameters.first(where: { $0.name == name }),
        parameter.sizeOf != nil
      else { continue }
      let size = max(parameter.range.lowerBound, min(value, most))
      overrides[name] = size
      isSmaller = isSmaller || size < value
    }
    return isSmaller ? try Program(spec, ResolvedScope(spec, overrides: overrides)) : self
  }
}
