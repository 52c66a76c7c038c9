import SpecProgram

/// Houdini by unit propagation alone: no solver, so that it can look at all proposals.
///
/// A proposal stays only when, for every rule, the guard, the other proposals and what would have
/// to hold for it to be broken lead to a contradiction by one proposal at a time, case by case
/// where a rule computes what it writes. That is sound and not complete: what is left is
/// inductive, what is dropped may be as well. Proposals with `unless` and claims are left to
/// `LemmaFilter`.
final class PlainFilter {
  private let ground: GroundProgram
  private let cells: [CellInfo]
  private(set) var alive: [Bool]
  /// For each candidate, those that it stands on; filled by `explain`.
  private(set) var supports: [Set<Int>]

  // An atom is a number: the codes of all cells one after the other.
  private let firstAtom: [Int]
  private var cellOfAtom: [Int32] = []
  /// The clauses' atoms one behind the other, and where each clause begins.
  private var atoms: [Int32] = []
  private var starts: [Int32] = [0]
  private var owners: [Int32] = []
  /// For each atom, the clauses that mention it.
  private var mentions: [[Int32]]
  private var units: [Int32] = []

  // What follows from the assumptions of one question.
  private var values: [Int32]
  private var excluded: [Bool]
  private var reasons: [Int32]
  private var left: [Int32]
  /// Cells that got a value, as they are; atoms that were excluded, as -1 - atom.
  private var trail: [Int32] = []
  private var queue: [Int32] = []
  private var isContradiction = false
  /// Clauses that lead to the contradiction.
  private var conflict: [Int32] = []
  private var isExplaining = false
  /// For each cell, what the rule at hand writes: an atom, `computed` or `untouched`.
  private var written: [Int32]
  private static let untouched: Int32 = -1
  private static let computed: Int32 = -2
  private var formulas: [Int: Value] = [:]
  private let comparer: Comparer
  /// When the rule at hand makes an atom true that it computes.
  private var computed: [Int32: Formula] = [:]

  init(_ ground: GroundProgram, _ candidates: [LemmaCandidate]) {
    self.ground = ground
    cells = ground.program.cells
    comparer = Comparer(cells: cells)
    let sizes = cells.map { $0.count <= 4096 ? $0.count : 0 }
    var first: [Int] = []
    for (cell, size) in sizes.enumerated() {
      first.append(cellOfAtom.count)
      cellOfAtom += [Int32](repeating: Int32(cell), count: size)
    }
    firstAtom = first
    mentions = cellOfAtom.map { _ in [] }
    values = sizes.map { _ in -1 }
    excluded = cellOfAtom.map { _ in false }
    reasons = cellOfAtom.map { _ in -1 }
    left = sizes.map(Int32.init)
    written = sizes.map { _ in Self.untouched }
    supports = candidates.map { _ in [] }
    alive = candidates.map { candidate in
      guard case .clauses(let clauses) = candidate.body else { return false }
      return clauses.allSatisfy { $0.unless.isEmpty && $0.holds(in: ground.program.initial) }
    }
    for (number, candidate) in candidates.enumerated() where alive[number] {
      guard case .clauses(let own) = candidate.body else { continue }
      for clause in own { add(clause, of: number) }
    }
  }

  private func add(_ clause: LemmaClause, of candidate: Int) {
    let id = Int32(owners.count)
    let own = Set(clause.never.map { Int32(firstAtom[$0.cell] + $0.code) })
    if own.count == 1 { units.append(id) }
    for atom in own { mentions[Int(atom)].append(id) }
    atoms += own
    starts.append(Int32(atoms.count))
    owners.append(Int32(candidate))
  }

  /// Drops what may be broken until nothing is.
  func run(_ checkTime: () throws(SolverError) -> Void) throws(SolverError) {
    var changed = true
    while changed {
      changed = false
      for rule in ground.rules where rule.fault == nil {
        try checkTime()
        if drop(rule) { changed = true }
      }
    }
  }

