import SpecLanguage
import SpecProgram

/// Proposes lemmas: combinations of literals that no reached state has.
///
/// A combination is proposed only when every one that looks the same, with other elements, was
/// not seen either. Proposals are not lemmas; `LemmaFilter` decides.
struct LemmaMiner {
  let table: LiteralTable
  private var rows: [[UInt64]]
  /// Literals of variables, and literals of threads, that hold in some state but not in all.
  private var shared: [Int] = []
  private var local: [Int] = []
  /// Pairs of literals that were never seen together.
  private var unseen: Set<Pair> = []
  private var known: Set<LemmaTemplate> = []
  private let elements: [[Element]]
  private(set) var templates: [LemmaTemplate] = []

  private struct Pair: Hashable {
    let a: Int
    let b: Int
    init(_ a: Int, _ b: Int) {
      self.a = min(a, b)
      self.b = max(a, b)
    }
  }

  init(_ table: LiteralTable, _ states: ReachedStates) {
    self.table = table
    rows = table.literals.map(states.row)
    elements = table.literals.map { literal in
      zip(table.vocabulary.shapes[literal.shape].sorts, literal.elements).map(Element.init)
    }
    for number in table.literals.indices {
      // What was never seen may be reachable all the same, and then the rest is about it, too.
      if rows[number].allSatisfy({ $0 == 0 }) { propose([number]) }
      if isShared(number) {
        shared.append(number)
      } else {
        local.append(number)
      }
    }
  }

  private func shape(_ number: Int) -> LemmaShape {
    table.vocabulary.shapes[table.literals[number].shape]
  }

  private func isShared(_ number: Int) -> Bool {
    if case .variable = shape(number).place { true } else { false }
  }

  // MARK: What was seen

  private func areSeen(_ literals: [Int]) -> Bool {
    let first = rows[literals[0]]
    for word in first.indices {
      var both = first[word]
      for other in literals.dropFirst() { both &= rows[other][word] }
      if both != 0 { return true }
    }
    return false
  }

  private mutating func propose(_ literals: [Int], unless: [Int] = []) {
    let template = table.template(literals, unless: unless)
    guard known.insert(template).inserted else { return }
    for instance in table.instances(of: template) where isSeen(instance) { return }
    templates.append(template)
  }

  private func isSeen(_ instance: LemmaInstance) -> Bool {
    guard !instance.unless.isEmpty else { return areSeen(instance.never) }
    for word in rows[0].indices {
      var bits = ~UInt64(0)
      for literal in instance.never { bits &= rows[literal][word] }
      for literal in instance.unless { bits &= ~rows[literal][word] }
      if bits != 0 { return true }
    }
    return false
  }
}

extension LemmaMiner {
  /// - Parameter checkTime: throws when there is none left.
  mutating func mine(_ checkTime: () throws(SolverError) -> Void) throws(SolverError) {
    try minePairs(checkTime)
    try mineTriples(checkTime)
    try mineWitnesses(checkTime)
  }

  /// Drops what more states refute.
  mutating func refute(_ states: ReachedStates) {
    rows = table.literals.map(states.row)
    templates = templates.filter { template in
      !table.instances(of: template).contains(where: isSeen)
    }
  }

  /// Pairs: of variables, of a thread's place and a variable, of two threads' places.
  private mutating func minePairs(
    _ checkTime: () throws(SolverError) -> Void
  ) throws(SolverError) {
    for (position, a) in shared.enumerated() {
      try checkTime()
      for b in shared[(position + 1)...] where !areSameCell(a, b) { pair(a, b) }
    }
    for a in local {
      try checkTime()
      for b in shared where !isCovered(a, b) { pair(a, b) }
    }
    let places = local.filter(isPlace)
    for a in places {
      try checkTime()
      for b in places
      where a < b && table.literals[a].atoms[0].cell != table.literals[b].atoms[0].cell {
        if !areSeen([a, b]), !areExclusive(a, b) { pair(a, b) }
      }
    }
    // What a thread remembers, given other things that it remembers.
    for (position, a) in local.enumerated() where !isPlace(a) {
      try checkTime()
      for b in local[(position + 1)...]
      where !isPlace(b) && table.literals[a].atoms[0] == table.literals[b].atoms[0] {
        if !areSameCell(a, b) { pair(a, b) }
      }
    }
  }

