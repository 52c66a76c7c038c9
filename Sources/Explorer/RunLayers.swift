import CExplorerShims
import SpecProgram

/// The states at each distance from the initial one, up to the first that decide properties.
///
/// Breadth first and whole: unlike a search it keeps every state at its place, so that all shortest
/// runs can be read off. What it may do is counted in states, never in seconds, so that the outcome
/// is the same on every machine.
final class RunLayers<E: Engine> {
  let engine: E
  /// The first layer with states that decide the property, and their positions; by property.
  private(set) var goals: [Int: (depth: Int, positions: [Int])] = [:]
  private let plan: MonitorPlan
  private let maxStates: Int
  private let maxBytes: Int
  /// All states, layer after layer.
  private var states: Frontier
  private var store: StateStore
  /// The position of the first state of each complete layer, and where the last one ends.
  private var starts = [0, 1]
  private let buffers: BatchBuffers

  private static var batch: Int { 64 }

  /// - Parameters:
  ///   - engine: one whose runs are as long as the spec's; its monitors are those of the plan.
  ///   - maxStates: so many states are held, at most.
  init(_ engine: E, _ plan: MonitorPlan, maxStates: Int, maxBytes: Int?) throws(StoreError) {
    self.engine = engine
    self.plan = plan
    self.maxStates = maxStates
    self.maxBytes = maxBytes ?? .max
    let words = engine.layout.words
    states = try Frontier(words: words)
    store = try StateStore(words: words)
    buffers = try BatchBuffers(words: words, batch: Self.batch, fan: engine.maxSuccessors)
  }

  /// The number of the last complete layer.
  var depth: Int { starts.count - 2 }

  func state(_ position: Int) -> UnsafePointer<UInt64> { states.state(at: position) }

  func positions(ofLayer layer: Int) -> Range<Int> { starts[layer]..<starts[layer + 1] }

  /// Grows layers until all properties are decided, or the budget ends it in the middle of a layer,
  /// which is then forgotten.
  ///
  /// - Parameter depth: no property needs more layers.
  func grow(toDepth depth: Int) throws(StoreError) {
    try store.reserve(additional: 1)
    try states.reserve(additional: 1)
    let initial = buffers.successors
    engine.layout.pack(engine.program.initial, into: initial)
    engine.represent(initial)
    _ = store.insert(
      initial, hash: StateStore.hash(initial, words: engine.layout.words),
      parent: StateStore.noParent, ordinal: 0)
    states.append(initial)
    guard let first = watch(0..<1) else { return }
    note(first, depth: 0)
    var layer = 0
    while layer <= depth, goals.count < plan.decisive.count {
      guard let deadEnds = try expand(layer) else { return }
      if let deadlock = plan.deadlock, goals[deadlock] == nil, !deadEnds.isEmpty {
        goals[deadlock] = (layer, deadEnds)
      }
      let new = starts[layer + 1]..<states.count
      if new.isEmpty { return }
      guard let seen = watch(new) else { return }
      starts.append(states.count)
      layer += 1
      note(seen, depth: layer)
    }
  }

  /// Expands a layer.
  ///
  /// - Returns: the positions of states in which threads are stuck; `nil` when the budget ended.
  private func expand(_ layer: Int) throws(StoreError) -> [Int]? {
    var deadEnds: [Int] = []
    var head = starts[layer]
    let end = starts[layer + 1]
    while head < end {
      let size = min(Self.batch, end - head)
      let total: Int
      do throws(EngineFault) {
        total = try engine.expand(
          states.state(at: head), size, into: buffers.successors, counts: buffers.counts)
      } catch {
        return nil
      }
      if plan.deadlock != nil {
        for offset in 0..<size where buffers.counts[offset] == 0 {
          let cells = engine.layout.unpack(states.state(at: head + offset))
          if engine.program.isBusy(cells) { deadEnds.append(head + offset) }
        }
      }
      try store.reserve(additional: total)
      try states.reserve(additional: total)
      _ = store.insert(
        buffers.successors, total, counts: buffers.counts, parents: head, size,
        hashes: buffers.hashes, new: &states)
      head += size
      if states.count > maxStates || tdxs_interrupted() != 0 { return nil }
      if store.residentBytes + states.residentBytes > maxBytes { return nil }
    }
    return deadEnds
  }

  /// Which undecided properties are decided in states, and where; `nil` after a fault.
  private func watch(_ positions: Range<Int>) -> [Int: [Int]]? {
    var active: UInt64 = 0
    for (property, monitor) in plan.decisive.enumerated() where goals[property] == nil {
      active |= plan.all & (1 << UInt64(monitor))
    }
    var result: [Int: [Int]] = [:]
    var head = positions.lowerBound
    while head < positions.upperBound, active != 0 {
      let size = min(Self.batch, positions.upperBound - head)
      do throws(EngineFault) {
        _ = try engine.observe(
          states.state(at: head), size, active: active, into: buffers.seen)
      } catch {
        return nil
      }
      for offset in 0..<size where buffers.seen[offset] & active != 0 {
        for (property, monitor) in plan.decisive.enumerated()
        where buffers.seen[offset] & active & (1 << UInt64(monitor)) != 0 {
          result[property, default: []].append(head + offset)
        }
      }
      head += size
    }
    return result
  }

  private func note(_ seen: [Int: [Int]], depth: Int) {
    for (property, positions) in seen { goals[property] = (depth, positions) }
  }

  // MARK: The states of shortest runs

  /// For each layer up to the goal's: the states that lie on shortest runs to the property's goal.
  /// O(states of those layers).
  func onShortestRuns(to property: Int) throws(StoreError) -> [StateSet]? {
    guard let goal = goals[property] else { return nil }
    let words = engine.layout.words
    let last = try StateSet(words: words)
    for position in goal.positions { try last.insert(states.state(at: position)) }
    var reversed = [last]
    for layer in stride(from: goal.depth - 1, through: 0, by: -1) {
      let kept = try StateSet(words: words)
      let next = reversed[reversed.count - 1]
      for position in positions(ofLayer: layer) {
        let state = states.state(at: position)
        let total: Int
        do throws(EngineFault) {
          total = try engine.expand(state, 1, into: buffers.successors, counts: buffers.counts)
        } catch {
          return nil
        }
        for number in 0..<total where next.contains(buffers.successors + number * words) {
          try kept.insert(state)
          break
        }
      }
      reversed.append(kept)
    }
    return reversed.reversed()
  }
}

/// A set of packed states.
final class StateSet {
  private var store: StateStore

  init(words: Int) throws(StoreError) { store = try StateStore(words: words) }

  func insert(_ state: UnsafePointer<UInt64>) throws(StoreError) {
    try store.reserve(additional: 1)
    let hash = StateStore.hash(state, words: store.words)
    _ = store.insert(state, hash: hash, parent: StateStore.noParent, ordinal: 0)
  }

  func contains(_ state: UnsafePointer<UInt64>) -> Bool { store.contains(state) }
}