  /// The candidates, and all that they stand on; after `run`.
  func closure(
    of candidates: Set<Int>, _ checkTime: () throws(SolverError) -> Void
  ) throws(SolverError) -> Set<Int> {
    isExplaining = true
    for rule in ground.rules where rule.fault == nil {
      try checkTime()
      _ = drop(rule)
    }
    isExplaining = false
    var result = candidates
    var open = Array(candidates)
    while let next = open.popLast() {
      for support in supports[next] where result.insert(support).inserted { open.append(support) }
    }
    return result
  }

  // MARK: One rule

  /// Drops what the rule may break.
  private func drop(_ rule: GroundRule) -> Bool {
    undo(to: 0)
    for id in units where alive[Int(owners[Int(id)])] {
      exclude(atoms[Int(starts[Int(id)])], because: id)
    }
    assume(rule.guardFormula)
    propagate()
    if isContradiction && !isExplaining { return false }
    let mark = trail.count
    let why = (isContradiction, conflict)
    for (cell, value) in rule.writes {
      if case .const(let constant) = value, cellOfAtom.indices.contains(firstAtom[cell]) {
        written[cell] = Int32(firstAtom[cell] + constant - cells[cell].low)
      } else {
        written[cell] = Self.computed
      }
    }
    formulas = Dictionary(rule.writes.map { ($0.cell, $0.value) }) { first, _ in first }
    computed = [:]
    var changed = false
    for (cell, _) in rule.writes {
      let count = cells[cell].count <= 4096 ? cells[cell].count : 0
      for atom in firstAtom[cell]..<firstAtom[cell] + count
      where written[cell] == Self.computed || written[cell] == Int32(atom) {
        for id in mentions[atom] where alive[Int(owners[Int(id)])] {
          if isKept(id, mark, why) { continue }
          alive[Int(owners[Int(id)])] = false
          changed = true
        }
      }
    }
    for (cell, _) in rule.writes { written[cell] = Self.untouched }
    return changed
  }

  /// Whether it leads to a contradiction that the rule makes all atoms of the clause true.
  private func isKept(_ id: Int32, _ mark: Int, _ why: (Bool, [Int32])) -> Bool {
    let range = Int(starts[Int(id)])..<Int(starts[Int(id) + 1])
    var isExcluded = false
    for position in range {
      let atom = atoms[position]
      let cell = Int(cellOfAtom[Int(atom)])
      let value = written[cell]
      if value >= 0 && value != atom { return true }
      if value == Self.untouched
        && (excluded[Int(atom)] || values[cell] >= 0 && values[cell] != atom)
      {
        isExcluded = true
      }
    }
    if isExcluded && !isExplaining { return true }
    (isContradiction, conflict) = why
    var conditions: [Formula] = []
    if !isContradiction {
      for position in range {
        let atom = atoms[position]
        let cell = Int(cellOfAtom[Int(atom)])
        if written[cell] == Self.untouched {
          queue.append(atom)
        } else if written[cell] == Self.computed {
          conditions.append(condition(atom))
        }
      }
      propagate()
    }
    let result = isRefuted(conditions, Int(owners[Int(id)]))
    undo(to: mark)
    return result
  }

  private func condition(_ atom: Int32) -> Formula {
    if let known = computed[atom] { return known }
    let cell = Int(cellOfAtom[Int(atom)])
    guard let value = formulas[cell] else { return .yes }
    let code = Int(atom) - firstAtom[cell] + cells[cell].low
    let made = comparer.compare(.equal, value, .const(code))
    computed[atom] = made
    return made
  }

  /// Whether the conditions contradict what is assumed, case by case.
  private func isRefuted(_ conditions: [Formula], _ candidate: Int) -> Bool {
    var cases: [[Formula]] = []
    for condition in conditions {
      switch condition {
      case .or(let parts): cases.append(parts)
      case .and(let parts):
        for part in parts {
          if case .or(let inner) = part { cases.append(inner) } else { assume(part) }
        }
      default: assume(condition)
      }
    }
    propagate()
    if isContradiction {
      if isExplaining { explain(candidate) }
      return true
    }
    guard let first = cases.first, first.count <= 16 else { return false }
    let rest = cases.dropFirst().map { Formula.or($0) }
    let mark = trail.count
    for part in first {
      let result = isRefuted([part] + rest, candidate)
      undo(to: mark)
      if !result { return false }
    }
    return true
  }

