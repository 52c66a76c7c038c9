import CExplorerShims
import SpecLanguage
import SpecProgram

/// Bounds on a search; reaching one makes the answer BOUNDED, never EXHAUSTED.
public struct SearchLimits: Sendable {
  /// Stop after so many states.
  public var maxStates: Int?
  /// Do not go beyond this many steps.
  public var maxDepth: Int?
  /// Stop when the search would hold more than this many bytes.
  public var maxMemory: Int?
  /// Stop after so many seconds.
  public var timeLimit: Double?
  /// Stop at the first property that is decided against the spec.
  public var stopAtFirst = false

  public init() {}
}

/// Why a search ended.
public enum SearchEnd: Hashable, Sendable {
  /// Every reachable state was seen.
  case exhausted
  /// Every property had its answer.
  case decided
  case limit(String)
  case interrupted
  case stoppedAtFirst
}

/// What is known while a search runs.
public struct SearchProgress: Sendable {
  public let states: Int
  public let transitions: Int
  public let depth: Int
  /// States of the current depth still to be expanded, and of the next found so far.
  public let frontier: Int
  public let seconds: Double
  public let bytes: Int
}

/// What a search found out about one property.
public struct Finding: Sendable {
  /// The state that decides it, by id; the first in breadth-first order, so by a shortest path.
  public internal(set) var state: Int?
  /// For a `Possible`: how many states it holds in.
  public internal(set) var hits = 0
  /// For an `Always` with a premise: whether the premise was ever true.
  public internal(set) var premiseSeen = false
}

/// The outcome of a search.
public struct SearchResult: Sendable {
  public internal(set) var end = SearchEnd.exhausted
  public internal(set) var states = 0
  public internal(set) var transitions = 0
  /// The largest distance from the initial state at which a state was found.
  public internal(set) var diameter = 0
  public internal(set) var seconds = 0.0
  /// Peak resident memory of the process.
  public internal(set) var peakBytes = 0
  public internal(set) var findings: [Finding] = []
  public internal(set) var coverage: [CoverageKey: Int] = [:]
}

/// A step of the spec that is not well defined, and how to get there.
public struct SearchFault: Error, Sendable {
  public let error: SpecError
  public let trace: Trace
}

/// What can end a search without a result.
public enum SearchError: Error, Sendable {
  case fault(SearchFault)
  case spec(SpecError)
  case outOfMemory(states: Int)
  /// The engine and the interpreter disagree: a bug of the tool, never of the spec.
  case disagreement(String)
}

/// Level-synchronous breadth-first search with an exact store.
///
/// Counterexamples are shortest; ids, counts and traces are the same in every run.
public final class Search<E: Engine> {
  let engine: E
  public var program: Program { engine.program }
  let properties: [ResolvedProperty]
  let limits: SearchLimits
  let plan: MonitorPlan
  var store: StateStore
  var result = SearchResult()
  /// Sees every transition, in the order of the search; false ends it as decided.
  var onSteps: ((SearchSteps) throws(SearchError) -> Bool)?
  /// The monitors that still matter.
  var active: UInt64
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastProgress: ContinuousClock.Instant
  private let onProgress: ((SearchProgress) -> Void)?
  #if DEBUG
  /// In debug builds the first states are expanded by the interpreter as well.
  var selfChecksLeft = 10_000
  #endif

  static var batch: Int { 64 }
  /// Which successor of its parent a state is, is stored in 16 bits.
  static var mostSuccessors: Int { 1 << 16 }

  /// - Parameter onProgress: called about four times a second.
  public init(
    _ engine: E, _ properties: [ResolvedProperty], _ limits: SearchLimits = SearchLimits(),
    onProgress: ((SearchProgress) -> Void)? = nil
  ) throws(SearchError) {
    self.engine = engine
    self.properties = properties
    self.limits = limits
    self.onProgress = onProgress
    guard engine.maxSuccessors <= Self.mostSuccessors else {
      throw .spec(
        SpecError(
          "TDX1203",
          "a state may have \(engine.maxSuccessors) successors; at most \(Self.mostSuccessors)",
          suggestion: "choose a smaller scope"))
    }
    plan = MonitorPlan(properties)
    active = plan.all
    result.findings = properties.map { _ in Finding() }
    start = clock.now
    lastProgress = start
    do { store = try StateStore(words: engine.layout.words) } catch {
      throw .outOfMemory(states: 0)
    }
  }

  private var elapsed: Double {
    let time = (clock.now - start).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }

  /// Searches until every state is seen, every property is decided or a limit is reached.
  public func run() throws(SearchError) -> SearchResult {
    do throws(StoreError) {
      try search()
    } catch {
      if let failure { throw failure }
      throw .outOfMemory(states: store.count)
    }
    if let failure { throw failure }
    result.states = stoppedAfter ?? store.count
    result.seconds = elapsed
    result.peakBytes = Int(tdxs_peak_rss_bytes())
    result.coverage = engine.coverage
    return result
  }

  /// How many states there were when a property ended the search; a few more may be stored.
  var stoppedAfter: Int?
  /// What went wrong, besides memory.
  private var failure: SearchError?

