import SpecProgram

/// The part of the graph in which a claim is pending, expanded on the fly: from states where the
/// conclusion does not hold to successors where it does not hold.
///
/// Every state has, besides, the step that changes nothing: the run stops there for ever. It
/// belongs to no instance of fairness.
final class FairSteps<E: Engine> {
  let engine: E
  let places: Places
  let marker: FairnessMarker
  /// The monitor of the premise, as a bit; the conclusion's.
  let premise: UInt64
  let conclusion: UInt64
  private let buffers: BatchBuffers
  private let markPages: PageArray<UInt64>
  private let state: PageArray<UInt64>

  /// The successors of the state asked for last: how many, in the order of the engine.
  private(set) var count = 0
  /// The instances of fairness that can happen in it, whatever they lead to.
  private(set) var enabled: UInt64 = 0

  init(
    _ engine: E, _ places: Places, _ marker: FairnessMarker, premise: Int, conclusion: Int
  ) throws(StoreError) {
    self.engine = engine
    self.places = places
    self.marker = marker
    self.premise = 1 << UInt64(premise)
    self.conclusion = 1 << UInt64(conclusion)
    buffers = try BatchBuffers(words: places.words, batch: 1, fan: engine.maxSuccessors)
    markPages = try PageArray<UInt64>(minimumCapacity: 2 * engine.maxSuccessors)
    state = try PageArray<UInt64>(minimumCapacity: places.words)
  }

  /// What holds in the state at a place: a mask of `premise` and `conclusion`; `nil` when the place
  /// is empty.
  func claim(at place: Int) throws(EngineFault) -> UInt64? {
    guard places.load(place, into: state.base) else { return nil }
    var seen: UInt64 = 0
    _ = try engine.observe(state.base, 1, active: premise | conclusion, into: &seen)
    return seen
  }

  /// Finds the successors of the state at a place.
  @inline(__always)
  func expand(_ place: Int) throws(EngineFault) {
    _ = places.load(place, into: state.base)
    let marks = markPages.base
    let successors = buffers.successors
    let words = places.words
    count = try engine.expand(state.base, into: successors, marks: marks, by: marker.transitions)
    var all: UInt64 = 0
    var index = 0
    while index < count {
      all |= marks[index]
      let hash = StateStore.hash(successors + index &* words, words: words)
      (marks + engine.maxSuccessors)[index] = hash
      places.prefetch(hash)
      index &+= 1
    }
    enabled = all
    if count > 0 {
      _ = try engine.observe(
        successors, count, active: premise | conclusion, into: buffers.hashes)
    }
  }

  /// Of a successor: the instances of fairness that the step belongs to.
  @inline(__always)
  func mark(_ index: Int) -> UInt64 { markPages.base[index] }

  /// Of a successor: whether the conclusion holds there, which ends the wait.
  @inline(__always)
  func isDone(_ index: Int) -> Bool { buffers.seen[index] & conclusion != 0 }

  /// Of a successor: whether the claim begins to be pending there.
  func isPending(_ index: Int) -> Bool { buffers.seen[index] & (premise | conclusion) == premise }

  /// Of a successor: its place; -1 when the search did not find it.
  @inline(__always)
  func place(_ index: Int) -> Int {
    places.find(
      buffers.successors + index &* places.words,
      hash: (markPages.base + engine.maxSuccessors)[index])
  }

  /// The state at a place, one number a cell.
  func cells(_ place: Int) -> [Int] {
    _ = places.load(place, into: state.base)
    return engine.layout.unpack(state.base)
  }

  func labels(_ place: Int) throws(EngineFault) -> [TransitionLabel] {
    _ = places.load(place, into: state.base)
    return try engine.labels(of: state.base)
  }
}
