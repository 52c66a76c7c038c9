import CExplorerShims
import SpecLanguage
import SpecProgram

/// The monitors that a `LivenessSearch` needs its engine to have: two for each claim.
public struct LivenessPlan: Sendable {
  let claims: [(property: Int, claim: LeadsToInstance)]
  public let monitors: [Monitor]

  /// - Parameter properties: each a `LeadsTo`.
  public init(_ properties: [ResolvedProperty]) {
    claims = properties.enumerated().flatMap { index, property in
      property.leadsTo.map { (index, $0) }
    }
    monitors = claims.flatMap { [$0.claim.premiseMonitor, $0.claim.conclusionMonitor] }
  }
}

/// A lasso that refutes a `LeadsTo`.
public struct LivenessRefutation: Sendable {
  /// For a claim made for every element of a sort: the element.
  public let element: String?
  /// The stem and the loop.
  public let trace: Trace
  /// Why the loop is fair, one sentence for each assumption that it has to do with.
  public let fairness: [String]
}

/// What is known of one `LeadsTo`.
public struct LivenessFinding: Sendable {
  public internal(set) var refutation: LivenessRefutation?
  /// Whether the premise ever holds.
  public internal(set) var premiseSeen = false
  /// Why there is no answer, if there is none.
  public internal(set) var stopped: SearchEnd?
  /// States on loops that refute the claim.
  public internal(set) var states = 0
}

/// Decides `LeadsTo` properties on the full graph: an exhaustive search, then for each claim a
/// search for fair loops (`FairSearch`).
///
/// The program must have been made without reductions: fusing a release with the step before it
/// can take away moments at which a lock is held, and with them the excuse of a weakly fair waiter.
public final class LivenessSearch<E: Engine> {
  private let search: Search<E>
  private let plan: LivenessPlan
  private let limits: SearchLimits
  private let onProgress: ((SearchProgress) -> Void)?
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastProgress: ContinuousClock.Instant
  private var result = SearchResult()

  /// - Parameter engine: with the monitors of the plan, and no others.
  /// - Throws: `TDX2021` when the program fuses releases.
  public init(
    _ engine: E, _ plan: LivenessPlan, _ limits: SearchLimits = SearchLimits(),
    onProgress: ((SearchProgress) -> Void)? = nil
  ) throws(SearchError) {
    self.plan = plan
    self.limits = limits
    self.onProgress = onProgress
    start = clock.now
    lastProgress = start
    guard !engine.program.fusesReleases else {
      throw .spec(SpecError("TDX2021", "infinite runs need a program without fused releases"))
    }
    search = try Search(engine, [], limits, onProgress: onProgress)
  }

  private var elapsed: Double {
    let time = (clock.now - start).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }

  /// Explores, then decides every claim of the plan.
  ///
  /// - Returns: the figures of the search, and a finding for each property.
  public func run(
    _ properties: [ResolvedProperty]
  ) throws(SearchError) -> (result: SearchResult, findings: [LivenessFinding]) {
    result = try search.run()
    var findings = properties.map { _ in LivenessFinding() }
    for (number, (index, claim)) in plan.claims.enumerated() {
      guard findings[index].refutation == nil else { continue }
      guard result.end == .exhausted else {
        findings[index].stopped = result.end
        continue
      }
      let isLate = limits.stopAtFirst && findings.contains { $0.refutation != nil }
      if isLate {
        findings[index].stopped = .stoppedAtFirst
        continue
      }
      try decide(claim, number, properties[index].property, &findings[index])
    }
    result.seconds = elapsed
    result.peakBytes = Int(tdxs_peak_rss_bytes())
    return (result, findings)
  }

  private func decide(
    _ claim: LeadsToInstance, _ number: Int, _ property: Property,
    _ finding: inout LivenessFinding
  ) throws(SearchError) {
    guard case .leadsTo(let words) = property.kind else { return }
    let table: FairnessTable
    do throws(SpecError) {
      table = try FairnessTable(search.program, words.fairness)
    } catch {
      throw .spec(error)
    }
    let fair: FairSearch<E>
    do throws(StoreError) {
      let steps = try FairSteps(
        search.engine, Places(search.store), FairnessMarker(table), premise: 2 * number,
        conclusion: 2 * number + 1)
      fair = try FairSearch(steps) { self.reasonToStop(visited: $0, bytes: $1) }
    } catch {
      throw .outOfMemory(states: search.store.count)
    }
    do throws(EngineFault) { try fair.run() } catch { throw .spec(error.error) }
    finding.premiseSeen = finding.premiseSeen || fair.premiseSeen
    if let stopped = fair.stopped {
      finding.stopped = stopped
      return
    }
    finding.states += fair.fairCount
    guard fair.fairCount > 0 else { return }
    let trace = try LassoSearch(fair).find()
    finding.refutation = LivenessRefutation(
      element: claim.element, trace: trace,
      fairness: try replay(trace, claim, LassoCheck(search.program, table)))
    finding.stopped = nil
  }

  private func replay(
    _ trace: Trace, _ claim: LeadsToInstance, _ check: LassoCheck
  ) throws(SearchError) -> [String] {
    let answer: LassoCheck.Answer
    do throws(SpecError) {
      answer = try check.answer(trace, against: claim)
    } catch {
      throw .disagreement("the interpreter fails on a lasso: \(error)")
    }
    switch answer {
    case .refutes(let reasons): return reasons
    case .wrong(let what): throw .disagreement("the interpreter refuses a lasso: \(what)")
    }
  }

  private func reasonToStop(visited: Int, bytes: Int) -> SearchEnd? {
    if tdxs_interrupted() != 0 { return .interrupted }
    if let most = limits.timeLimit, elapsed > most { return .limit("\(most) s") }
    if let most = limits.maxMemory, search.store.residentBytes + bytes > most {
      return .limit("\(most) bytes of memory")
    }
    if let onProgress, clock.now - lastProgress > .milliseconds(250) {
      lastProgress = clock.now
      onProgress(
        SearchProgress(
          states: result.states, transitions: result.transitions, depth: result.diameter,
          frontier: max(0, result.states - visited), seconds: elapsed,
          bytes: search.store.residentBytes + bytes))
    }
    return nil
  }
}