  private func search() throws(StoreError) {
    let words = engine.layout.words
    let buffers = try BatchBuffers(
      words: words, batch: Self.batch, fan: engine.maxSuccessors)
    var current = try Frontier(words: words)
    var next = try Frontier(words: words)
    try current.reserve(additional: 1)
    try store.reserve(additional: 1)
    let initial = buffers.successors
    engine.layout.pack(engine.program.initial, into: initial)
    let hash = StateStore.hash(initial, words: words)
    _ = store.insert(initial, hash: hash, parent: StateStore.noParent, ordinal: 0)
    current.append(initial)
    guard note(initial, 1, firstID: 0, buffers) else { return }
    var firstID = 0
    var depth = 0
    while current.count > 0 {
      if let most = limits.maxDepth, depth >= most {
        result.end = .limit("depth \(most)")
        return
      }
      var head = 0
      while head < current.count {
        let size = min(Self.batch, current.count - head)
        guard try expand(&current, head, size, firstID + head, &next, buffers) else { return }
        head += size
        current.release(before: head)
        if shouldStop(depth, current.count - head + next.count, current, next) { return }
      }
      firstID += current.count
      if next.count > 0 {
        depth += 1
        result.diameter = depth
      }
      swap(&current, &next)
      next.removeAll(keepingCapacity: true)
    }
  }

  /// Expands a batch of states and stores what is new.
  ///
  /// - Returns: false when the search is over.
  private func expand(
    _ current: inout Frontier, _ head: Int, _ size: Int, _ firstID: Int, _ next: inout Frontier,
    _ buffers: BatchBuffers
  ) throws(StoreError) -> Bool {
    let total: Int
    do throws(EngineFault) {
      total = try engine.expand(
        current.state(at: head), size, into: buffers.successors, counts: buffers.counts)
    } catch {
      failure = fault(error.error, at: firstID + error.index)
      return false
    }
    result.transitions &+= total
    #if DEBUG
    guard selfCheck(current, head, size, buffers) else { return false }
    #endif
    if let onSteps {
      let steps = SearchSteps(
        sources: current.state(at: head), count: size, successors: buffers.successors,
        counts: buffers.counts, total: total, firstID: firstID)
      do throws(SearchError) {
        guard try onSteps(steps) else {
          result.end = .decided
          return false
        }
      } catch {
        failure = error
        return false
      }
    }
    try store.reserve(additional: total)
    try next.reserve(additional: total)
    let before = (id: store.count, place: next.count)
    let hasDeadEnd = store.insert(
      buffers.successors, total, counts: buffers.counts, parents: firstID, size,
      hashes: buffers.hashes, new: &next)
    let found = next.count - before.place
    let watchesDeadEnds = hasDeadEnd && plan.deadlock != nil
    guard !watchesDeadEnds else {
      return noteInOrder(current, head, size, firstID, next, before, buffers)
    }
    guard found > 0, active != 0 else { return true }
    return note(next.state(at: before.place), found, firstID: before.id, buffers)
  }

  private func shouldStop(
    _ depth: Int, _ frontier: Int, _ current: borrowing Frontier, _ next: borrowing Frontier
  ) -> Bool {
    if tdxs_interrupted() != 0 {
      result.end = .interrupted
      return true
    }
    if let most = limits.maxStates, store.count >= most {
      result.end = .limit("\(most) states")
      return true
    }
    checks &+= 1
    guard checks & 15 == 0 else { return false }
    if let most = limits.maxMemory {
      let bytes = store.residentBytes + current.residentBytes + next.residentBytes
      if bytes > most {
        result.end = .limit("\(most) bytes of memory")
        return true
      }
    }
    guard limits.timeLimit != nil || onProgress != nil else { return false }
    if let seconds = limits.timeLimit, elapsed > seconds {
      result.end = .limit("\(seconds) s")
      return true
    }
    if let onProgress, clock.now - lastProgress > .milliseconds(250) {
      lastProgress = clock.now
      onProgress(
        SearchProgress(
          states: store.count, transitions: result.transitions, depth: depth,
          frontier: frontier, seconds: elapsed,
          bytes: store.residentBytes + current.residentBytes + next.residentBytes))
    }
    return false
  }

  private var checks = 0

  private func fault(_ error: SpecError, at id: Int) -> SearchError {
    do throws(SearchError) {
      return .fault(SearchFault(error: error, trace: try trace(to: id)))
    } catch {
      return error
    }
  }

  func fail(_ error: SearchError) { failure = error }
}

/// The transitions out of a batch of states, before their successors are stored.
struct SearchSteps {
  let sources: UnsafePointer<UInt64>
  let count: Int
  /// Those of each source, one behind the other.
  let successors: UnsafePointer<UInt64>
  /// How many of them each source has.
  let counts: UnsafePointer<Int32>
  let total: Int
  /// The id of the first source; the others follow.
  let firstID: Int
}

/// The memory that one batch needs; kept over the whole search. It is address space that fills as
/// far as batches need it.
final class BatchBuffers {
  private let successorPages: PageArray<UInt64>
  private let hashPages: PageArray<UInt64>
  private let countPages: PageArray<Int32>
  let successors: UnsafeMutablePointer<UInt64>
  /// The number of successors of each state.
  let counts: UnsafeMutablePointer<Int32>
  let hashes: UnsafeMutablePointer<UInt64>
  /// The monitors that hold in each new state, when the hashes are not needed any more.
  var seen: UnsafeMutablePointer<UInt64> { hashes }

  /// - Throws: `StoreError.outOfMemory` when the kernel refuses a mapping.
  init(words: Int, batch: Int, fan: Int) throws(StoreError) {
    let successorPages = try PageArray<UInt64>(minimumCapacity: words * batch * fan)
    let hashPages = try PageArray<UInt64>(minimumCapacity: batch * fan)
    let countPages = try PageArray<Int32>(minimumCapacity: batch)
    successors = successorPages.base
    hashes = hashPages.base
    counts = countPages.base
    self.successorPages = successorPages
    self.hashPages = hashPages
    self.countPages = countPages
  }
}
