import CExplorerShims
import SpecLanguage
import SpecProgram

/// The states and transitions of a finished search, in memory, to be read many times.
///
/// States have ids in breadth-first order; the initial state is 0. The transitions out of a state
/// are neighbours, in the order of the engine. Takes 20 bytes a state and 6 a transition besides
/// the search's own store. The same in every run.
public final class ExploredGraph<E: Engine> {
  public let program: Program
  public let engine: E
  /// What the search found; when the graph itself met a limit, `end` says so.
  public private(set) var result: SearchResult
  /// What the transitions do, each kind once; `kind(_:)` is an index into it.
  public private(set) var kinds: [StepKind] = []
  /// Keeps the store alive.
  private let search: Search<E>
  private let places: Places
  private var placeOfID: PageArray<UInt32>
  private var firstEdge: PageArray<UInt64>
  private var parents: PageArray<UInt32>
  private var targets: PageArray<UInt32>
  private var kindOfEdge: PageArray<UInt16>
  private var kindNumbers: [StepKind: UInt64] = [:]

  /// How many states there are; with a limit, the ones that were found before it.
  public private(set) var stateCount = 0
  public private(set) var edgeCount = 0

  /// Runs a search without properties and keeps what it saw.
  ///
  /// - Parameter engine: one without reductions.
  /// - Throws: what a search throws; `TDX1204` when the spec has more than 65,535 kinds of steps.
  public init(
    _ engine: E, _ limits: SearchLimits, onProgress: ((SearchProgress) -> Void)? = nil
  ) throws(SearchError) {
    self.engine = engine
    program = engine.program
    search = try Search(engine, [], limits, onProgress: onProgress)
    result = try search.run()
    places = Places(search.store)
    let states = search.store.count
    let edges = max(1, result.transitions)
    do throws(StoreError) {
      placeOfID = try PageArray(minimumCapacity: states + 1)
      firstEdge = try PageArray(minimumCapacity: states + 2)
      parents = try PageArray(minimumCapacity: states + 1)
      targets = try PageArray(minimumCapacity: edges)
      kindOfEdge = try PageArray(minimumCapacity: edges)
    } catch {
      throw .outOfMemory(states: states)
    }
    do {
      try follow(limits.timeLimit.map { max(0, $0 - result.seconds) }, onProgress)
    } catch let error as EngineFault {
      throw .spec(error.error)
    } catch {
      throw .outOfMemory(states: states)
    }
    guard kinds.count < Int(UInt16.max) else {
      throw .spec(
        SpecError(
          "TDX1204", "\(kinds.count) kinds of steps; at most \(UInt16.max)",
          suggestion: "choose a smaller scope"))
    }
  }

  /// Goes over the states again, breadth first, and numbers them.
  private func follow(
    _ seconds: Double?, _ onProgress: ((SearchProgress) -> Void)?
  ) throws {
    let words = places.words
    guard places.count < Int(UInt32.max) else { throw StoreError.tooManyStates(limit: 1 << 32) }
    var idOfPlace = try PageArray<UInt32>(minimumCapacity: places.count)
    let buffers = try BatchBuffers(words: words, batch: 1, fan: engine.maxSuccessors)
    let state = try PageArray<UInt64>(minimumCapacity: words)
    let marks = try PageArray<UInt64>(minimumCapacity: engine.maxSuccessors)
    let marker = TransitionMarker { [unowned self] in number(of: $0) }
    let clock = ContinuousClock()
    let start = clock.now
    engine.layout.pack(program.initial, into: state.base)
    discover(places.find(state.base), from: .max, &idOfPlace)
    var id = 0
    while id < stateCount {
      _ = places.load(Int(placeOfID.base[id]), into: state.base)
      firstEdge.base[id] = UInt64(edgeCount)
      let found = try engine.expand(
        state.base, into: buffers.successors, marks: marks.base, by: marker)
      try targets.reserve(edgeCount + found)
      try kindOfEdge.reserve(edgeCount + found)
      // A state that a limit left between known and unknown ones has no transitions here.
      let isKnown = (0..<found).allSatisfy {
        places.find(buffers.successors + $0 * words) >= 0
      }
      for ordinal in 0..<(isKnown ? found : 0) {
        let place = places.find(buffers.successors + ordinal * words)
        discover(place, from: UInt32(id), &idOfPlace)
        targets.base[edgeCount] = idOfPlace.base[place] - 1
        kindOfEdge.base[edgeCount] = UInt16(truncatingIfNeeded: marks.base[ordinal])
        edgeCount += 1
      }
      id += 1
      guard id & 4095 == 0 else { continue }
      if let end = reasonToStop(clock.now - start, seconds) {
        result.end = end
        break
      }
      if id & 0x1ffff == 0 { report(id, onProgress) }
    }
    for rest in id...stateCount { firstEdge.base[rest] = UInt64(edgeCount) }
  }

