import Explorer
import Reductions
import SpecProgram
import Verdicts

/// Makes the runs that a search found the best ones for people.
struct CounterexampleRunner {
  let program: Program
  let options: SearchOptions
  let applied: AppliedReductions

  /// - Parameter traces: for each property, a run that decides it.
  func refine(
    _ properties: [ResolvedProperty], _ traces: [Trace]
  ) throws -> [RefinedRun] {
    if properties.isEmpty { return [] }
    let monitors = MonitorPlan(properties).monitors
    guard let ground = try ground else {
      let tree = try TreeEngine(program, monitors: monitors)
      return try refine(tree, tree, properties, traces)
    }
    // Whether it paid for the search took a clock to find out; here nothing may depend on one.
    let group =
      options.reduce.wants(.symmetry, for: program.spec.name)
      ? SymmetryGroup(program, properties) : nil
    guard let group, !group.isTrivial else {
      let table = try GuardTable(ground, monitors: monitors)
      return try refine(table, table, properties, traces)
    }
    let layout = try StateLayout(program, order: Canonicaliser.cellOrder(group, program))
    let table = try GuardTable(ground, monitors: monitors, layout: layout)
    // Symmetry keeps the lengths of runs; movers do not.
    let layered = ReducedEngine(
      table, symmetry: Canonicaliser(group, program, layout), movers: nil)
    return try refine(layered, table, properties, traces)
  }

  /// The rules; without them the interpreter has to do.
  private var ground: GroundProgram? {
    get throws {
      options.engine == .table ? try GroundProgram(program) : try? GroundProgram(program)
    }
  }

  private func refine<Layered: Engine, Real: Engine>(
    _ layered: Layered, _ real: Real, _ properties: [ResolvedProperty], _ traces: [Trace]
  ) throws -> [RefinedRun] {
    var limits = RefinementLimits()
    limits.memory = options.maxMemory?.bytes
    let refiner = RunRefiner(layered: layered, real: real, properties, limits)
    // Movers are passed through, and their order is not the shortest run's.
    return try refiner.refine(traces, areShortest: !applied.names.contains("por"))
  }
}