  private func assume(_ formula: Formula) {
    switch formula {
    case .and(let parts): for part in parts { assume(part) }
    case .no: contradict([])
    case .member(let cell, let set):
      for code in 0..<set.count where !set.contains(code) && cells[cell].count <= 4096 {
        exclude(Int32(firstAtom[cell] + code), because: -1)
      }
    case .yes, .compare, .or: break
    }
  }

  // MARK: Propagation

  private func propagate() {
    while !isContradiction, let atom = queue.popLast() { assign(atom) }
    queue.removeAll(keepingCapacity: true)
  }

  private func contradict(_ clauses: [Int32]) {
    isContradiction = true
    conflict = clauses.filter { $0 >= 0 }
  }

  private func assign(_ atom: Int32) {
    let cell = Int(cellOfAtom[Int(atom)])
    let known = values[cell]
    if known == atom { return }
    if known >= 0 { return contradict(isExplaining ? causes(of: known) : []) }
    if excluded[Int(atom)] { return contradict([reasons[Int(atom)]]) }
    values[cell] = atom
    trail.append(Int32(cell))
    let list = mentions[Int(atom)]
    for id in list where alive[Int(owners[Int(id)])] {
      visit(id)
      if isContradiction { return }
    }
  }

  /// Looks whether all atoms of a clause but one are true.
  private func visit(_ id: Int32) {
    var open: Int32 = -1
    for position in Int(starts[Int(id)])..<Int(starts[Int(id) + 1]) {
      let atom = atoms[position]
      let value = values[Int(cellOfAtom[Int(atom)])]
      if value == atom { continue }
      if value >= 0 || excluded[Int(atom)] || open >= 0 { return }
      open = atom
    }
    if open >= 0 { exclude(open, because: id) } else { contradict([id]) }
  }

  private func exclude(_ atom: Int32, because id: Int32) {
    guard !isContradiction, !excluded[Int(atom)] else { return }
    excluded[Int(atom)] = true
    reasons[Int(atom)] = id
    trail.append(-1 - atom)
    let cell = Int(cellOfAtom[Int(atom)])
    left[cell] -= 1
    if values[cell] == atom {
      contradict((isExplaining ? causes(of: atom) : []) + [id])
    } else if left[cell] == 0 {
      contradict(isExplaining ? causes(of: -1, in: cell) : [])
    } else if left[cell] == 1, values[cell] < 0 {
      let codes = firstAtom[cell]..<firstAtom[cell] + cells[cell].count
      if let last = codes.first(where: { !excluded[$0] }) { queue.append(Int32(last)) }
    }
  }

  private func undo(to mark: Int) {
    while trail.count > mark, let change = trail.popLast() {
      if change >= 0 {
        values[Int(change)] = -1
      } else {
        let atom = Int(-1 - change)
        excluded[atom] = false
        reasons[atom] = -1
        left[Int(cellOfAtom[atom])] += 1
      }
    }
    queue.removeAll(keepingCapacity: true)
    isContradiction = false
    conflict = []
  }

  // MARK: Reasons

  /// The clauses that leave the atom's cell no other value.
  private func causes(of atom: Int32) -> [Int32] {
    causes(of: atom, in: Int(cellOfAtom[Int(atom)]))
  }

  private func causes(of atom: Int32, in cell: Int) -> [Int32] {
    (firstAtom[cell]..<firstAtom[cell] + cells[cell].count).filter { $0 != Int(atom) }
      .map { reasons[$0] }.filter { $0 >= 0 }
  }

  private func explain(_ candidate: Int) {
    var seen = Set(conflict)
    var open = conflict
    while let id = open.popLast() {
      supports[candidate].insert(Int(owners[Int(id)]))
      for position in Int(starts[Int(id)])..<Int(starts[Int(id) + 1]) {
        for cause in causes(of: atoms[position]) where seen.insert(cause).inserted {
          open.append(cause)
        }
      }
    }
  }
}
