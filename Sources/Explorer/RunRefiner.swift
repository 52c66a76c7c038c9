import SpecLanguage
import SpecProgram

/// A run that decides a property, with what is known about it.
public struct RefinedRun: Sendable {
  public let trace: Trace
  public let quality: TraceQuality
}

/// Replaces the runs that a search found by the ones that are best for people: the shortest, of
/// those one with the fewest switches, of those one with the fewest elements, of those the first in
/// a fixed order.
///
/// Its own searches have budgets in states, so that the outcome is the same on every machine; what
/// a budget left open is said in the `TraceQuality`. Reductions of the search that found the runs
/// make no difference to the outcome.
public struct RunRefiner<Layered: Engine, Real: Engine> {
  private let layered: Layered
  private let real: Real
  private let properties: [ResolvedProperty]
  private let plan: MonitorPlan
  private let limits: RefinementLimits

  /// - Parameters:
  ///   - layered: an engine with the monitors of a `MonitorPlan` for the properties, whose states
  ///     may stand for others, but whose transitions are single steps.
  ///   - real: one with the same monitors and layout whose states stand for themselves.
  ///   - properties: those that the runs decide, in order.
  public init(
    layered: Layered, real: Real, _ properties: [ResolvedProperty],
    _ limits: RefinementLimits = RefinementLimits()
  ) {
    self.layered = layered
    self.real = real
    self.properties = properties
    plan = MonitorPlan(properties)
    self.limits = limits
  }

  /// - Parameters:
  ///   - traces: a run for each property.
  ///   - areShortest: whether they are known to be as short as can be.
  /// - Throws: `disagreement` when no run is found where there was one: a bug of the tool.
  public func refine(
    _ traces: [Trace], areShortest: Bool
  ) throws(SearchError) -> [RefinedRun] {
    do throws(any Error) {
      let layers = try RunLayers(
        layered, plan, maxStates: limits.states, maxBytes: limits.memory)
      try layers.grow(toDepth: traces.map(\.steps.count).max() ?? 0)
      return try traces.enumerated().map { number, trace in
        try refine(number, trace, areShortest, layers)
      }
    } catch let error as SearchError {
      throw error
    } catch {
      // Without memory for more, what was found stands.
      return traces.map { RefinedRun(trace: $0, quality: TraceQuality(isShortest: areShortest)) }
    }
  }

  private func refine(
    _ number: Int, _ trace: Trace, _ areShortest: Bool, _ layers: RunLayers<Layered>
  ) throws -> RefinedRun {
    let length = trace.steps.count
    let goal = layers.goals[number]?.depth
    // Threads that are stuck show when a layer is expanded.
    let seen = layers.depth - (number == plan.deadlock ? 1 : 0)
    if goal ?? .max > length, seen >= length {
      let id = properties[number].property.id
      throw SearchError.disagreement("the run of \(length) steps to \(id) is not found again")
    }
    if let states = try layers.onShortestRuns(to: number) {
      let best = BestRun(real, maxEntries: limits.ways)
      if let found = best.find(through: states, represent: layered.represent) {
        let quality = TraceQuality(
          isShortest: true, hasFewestSwitches: true, hasFewestElements: found.countsElements)
        return RefinedRun(trace: try replay(found.ordinals), quality: quality)
      }
    }
    let isShortest = areShortest || goal == length || (goal == nil && seen == length - 1)
    return try withFewSwitches(number, trace, isShortest, goal)
  }

  /// What can be said when there are too many states to see all shortest runs.
  private func withFewSwitches(
    _ number: Int, _ trace: Trace, _ isShortest: Bool, _ goal: Int?
  ) throws -> RefinedRun {
    let length = goal ?? trace.steps.count
    let few = FewSwitches(engine: real, plan: plan, maxStates: limits.switching, maxDepth: length)
    // A run that is too long has no say in how many switches are few.
    let most = length < trace.steps.count ? length : trace.switches
    var quality = TraceQuality(isShortest: isShortest)
    switch try few.find(number, below: most) {
    case .found(let ordinals):
      quality.isShortest = isShortest || goal == ordinals.count
      quality.hasFewestSwitches = true
      return RefinedRun(trace: try replay(ordinals), quality: quality)
    case .none:
      quality.hasFewestSwitches = length == trace.steps.count
    case .open: break
    }
    return RefinedRun(trace: trace, quality: quality)
  }

  private func replay(_ ordinals: [Int]) throws(SearchError) -> Trace {
    do throws(ReplayFailure) { return try real.replay(ordinals) } catch {
      throw .disagreement(error.text)
    }
  }
}

/// How much a refinement may do.
public struct RefinementLimits: Sendable {
  /// States that may be held in search of all shortest runs. Choosing among those runs may look at
  /// a quarter as many ways to reach states, and a search by switches at half as many states.
  public var states = 2_000_000
  /// Bytes that the first of these searches may hold.
  public var memory: Int?

  public init() {}

  var ways: Int { states / 4 }
  var switching: Int { states / 2 }
}
