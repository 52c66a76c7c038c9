import SpecLanguage
import SpecProgram

/// The conditions, on the state before a transition, under which it breaks a candidate.
///
/// There is no second state: what a rule writes is put in place of the cells. A candidate that
/// mentions nothing the rule writes is kept and needs no question.
final class StepQuestions {
  let encoder: Encoder
  let ground: GroundProgram
  let state: StateBits
  let candidates: [LemmaCandidate]
  private let comparer: Comparer
  private let cells: [CellInfo]
  /// For each cell and code, the clauses that the cell's having the code may break.
  private var sensitive: [[[Int32]]]
  /// For each cell, the clauses that may be broken whatever is written to it.
  private var mentions: [[Int32]]
  /// The clauses of all candidates; a claim counts as one.
  private var clauses: [(candidate: Int, clause: Int)] = []
  /// For each clause, the last call of `affected` that found it.
  private var stamps: [Int] = []
  private var stamp = 0
  private var atoms: [[Expression?]]

  var context: SolverContext { encoder.context }

  /// One way in which a rule breaks a candidate.
  struct Violation {
    let candidate: Int
    let condition: Expression
  }

  init(
    _ encoder: Encoder, _ candidates: [LemmaCandidate], tag: String = "s"
  ) throws(SolverError) {
    self.encoder = encoder
    ground = encoder.ground
    cells = ground.program.cells
    comparer = Comparer(cells: cells)
    state = try encoder.state(tag)
    self.candidates = candidates
    mentions = cells.map { _ in [] }
    sensitive = cells.map { [[Int32]](repeating: [], count: $0.count <= 4096 ? $0.count : 0) }
    atoms = cells.map { [Expression?](repeating: nil, count: $0.count <= 4096 ? $0.count : 0) }
    for (number, candidate) in candidates.enumerated() { index(number, candidate) }
    stamps = [Int](repeating: 0, count: clauses.count)
  }

  private func index(_ number: Int, _ candidate: LemmaCandidate) {
    switch candidate.body {
    case .clauses(let own):
      for (position, clause) in own.enumerated() {
        let id = Int32(clauses.count)
        clauses.append((number, position))
        for atom in clause.never { sensitive[atom.cell][atom.code].append(id) }
        for cell in Set(clause.unless.joined().map(\.cell)) { mentions[cell].append(id) }
      }
    case .claim(_, let formula):
      var read: Set<Int> = []
      formula.collectCells(&read)
      for cell in read { mentions[cell].append(Int32(clauses.count)) }
      clauses.append((number, 0))
    }
  }

  // MARK: The candidates themselves

  private func atom(_ atom: LemmaAtom) throws(SolverError) -> Expression {
    if let known = atoms[atom.cell][atom.code] { return known }
    let made = try encoder.cell(atom.cell, is: atom.code, state)
    atoms[atom.cell][atom.code] = made
    return made
  }

  private func all(_ parts: [LemmaAtom]) throws(SolverError) -> Expression {
    var result: [Expression] = []
    for part in parts { result.append(try atom(part)) }
    return try context.and(result)
  }

  /// The candidate, of the state before.
  func statement(_ candidate: LemmaCandidate) throws(SolverError) -> Expression {
    switch candidate.body {
    case .claim(_, let formula): return try encoder.formula(formula, state)
    case .clauses(let clauses):
      var parts: [Expression] = []
      for clause in clauses {
        var ways = [try context.not(try all(clause.never))]
        for way in clause.unless { ways.append(try all(way)) }
        parts.append(try context.or(ways))
      }
      return try context.and(parts)
    }
  }

  // MARK: Rules

  /// The condition under which the rule can be taken.
  func guardCondition(_ rule: GroundRule) throws(SolverError) -> Expression {
    try encoder.formula(rule.guardFormula, state)
  }

  /// How the rule may break candidates, each under a condition on the state before.
  func violations(
    by rule: GroundRule, _ isWanted: (Int) -> Bool
  ) throws(SolverError) -> [Violation] {
    let writes = Dictionary(rule.writes.map { ($0.cell, $0.value) }) { first, _ in first }
    let known = Self.memberships(rule.guardFormula)
    let codes = known.compactMapValues { $0.members.count == 1 ? $0.members.first : nil }
    var result: [Violation] = []
    for (candidate, clause) in affected(by: rule) where isWanted(candidate) {
      switch candidates[candidate].body {
      case .claim(_, let formula):
        let after = broken(formula, writes, codes)
        if after == .no { continue }
        let condition = try encoder.formula(after, state)
        result.append(Violation(candidate: candidate, condition: condition))
      case .clauses(let clauses):
        if let condition = try violation(clauses[clause], writes, known) {
          result.append(Violation(candidate: candidate, condition: condition))
        }
      }
    }
    return result
  }