  private func reasonToStop(_ spent: Duration, _ seconds: Double?) -> SearchEnd? {
    if tdxs_interrupted() != 0 { return .interrupted }
    if let most = search.limits.maxMemory, bytes > most {
      return .limit("\(most) bytes of memory")
    }
    guard let seconds, spent > .seconds(seconds) else { return nil }
    return .limit("\(search.limits.timeLimit ?? seconds) s")
  }

  /// Estimate of the memory in use, and of what a survey takes for each state and thread.
  private var bytes: Int {
    let threads = max(1, program.threadCount)
    return search.store.residentBytes + places.count * 4 + stateCount * (20 + 8 * threads)
      + edgeCount * 6
  }

  private func report(_ id: Int, _ onProgress: ((SearchProgress) -> Void)?) {
    onProgress?(
      SearchProgress(
        states: id, transitions: edgeCount, depth: result.diameter,
        frontier: result.states - id, seconds: result.seconds, bytes: bytes))
  }

  private func discover(
    _ place: Int, from parent: UInt32, _ idOfPlace: inout PageArray<UInt32>
  ) {
    guard idOfPlace.base[place] == 0 else { return }
    placeOfID.base[stateCount] = UInt32(place)
    parents.base[stateCount] = parent
    stateCount += 1
    idOfPlace.base[place] = UInt32(stateCount)
  }

  private func number(of label: TransitionLabel) -> UInt64 {
    let kind = program.kind(of: label)
    if let known = kindNumbers[kind] { return known }
    let number = UInt64(kinds.count)
    kindNumbers[kind] = number
    kinds.append(kind)
    return number
  }

  // MARK: Reading

  /// Whether every reachable state and transition is there.
  public var isComplete: Bool { result.end == .exhausted }

  /// The transitions out of a state, as numbers that `target` and `kind` take.
  @inline(__always)
  public func edges(of id: Int) -> Range<Int> {
    Int(firstEdge.base[id])..<Int(firstEdge.base[id + 1])
  }

  @inline(__always)
  public func target(_ edge: Int) -> Int { Int(targets.base[edge]) }

  @inline(__always)
  public func kind(_ edge: Int) -> Int { Int(kindOfEdge.base[edge]) }

  /// Copies a state.
  public func load(_ id: Int, into state: UnsafeMutablePointer<UInt64>) {
    _ = places.load(Int(placeOfID.base[id]), into: state)
  }

  /// The shortest run to a state, as a number for each step: which of its state's transitions.
  public func shortestRun(to id: Int) -> [Int] {
    var result: [Int] = []
    var state = id
    while parents.base[state] != .max {
      let parent = Int(parents.base[state])
      let own = edges(of: parent)
      if let edge = own.first(where: { target($0) == state }) {
        result.append(edge - own.lowerBound)
      }
      state = parent
    }
    return result.reversed()
  }

  /// A run, replayed step by step by the interpreter.
  ///
  /// - Throws: `disagreement` when the interpreter cannot follow: a bug of the tool.
  public func trace(_ run: [Int]) throws(SearchError) -> Trace {
    do throws(ReplayFailure) { return try engine.replay(run) } catch {
      throw .disagreement(error.text)
    }
  }
}