  /// Triples about one element of each sort: of variables, and of a thread and two variables.
  private mutating func mineTriples(
    _ checkTime: () throws(SolverError) -> Void
  ) throws(SolverError) {
    let bound = shared.filter(isAboutFewElements)
    for (i, a) in bound.enumerated() {
      try checkTime()
      for (j, b) in bound[(i + 1)...].enumerated() where agree(a, b) && isOpen(a, b) {
        for c in bound[(i + 1 + j + 1)...]
        where agree(a, c) && agree(b, c) && isOpen(a, c) && isOpen(b, c) {
          triple(a, b, c)
        }
      }
    }
    for place in local where isFirstThread(place) {
      try checkTime()
      for (i, a) in bound.enumerated() where isOpen(place, a) && agree(place, a) {
        for b in bound[(i + 1)...]
        where isOpen(place, b) && isOpen(a, b) && agree(a, b) && agree(place, b) {
          triple(place, a, b)
        }
      }
    }
  }

  private mutating func triple(_ a: Int, _ b: Int, _ c: Int) {
    if !areSeen([a, b, c]) { propose([a, b, c]) }
  }

  private mutating func pair(_ a: Int, _ b: Int) {
    guard !areSeen([a, b]) else { return }
    unseen.insert(Pair(a, b))
    propose([a, b])
  }

  /// Something about variables that only a thread at some places brings about.
  private mutating func mineWitnesses(
    _ checkTime: () throws(SolverError) -> Void
  ) throws(SolverError) {
    let bound = shared.filter(isAboutFewElements).filter { !isAboutThread($0) }
    for (i, a) in bound.enumerated() {
      try checkTime()
      witness([a])
      for b in bound[(i + 1)...] where agree(a, b) && isOpen(a, b) { witness([a, b]) }
    }
  }

  private mutating func witness(_ condition: [Int]) {
    var bits = rows[condition[0]]
    for other in condition.dropFirst() {
      for word in bits.indices { bits[word] &= rows[other][word] }
    }
    let elements = Set(condition.flatMap(elementsOf))
    var places: Set<Int> = []
    var causes: [Int] = []
    var left = bits
    for literal in local {
      guard elementsOf(literal).dropFirst().allSatisfy(elements.contains) else { continue }
      if !isPlace(literal), places.contains(placeOf(literal)) { continue }
      guard zip(rows[literal], bits).allSatisfy({ $0 & ~$1 == 0 }) else { continue }
      if isPlace(literal) { places.insert(placeOf(literal)) }
      causes.append(literal)
      for word in left.indices { left[word] &= ~rows[literal][word] }
    }
    if !causes.isEmpty, left.allSatisfy({ $0 == 0 }) { propose(condition, unless: causes) }
  }

  // MARK: Relations between literals

  private func isPlace(_ number: Int) -> Bool {
    if case .location = shape(number).place { true } else { false }
  }

  private func isFirstThread(_ number: Int) -> Bool { table.literals[number].elements[0] == 0 }

  /// The literal that only says where the thread stands.
  private func placeOf(_ number: Int) -> Int {
    guard case .frame(let location, _, _) = shape(number).place else { return number }
    let thread = table.literals[number].elements[0]
    let place = LemmaShape(
      place: .location(location), content: .code(0), sorts: [shape(number).sorts[0]])
    let key = LiteralTable.Key(shape: table.vocabulary.number(of: place), elements: [thread])
    return table.index[key] ?? number
  }

  private func areSameCell(_ a: Int, _ b: Int) -> Bool {
    table.literals[a].atoms.last?.cell == table.literals[b].atoms.last?.cell
  }

  private func elementsOf(_ number: Int) -> [Element] { elements[number] }

  private struct Element: Hashable {
    let sort: SortID
    let number: Int
  }

  private func isAboutThread(_ number: Int) -> Bool {
    shape(number).sorts.contains { sort in
      table.program.threadCells.contains { $0.role == sort }
    }
  }

  private func isAboutFewElements(_ number: Int) -> Bool {
    Set(shape(number).sorts).count == shape(number).sorts.count
  }

  /// Not about two elements of one sort.
  private func agree(_ a: Int, _ b: Int) -> Bool {
    for one in elementsOf(a) {
      for other in elementsOf(b) where one.sort == other.sort && one.number != other.number {
        return false
      }
    }
    return true
  }

  /// Neither excluded by a pair already, nor two values of one cell.
  private func isOpen(_ a: Int, _ b: Int) -> Bool {
    !areSameCell(a, b) && !unseen.contains(Pair(a, b)) && !isCovered(a, b)
  }

  /// The place alone excludes it already.
  private func isCovered(_ a: Int, _ b: Int) -> Bool {
    !isPlace(a) && unseen.contains(Pair(placeOf(a), b))
  }

  /// Two places need different values of one cell, which pairs say already.
  private func areExclusive(_ a: Int, _ b: Int) -> Bool {
    var left: [Int: Bool] = [:]
    for literal in shared {
      let cell = table.literals[literal].atoms[0].cell
      let isOpen =
        !unseen.contains(Pair(a, literal)) && !unseen.contains(Pair(b, literal))
      left[cell] = (left[cell] ?? false) || isOpen
    }
    return left.values.contains(false)
  }
}