  /// When the claim, which holds before the writes, does not hold after them.
  ///
  /// - Parameter known: the codes that cells have before.
  private func broken(
    _ claim: Formula, _ writes: [Int: Value], _ known: [Int: Int]
  ) -> Formula {
    let parts: [Formula] = if case .and(let parts) = claim { parts } else { [claim] }
    var before: [Int: Value] = [:]
    for (cell, code) in known { before[cell] = .const(code + cells[cell].low) }
    let after = writes.mapValues { $0.before(before, comparer) }
      .merging(before) { written, _ in written }
    return .disjunction(
      parts.map { part in
        let result = part.before(after, comparer)
        // A part that says the same as before is kept.
        return result == part.before(before, comparer) ? .no : result.negated
      })
  }

  /// The clauses that the rule's writes may break.
  func affected(by rule: GroundRule) -> [(candidate: Int, clause: Int)] {
    stamp += 1
    var result: [(candidate: Int, clause: Int)] = []
    func add(_ ids: [Int32]) {
      for id in ids where stamps[Int(id)] != stamp {
        stamps[Int(id)] = stamp
        result.append(clauses[Int(id)])
      }
    }
    for (cell, value) in rule.writes {
      add(mentions[cell])
      if case .const(let constant) = value {
        let code = constant - cells[cell].low
        if sensitive[cell].indices.contains(code) { add(sensitive[cell][code]) }
      } else {
        for ids in sensitive[cell] { add(ids) }
      }
    }
    return result
  }

  /// Which of the candidates a state after the rule breaks.
  func broken(by rule: GroundRule, in next: [Int]) -> Set<Int> {
    var result: Set<Int> = []
    for (candidate, clause) in affected(by: rule) where !result.contains(candidate) {
      switch candidates[candidate].body {
      case .claim(_, let formula):
        if !formula.holds(in: next, cells) { result.insert(candidate) }
      case .clauses(let clauses):
        if !clauses[clause].holds(in: next) { result.insert(candidate) }
      }
    }
    return result
  }

  /// The cells that decide whether the rule leads to the state, and breaks what is wanted there.
  func concerned(
    by rule: GroundRule, in next: [Int]?, _ isWanted: (Int) -> Bool
  ) -> Set<Int> {
    var result: Set<Int> = []
    rule.guardFormula.collectCells(&result)
    guard let next else { return result }
    for (candidate, clause) in affected(by: rule) where isWanted(candidate) {
      switch candidates[candidate].body {
      case .claim(_, let formula):
        if !formula.holds(in: next, cells) { formula.collectCells(&result) }
      case .clauses(let clauses):
        if !clauses[clause].holds(in: next) { result.formUnion(clauses[clause].cells) }
      }
    }
    return result
  }

  private static func memberships(_ formula: Formula) -> [Int: ValueSet] {
    switch formula {
    case .member(let cell, let set): return [cell: set]
    case .and(let parts):
      var result: [Int: ValueSet] = [:]
      for case .member(let cell, let set) in parts { result[cell] = set }
      return result
    default: return [:]
    }
  }

  /// - Returns: `nil` when the clause is kept whatever the state.
  private func violation(
    _ clause: LemmaClause, _ writes: [Int: Value], _ known: [Int: ValueSet]
  ) throws(SolverError) -> Expression? {
    guard var parts = try conditions(clause.never, writes, known) else { return nil }
    for way in clause.unless {
      guard let conditions = try conditions(way, writes, known) else { continue }
      if conditions.isEmpty { return nil }
      parts.append(try context.not(try context.and(conditions)))
    }
    return try context.and(parts)
  }

  /// What must hold before so that the atoms hold afterwards; `nil` when they cannot.
  private func conditions(
    _ atoms: [LemmaAtom], _ writes: [Int: Value], _ known: [Int: ValueSet]
  ) throws(SolverError) -> [Expression]? {
    var rest: [Expression] = []
    for part in atoms {
      switch writes[part.cell] {
      case nil:
        if let set = known[part.cell], !set.contains(part.code) { return nil }
        rest.append(try atom(part))
      case .const(let value):
        if value - cells[part.cell].low != part.code { return nil }
      case let value?:
        let same = comparer.compare(
          .equal, value, .const(part.code + cells[part.cell].low))
        if same == .no { return nil }
        if same != .yes { rest.append(try encoder.formula(same, state)) }
      }
    }
    return rest
  }
}
