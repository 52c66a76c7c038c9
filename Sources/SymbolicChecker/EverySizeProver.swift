import SpecLanguage
import SpecProgram

/// Claims for every number of elements of every sort, by 1-induction over uninterpreted sorts.
public final class EverySizeProver {
  private let encoder: RelationalEncoder
  private let context: SolverContext
  private let program: Program
  private let milliseconds: UInt32

  /// - Parameter seconds: wall time for a single query.
  public init(_ program: Program, seconds: Double) throws {
    context = try SolverContext()
    encoder = RelationalEncoder(context, program)
    self.program = program
    milliseconds = UInt32(min(max(seconds, 0.001) * 1000, 4_000_000))
  }

  public var interrupt: @Sendable () -> Void {
    let interrupt = SolverInterrupt(context)
    return { interrupt() }
  }

  /// What keeps the spec from being claimed for every size, each with its place; empty when
  /// nothing does.
  public func obstacles(_ properties: [ResolvedProperty]) -> [SizeObstacle] {
    var found: [SizeObstacle] = []
    func look(_ place: SourceLocation?, _ body: () throws -> Void) {
      do {
        try body()
      } catch RelationalError.obstacle(let obstacle) {
        let placed = SizeObstacle(what: obstacle.what, location: obstacle.location ?? place)
        if !found.contains(placed) { found.append(placed) }
      } catch {
        found.append(SizeObstacle(what: "\(error)", location: place))
      }
    }
    look(nil) { _ = try encoder.initial("i") }
    for action in program.spec.actions {
      look(action.location) { _ = try encoder.step(action, "s", "t") }
    }
    for property in properties {
      look(property.property.location) {
        _ = try encoder.formula(property.property.condition, RelationalScope(tag: "s"))
      }
    }
    return found
  }

  /// The largest set of the properties that is inductive for every size.
  ///
  /// - Returns: the properties proved, and why each of the others was dropped.
  public func prove(
    _ properties: [ResolvedProperty]
  ) throws -> (proved: [ResolvedProperty], dropped: [(ResolvedProperty, String)]) {
    let (proved, dropped) = try split(properties)
    return (proved, dropped.map { ($0.property, $0.reason) })
  }

  /// A property that is not proved, and whether that is known or the solver gave up.
  struct Dropped {
    let property: ResolvedProperty
    let reason: String
    let isSure: Bool
  }

  func split(
    _ properties: [ResolvedProperty]
  ) throws -> (proved: [ResolvedProperty], dropped: [Dropped]) {
    var dropped: [Dropped] = []
    func drop(_ property: ResolvedProperty, _ reason: String, isSure: Bool) {
      dropped.append(Dropped(property: property, reason: reason, isSure: isSure))
    }
    var kept: [ResolvedProperty] = []
    for property in properties {
      let first = try solver()
      try first.assert(try encoder.wellFormed("i"))
      try first.assert(try encoder.initial("i"))
      try first.assert(try context.not(try claim(property, "i")))
      switch try first.check() {
      case .unsatisfiable: kept.append(property)
      case .satisfiable: drop(property, "it does not hold initially", isSure: true)
      case .unknown(let reason): drop(property, "initially: \(reason)", isSure: false)
      }
    }
    var changed = true
    while changed {
      changed = false
      for property in kept {
        guard let (reason, isSure) = try brokenStep(property, kept) else { continue }
        kept.removeAll { $0.property.id == property.property.id }
        drop(property, reason, isSure: isSure)
        changed = true
      }
    }
    return (kept, dropped)
  }

  private func solver() throws(SolverError) -> Solver {
    try Solver(context, logic: nil, SolverLimits(milliseconds: milliseconds))
  }

  private func claim(_ property: ResolvedProperty, _ tag: String) throws -> Expression {
    try encoder.formula(property.property.condition, RelationalScope(tag: tag))
  }

  /// The first action that may break a property when all the claims held before it.
  private func brokenStep(
    _ property: ResolvedProperty, _ claims: [ResolvedProperty]
  ) throws -> (reason: String, isSure: Bool)? {
    for action in program.spec.actions {
      let step = try solver()
      try step.assert(try encoder.wellFormed("s"))
      for claim in claims { try step.assert(try self.claim(claim, "s")) }
      try step.assert(try encoder.step(action, "s", "t"))
      try step.assert(try context.not(try claim(property, "t")))
      switch try step.check() {
      case .unsatisfiable: continue
      case .satisfiable: return ("\(action.name) can break it for some size", true)
      case .unknown(let reason): return ("\(action.name): \(reason)", false)
      }
    }
    return nil
  }
}
