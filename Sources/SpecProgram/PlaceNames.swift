import SpecLanguage

/// Finds places by the names of actions and steps.
struct PlaceNames: Sendable {
  struct Procedure: Sendable {
    let info: [NodeInfo]
    let successors: [[Int]]
    let frame: [FrameEntry]
    let frameCells: [(offset: Int, setCount: Int?)]
    let live: [Set<Int>]
    let role: SortID?
  }
  let locations: [(procedure: Int, node: Int)]
  /// Whether a name that nothing has is a place that a mutation took away.
  let mayBeGone: Bool
  let procedures: [Procedure]

  /// The locations that the words mean.
  ///
  /// - Throws: `TDX1005` when there are none and no mutation took something away.
  func locations(_ standing: Standing) throws(SpecError) -> Set<Int> {
    switch standing {
    case .inside(let name): return try known(find { $0.isInside(name) }, name)
    case .calling(let name): return try known(find { $0.path.contains(name) }, name)
    case .at(let name): return try known(find { $0.label == name }, name)
    case .between(let first, let last):
      _ = try known(find { $0.label == first }, first)
      _ = try known(find { $0.label == last }, last)
      let nodes = procedures.map { $0.between(first, last) }
      let found = locations.indices.filter { number in
        let place = locations[number]
        return place.procedure >= 0 && nodes[place.procedure].contains(place.node)
      }
      return try known(Set(found), "\(last)' after '\(first)")
    }
  }

  private func find(_ predicate: (NodeInfo) -> Bool) -> Set<Int> {
    var found: Set<Int> = []
    for (number, place) in locations.enumerated() where place.procedure >= 0 {
      if predicate(procedures[place.procedure].info[place.node]) { found.insert(number) }
    }
    return found
  }

  private func known(_ found: Set<Int>, _ name: String) throws(SpecError) -> Set<Int> {
    if !found.isEmpty || mayBeGone { return found }
    throw SpecError(
      "TDX1005", "no procedure has an action or step called '\(name)'",
      suggestion: "names in inside(…) and at(…) are those of Action(…) and Step(…)")
  }

  /// Where a thread at the location agrees with the details; `nil` when it has forgotten one.
  ///
  /// - Throws: `TDX1012` when it remembers several that the detail may mean.
  func matches(
    _ details: [ThreadDetail], at location: Int
  ) throws(SpecError) -> [ThreadPlaces.Match]? {
    let place = locations[location]
    let procedure = procedures[place.procedure]
    var result: [ThreadPlaces.Match] = []
    for detail in details {
      if detail.kind == .has && detail.sort == procedure.role {
        result.append(.itself)
        continue
      }
      let found = procedure.live[place.node].sorted().filter {
        procedure.frame[$0].answers(detail)
      }
      guard found.count <= 1 else {
        throw SpecError(
          "TDX1012",
          "at “\(procedure.info[place.node].label)” a thread remembers several "
            + detail.things,
          suggestion: "name a place where it remembers one")
      }
      guard let register = found.first else { return nil }
      let cells = procedure.frameCells[register]
      result.append(
        cells.setCount.map { .member(cells.offset, count: $0) } ?? .cell(cells.offset))
    }
    return result
  }
}

extension ThreadDetail {
  /// What a thread has to remember.
  fileprivate var things: String {
    switch kind {
    case .named(let name, _), .memberOf(let name): "values called '\(name)'"
    case .answered: "answers"
    case .has, .taken, .member: sort.map { "elements of \($0.name)" } ?? "answers"
    }
  }
}

extension FrameEntry {
  /// Whether it is what the detail asks for.
  fileprivate func answers(_ detail: ThreadDetail) -> Bool {
    switch detail.kind {
    case .has: return detail.sort.map { type == .element($0) } ?? false
    case .answered: return type == .outcome
    case .taken: return isSetOfLoop && detail.sort.map { type == .set($0) } ?? false
    case .member: return isSet(of: detail.sort)
    case .memberOf(let name): return self.name == name && isSet(of: detail.sort)
    case .named(let name, let type): return self.name == name && self.type == type
    }
  }

  /// Whether it is a set of the sort that the author gave a name to.
  private func isSet(of sort: SortID?) -> Bool {
    !isSetOfLoop && sort.map { type == .set($0) } ?? false
  }

  /// What a loop has taken is a local without a name of the author's: its number is negative.
  private var isSetOfLoop: Bool {
    guard case .local(let local) = source else { return false }
    return local.raw < 0
  }
}

extension PlaceNames.Procedure {
  /// The nodes on a way from the first step to the last that passes neither in between.
  fileprivate func between(_ first: String, _ last: String) -> Set<Int> {
    let ends = Set(info.indices.filter { info[$0].label == last })
    let starts = Set(info.indices.filter { info[$0].label == first })
    var forward: Set<Int> = []
    var open = starts.flatMap { successors[$0] }
    while let node = open.popLast() {
      guard forward.insert(node).inserted, !ends.contains(node) else { continue }
      if !starts.contains(node) { open += successors[node] }
    }
    var backward = forward.intersection(ends)
    var isNew = true
    while isNew {
      isNew = false
      for node in forward where !backward.contains(node) && !starts.contains(node) {
        if successors[node].contains(where: backward.contains) {
          backward.insert(node)
          isNew = true
        }
      }
    }
    return backward
  }
}

extension Resolver {
  mutating func standing(
    _ place: Standing, _ details: [ThreadDetail]
  ) throws(SpecError) -> Term {
    let locations = try places.locations(place)
    guard !details.isEmpty, !locations.isEmpty else { return .threadAt(locations) }
    var groups: [[ThreadPlaces.Match]: Set<Int>] = [:]
    for location in locations.sorted() {
      guard let matches = try places.matches(details, at: location) else { continue }
      groups[matches, default: []].insert(location)
    }
    guard !groups.isEmpty else {
      // What a mutation took away may have been all that needed the element.
      if places.mayBeGone { return .threadAt([]) }
      let sorts = details.map(\.things).joined(separator: " and ")
      throw SpecError(
        "TDX1013", "no thread that stands there remembers \(sorts): \(place)",
        suggestion: "a thread forgets what no later step of its call needs")
    }
    let found = groups.map { ThreadPlaces(locations: $0.value, matches: $0.key) }
      .sorted { ($0.locations.min() ?? 0) < ($1.locations.min() ?? 0) }
    var elements: [Term] = []
    for detail in details { elements.append(try resolve(detail.element)) }
    // A thread's number within its role is what an element of the role's sort has.
    let own = details.first { detail in
      scope.roles.contains { $0.role == detail.sort }
    }
    let threads = own.flatMap { own in scope.roles.first { $0.role == own.sort }?.threads }
    return .standing(threads ?? 0..<scope.threadCount, found, elements)
  }
}
