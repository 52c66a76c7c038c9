import Catalogue
import Explorer
import SpecLanguage
import SpecProgram

@testable import Reductions

/// One way to leave parts of a search out.
struct Reduction: Hashable, CustomStringConvertible {
  var fusion = false
  var symmetry = false
  var por = false

  static let all = [false, true].flatMap { fusion in
    [false, true].flatMap { symmetry in
      [false, true].map { Reduction(fusion: fusion, symmetry: symmetry, por: $0) }
    }
  }

  var description: String { "fusion \(fusion), symmetry \(symmetry), por \(por)" }
}

/// What a reduced search found.
struct ReducedAnswer {
  let result: SearchResult
  /// For each property, whether it was decided by a state, and whether its premise was seen.
  let verdicts: [String]
  let traces: [Trace?]
}

/// Searches a spec with some reductions, or with deliberately broken ones.
struct ReducedSearch {
  let spec: SpecDescription
  var values: [String: Int] = [:]
  var scope: String?
  /// Replaces the movers that were found.
  var movers: ((GroundProgram, [Monitor]) -> Movers)?
  /// Replaces the group that was found.
  var group: ((Program, [ResolvedProperty]) -> SymmetryGroup)?
  var limits = SearchLimits()

  func program(_ reduction: Reduction) throws -> Program {
    try Program(
      spec, try ResolvedScope(spec, scope: scope, overrides: values),
      ProgramOptions(fuseReleases: reduction.fusion))
  }

  func run(_ reduction: Reduction) throws -> ReducedAnswer {
    let program = try program(reduction)
    // Lemmas get a search of their own, as in `check`.
    let properties = program.properties.filter { !$0.isScenario && !$0.property.isLemma }
    let monitors = MonitorPlan(properties).monitors
    let ground = try GroundProgram(program)
    let group = reduction.symmetry ? found(program, properties) : nil
    let layout = try group.map {
      try StateLayout(program, order: Canonicaliser.cellOrder($0, program))
    }
    let table = try GuardTable(ground, monitors: monitors, layout: layout)
    let canonicaliser = group.map { Canonicaliser($0, program, layout ?? table.layout) }
    var movers: Movers?
    if reduction.por {
      movers = self.movers?(ground, monitors) ?? Movers(ground, monitors: monitors)
    }
    guard canonicaliser != nil || movers != nil else { return try answer(table, properties) }
    return try answer(
      ReducedEngine(table, symmetry: canonicaliser, movers: movers), properties)
  }

  private func found(_ program: Program, _ properties: [ResolvedProperty]) -> SymmetryGroup {
    group?(program, properties) ?? SymmetryGroup(program, properties)
  }

  private func answer<E: Engine>(
    _ engine: E, _ properties: [ResolvedProperty]
  ) throws -> ReducedAnswer {
    let search = try Search(engine, properties, limits)
    let result = try search.run()
    let verdicts = zip(properties, result.findings).map { property, finding in
      let premise = property.hasPremise && finding.premiseSeen ? ", premise seen" : ""
      return "\(property.property.id) \(finding.state == nil ? "not " : "")reached\(premise)"
    }
    let traces = try result.findings.map { try $0.state.map { try search.trace(to: $0) } }
    return ReducedAnswer(result: result, verdicts: verdicts, traces: traces)
  }
}

extension Catalogue {
  static func spec(_ name: String) throws -> SpecDescription {
    guard let entry = entry(named: name) else { throw SpecError("TDX0000", "no spec \(name)") }
    return entry.describe()
  }
}
