import SpecLanguage
import SpecProgram

/// What a lemma says of one choice of elements: the atoms of `never` do not hold together, unless
/// all atoms of one of `unless` do.
struct LemmaClause {
  let never: [LemmaAtom]
  let unless: [[LemmaAtom]]

  func holds(in state: [Int]) -> Bool {
    func agrees(_ atom: LemmaAtom) -> Bool { state[atom.cell] == atom.code }
    return !never.allSatisfy(agrees) || unless.contains { $0.allSatisfy(agrees) }
  }

  var cells: [Int] { (never + unless.joined()).map(\.cell) }
}

/// Something that may turn out to be inductive together with others.
struct LemmaCandidate {
  enum Body {
    case clauses([LemmaClause])
    case claim(ResolvedProperty, Formula)
  }

  let body: Body
  /// The template it is made from; `nil` for a claim and what locks imply.
  let template: LemmaTemplate?

  init(_ template: LemmaTemplate, at table: LiteralTable) {
    self.template = template
    body = .clauses(
      table.instances(of: template).map { instance in
        LemmaClause(
          never: instance.never.flatMap { table.literals[$0].atoms },
          unless: instance.unless.map { table.literals[$0].atoms })
      })
  }

  init(_ property: ResolvedProperty, _ ground: GroundProgram) {
    template = nil
    body = .claim(property, ground.formula(of: property))
  }

  init(_ fact: StepFact) {
    template = nil
    body = .clauses(
      fact.clauses.map { codes in
        LemmaClause(
          never: codes.map { LemmaAtom(cell: $0.cell, code: $0.code) }, unless: [])
      })
  }

  var claim: ResolvedProperty? {
    if case .claim(let property, _) = body { property } else { nil }
  }

  /// The first clause that does not allow the state; claims have none.
  func clause(against state: [Int]) -> LemmaClause? {
    guard case .clauses(let clauses) = body else { return nil }
    return clauses.first { !$0.holds(in: state) }
  }

  func holds(in state: [Int], _ cells: [CellInfo]) -> Bool {
    switch body {
    case .clauses(let clauses): clauses.allSatisfy { $0.holds(in: state) }
    case .claim(_, let formula): formula.holds(in: state, cells)
    }
  }
}
