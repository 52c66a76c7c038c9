import SpecLanguage
import SpecProgram

/// A run that refutes a `Refines`: a shortest one.
public struct RefinementRefutation: Sendable {
  /// Its last step is the one that the abstract spec does not allow.
  public let trace: Trace
  public let gap: RefinementGap
}

/// What is known of a `Refines`.
public struct RefinementFinding: Sendable {
  public internal(set) var refutation: RefinementRefutation?
  /// Why there is no answer, if there is none.
  public internal(set) var stopped: SearchEnd?
  /// How many abstract states are mapped to, and how many steps between them are taken.
  public internal(set) var abstractStates = 0
  public internal(set) var abstractSteps = 0
  /// Actions of the abstract spec that no step is.
  public internal(set) var neverTaken: [String] = []
}

/// Decides a `Refines` on the full graph: a search that looks at every transition.
///
/// The program must have been made without reductions. Of two states with the same names for
/// different elements only one would be mapped, and steps that are left out would not be looked at.
public final class RefinementSearch<E: Engine> {
  private let search: Search<E>
  private let map: RefinementMap
  private var steps: AbstractSteps
  private var finding = RefinementFinding()
  /// What the sources and the successors of a batch map to.
  private var sources: UnsafeMutablePointer<AbstractState>
  private var successors: UnsafeMutablePointer<AbstractState>
  /// The bits of an abstract state.
  private let active: UInt64

  /// - Parameter engine: with the monitors of the map, and no others.
  /// - Throws: `TDX2022` when the program fuses releases.
  public init(
    _ engine: E, _ map: RefinementMap, _ limits: SearchLimits = SearchLimits(),
    onProgress: ((SearchProgress) -> Void)? = nil
  ) throws(SearchError) {
    self.map = map
    steps = AbstractSteps(map)
    active = map.outside | (map.outside - 1)
    guard !engine.program.fusesReleases, !engine.isReduced else {
      throw .spec(
        SpecError(
          "TDX2022", "\(map.property.id) is about every step; it needs the full graph",
          at: map.property.location))
    }
    search = try Search(engine, [], limits, onProgress: onProgress)
    sources = .allocate(capacity: Search<E>.batch)
    successors = .allocate(capacity: Search<E>.batch * engine.maxSuccessors)
  }

  deinit {
    sources.deallocate()
    successors.deallocate()
  }

  /// Searches until a step is found that the abstract spec does not allow, or there is none.
  ///
  /// - Throws: `fault` with a run to a state that maps to nothing (`TDX3005`), `disagreement` when
  ///   the interpreter does not find what the search found.
  public func run() throws(SearchError) -> (result: SearchResult, finding: RefinementFinding) {
    guard try beginsWell() else { return (SearchResult(end: .decided, states: 1), finding) }
    search.onSteps = { batch throws(SearchError) in try self.see(batch) }
    defer { search.onSteps = nil }
    let result = try search.run()
    if result.end != .exhausted, finding.refutation == nil { finding.stopped = result.end }
    finding.abstractStates = steps.stateCount
    finding.abstractSteps = steps.stepCount
    finding.neverTaken = steps.neverTaken
    return (result, finding)
  }

  private func beginsWell() throws(SearchError) -> Bool {
    let trace = Trace(initial: search.program.initial, steps: [])
    let first: AbstractState
    do throws(SpecError) {
      first = try map.state(of: trace.initial)
    } catch {
      throw .fault(SearchFault(error: error, trace: trace))
    }
    if first != map.initial { finding.refutation = try confirmed(trace) }
    return first == map.initial
  }

  /// - Returns: false at a step that refutes the claim.
  private func see(_ batch: SearchSteps) throws(SearchError) -> Bool {
    do throws(EngineFault) {
      _ = try search.engine.observe(batch.sources, batch.count, active: active, into: sources)
      _ = try search.engine.observe(
        batch.successors, batch.total, active: active, into: successors)
    } catch {
      throw .spec(error.error)
    }
    var next = 0
    // The pair that was allowed last; most steps that change anything are like their neighbours.
    var (last, lastAfter) = (map.outside, map.outside)
    for index in 0..<batch.count {
      let before = sources[index]
      let first = next
      next += Int(batch.counts[index])
      for number in first..<next {
        let after = successors[number]
        if after == before || (before == last && after == lastAfter) { continue }
        let id = batch.firstID + index
        guard after & map.outside == 0 else { throw try outside(id, number - first) }
        guard try allows(before, after) else {
          finding.refutation = try confirmed(try search.trace(to: id, then: number - first))
          return false
        }
        (last, lastAfter) = (before, after)
      }
    }
    return true
  }

  private func allows(
    _ before: AbstractState, _ after: AbstractState
  ) throws(SearchError) -> Bool {
    do throws(SpecError) { return try steps.allows(before, after) } catch { throw .spec(error) }
  }

  /// The run to a state that maps to nothing.
  private func outside(_ id: Int, _ ordinal: Int) throws(SearchError) -> SearchError {
    let trace = try search.trace(to: id, then: ordinal)
    do throws(SpecError) {
      _ = try map.state(of: trace.last)
      return .disagreement("the interpreter maps a state that the engine cannot map")
    } catch {
      return .fault(SearchFault(error: error, trace: trace))
    }
  }

  private func confirmed(_ trace: Trace) throws(SearchError) -> RefinementRefutation {
    let answer: RefinementCheck.Answer
    do throws(SpecError) {
      answer = try RefinementCheck(search.program, map).answer(trace)
    } catch {
      throw .disagreement("the interpreter fails on a run that refutes a refinement: \(error)")
    }
    switch answer {
    case .refutes(let gap): return RefinementRefutation(trace: trace, gap: gap)
    case .wrong(let what):
      throw .disagreement("the interpreter does not refute a refinement: \(what)")
    }
  }
}

extension SearchResult {
  fileprivate init(end: SearchEnd, states: Int) {
    self.end = end
    self.states = states
  }
}
