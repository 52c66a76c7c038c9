import Explorer
import Reductions
import SpecLanguage
import SpecProgram

/// Something to do with an engine, whatever its type.
protocol EngineUser {
  associatedtype Answer
  func use<E: Engine>(_ engine: E, _ applied: AppliedReductions) throws -> Answer
}

/// The reductions in force, and what there is to say about them.
struct AppliedReductions {
  var names: [String] = []
  /// Such as `symmetry: VCPU 6, Page 24`, or why one was left out.
  var remarks: [String] = []
}

/// Builds the engine that the options ask for and hands it on.
struct SearchEngine {
  let program: Program
  /// Those that are searched for.
  let properties: [ResolvedProperty]
  let monitors: [Monitor]
  let options: SearchOptions

  func use<User: EngineUser>(_ user: User) throws -> User.Answer {
    var applied = AppliedReductions()
    let name = program.spec.name
    if options.reduce.wants(.fusion, for: name) { applied.names.append("fusion") }
    var group = try wantedGroup(&applied)
    switch options.engine {
    case .tree:
      let engine = try TreeEngine(program, monitors: monitors)
      let movers = try movers(try? GroundProgram(program), &applied)
      return try reduce(engine, group, movers, applied, user)
    case .table:
      let ground = try GroundProgram(program)
      let movers = try movers(ground, &applied)
      if options.reduce == .auto, let wanted = group {
        let trial = SymmetryTrial(ground: ground, movers: movers)
        if let reason = try trial.answer(about: wanted) {
          applied.names.removeAll { $0 == "symmetry" }
          applied.remarks.append("no symmetry: \(reason)")
          group = nil
        }
      }
      let layout = try group.map {
        try StateLayout(program, order: Canonicaliser.cellOrder($0, program))
      }
      let engine = try GuardTable(ground, monitors: monitors, layout: layout)
      return try reduce(engine, group, movers, applied, user)
    }
  }

  private func reduce<E: Engine, User: EngineUser>(
    _ engine: E, _ group: SymmetryGroup?, _ movers: Movers?, _ applied: AppliedReductions,
    _ user: User
  ) throws -> User.Answer {
    guard group != nil || movers != nil else { return try user.use(engine, applied) }
    let canonicaliser = group.map { Canonicaliser($0, program, engine.layout) }
    var applied = applied
    if let group = canonicaliser?.group { applied.remarks.append("symmetry: \(group.text)") }
    let reduced = ReducedEngine(engine, symmetry: canonicaliser, movers: movers)
    return try user.use(reduced, applied)
  }

  /// The symmetry asked for; `nil` when there is none.
  private func wantedGroup(_ applied: inout AppliedReductions) throws -> SymmetryGroup? {
    guard options.reduce.wants(.symmetry, for: program.spec.name) else { return nil }
    let group = SymmetryGroup(program, properties)
    for (sort, reason) in group.excluded {
      applied.remarks.append("no symmetry of \(sort.name): \(reason)")
    }
    if group.isTrivial { return nil }
    applied.names.append("symmetry")
    return group
  }

  private func movers(
    _ ground: GroundProgram?, _ applied: inout AppliedReductions
  ) throws -> Movers? {
    guard options.reduce.wants(.por, for: program.spec.name), let ground, program.hasThreads
    else { return nil }
    let movers = Movers(ground, monitors: monitors)
    if movers.isTrivial { return nil }
    applied.names.append("por")
    applied.remarks.append("por: \(movers.count) places where a step commutes with all others")
    return movers
  }
}

/// Finds out by a short search whether symmetry costs more than it saves.
///
/// Counts decide, not clocks, so that the same command always makes the same choice.
struct SymmetryTrial {
  let ground: GroundProgram
  let movers: Movers?

  /// Searches smaller than this are over before a trial would be.
  private static var states: Int { 50_000 }
  /// What trying a permutation costs, compared with taking a transition (measured: 15 to 25 ns
  /// against 25 to 40).
  fileprivate static var permutationCost: Double { 0.7 }

  private struct Figures {
    let result: SearchResult
    let permutations: Int
    var cost: Double {
      Double(result.transitions) + Double(permutations) * SymmetryTrial.permutationCost
    }
  }

  /// Why a search without symmetry is better; `nil` when it is not, and when the spec is not well
  /// defined: the search itself tells where.
  func answer(about group: SymmetryGroup) throws -> String? {
    do {
      return try reasonAgainst(group)
    } catch is SearchError {
      return nil
    }
  }

  private func reasonAgainst(_ group: SymmetryGroup) throws -> String? {
    let program = ground.program
    let layout = try StateLayout(program, order: Canonicaliser.cellOrder(group, program))
    var limits = SearchLimits()
    limits.maxStates = Self.states
    let first = try search(group, layout, limits).result
    guard first.end != .exhausted, first.diameter > 1 else { return nil }
    let depth = first.diameter - 1
    limits.maxStates = nil
    limits.maxDepth = depth
    let with = try search(group, layout, limits)
    // Twice the states is worth any of these costs.
    limits.maxStates = 2 * with.result.states
    let without = try search(nil, nil, limits)
    guard without.result.end == .limit("depth \(depth)"), without.cost < with.cost
    else { return nil }
    return """
      to depth \(depth) it leaves \(with.result.states) of \(without.result.states) states, for \
      \(with.permutations) permutations
      """
  }

  private func search(
    _ group: SymmetryGroup?, _ layout: StateLayout?, _ limits: SearchLimits
  ) throws -> Figures {
    let table = try GuardTable(ground, monitors: [], layout: layout)
    let canonicaliser = group.map { Canonicaliser($0, ground.program, table.layout) }
    let engine = ReducedEngine(table, symmetry: canonicaliser, movers: movers)
    let result = try Search(engine, [], limits).run()
    return Figures(result: result, permutations: canonicaliser?.tried ?? 0)
  }
}
