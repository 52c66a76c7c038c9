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

  /// - Parameter onProgress: called about four times a second.
  public init(
    _ engine: E, _ properties: [ResolvedProperty], _ limits: SearchLimits = SearchLimits(),
    onProgress: ((SearchProgress) -> Void)? = nil
  ) throws(SearchError) {
    self.engine = engine
    self.properties = properties
    self.limits = limits
    self.onProgress = onProgress
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
    result.states = store.count
    result.seconds = elapsed
    result.peakBytes = Int(tdxs_peak_rss_bytes())
    result.coverage = engine.coverage
    return result
  }

  /// What went wrong, besides memory.
  private var failure: SearchError?

  private func search() throws(StoreError) {
    let words = engine.layout.words
    let buffers = BatchBuffers(
      words: words, batch: Self.batch, fan: engine.maxSuccessors)
    var current = try Frontier(words: words)
    var next = try Frontier(words: words)
    try current.reserve(additional: 1)
    try store.reserve(additional: 1)
    engine.layout.pack(engine.program.initial, into: buffers.states)
    let hash = StateStore.hash(buffers.states, words: words)
    _ = store.insert(buffers.states, hash: hash, parent: StateStore.noParent, ordinal: 0)
    current.append(buffers.states)
    guard note(buffers.states, id: 0) else { return }
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
    let words = engine.layout.words
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
    buffers.reserveHashes(total)
    for index in 0..<total {
      let hash = StateStore.hash(buffers.successors + index &* words, words: words)
      buffers.hashes[index] = hash
      store.prefetch(hash)
    }
    try store.reserve(additional: total)
    try next.reserve(additional: total)
    var index = 0
    for offset in 0..<size {
      let count = Int(buffers.counts[offset])
      let parent = UInt32(truncatingIfNeeded: firstID &+ offset)
      if count == 0, !noteDeadEnd(current.state(at: head + offset), id: firstID + offset) {
        return false
      }
      for ordinal in 0..<count {
        let state = buffers.successors + index &* words
        let isNew = store.insert(
          state, hash: buffers.hashes[index], parent: parent,
          ordinal: UInt16(truncatingIfNeeded: ordinal))
        if isNew {
          next.append(state)
          if active != 0, !note(state, id: store.count &- 1) { return false }
        }
        index &+= 1
      }
    }
    return true
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

/// The memory that one batch needs; kept over the whole search.
final class BatchBuffers {
  let states: UnsafeMutablePointer<UInt64>
  let successors: UnsafeMutablePointer<UInt64>
  let counts: UnsafeMutablePointer<Int32>
  private(set) var hashes: UnsafeMutablePointer<UInt64>
  private var hashCount = 1024

  init(words: Int, batch: Int, fan: Int) {
    states = .allocate(capacity: words * batch)
    successors = .allocate(capacity: words * batch * fan)
    counts = .allocate(capacity: batch)
    hashes = .allocate(capacity: hashCount)
  }

  func reserveHashes(_ count: Int) {
    guard count > hashCount else { return }
    hashes.deallocate()
    hashCount = count * 2
    hashes = .allocate(capacity: hashCount)
  }

  deinit {
    states.deallocate()
    successors.deallocate()
    counts.deallocate()
    hashes.deallocate()
  }
}
