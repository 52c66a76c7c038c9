import SpecLanguage
import SpecProgram

/// An engine whose states stand for several: the smallest of each orbit, and of the orders in which
/// movers can be taken one.
///
/// Where some thread stands at movers, only that thread goes on, and states in which a mover is the
/// only way out are passed through without being stored.
public final class ReducedEngine<Base: Engine>: Engine {
  let base: Base
  let canonicaliser: Canonicaliser?
  let movers: Movers?
  public var program: Program { base.program }
  public var layout: StateLayout { base.layout }
  public var maxSuccessors: Int { base.maxSuccessors }
  public var coverage: [CoverageKey: Int] { base.coverage }
  public var isReduced: Bool { true }
  let words: Int
  /// For each thread: where its location is in a packed state.
  private let locations: [BitField]
  /// Room for the successors of one state.
  private let room: UnsafeMutablePointer<UInt64>
  /// What stands for a state that is its own successor.
  private let itself: UnsafeMutablePointer<UInt64>

  /// - Parameter base: made with the same monitors as the movers.
  public init(_ base: Base, symmetry canonicaliser: Canonicaliser?, movers: Movers?) {
    self.base = base
    self.canonicaliser = canonicaliser
    self.movers = movers.flatMap { $0.isTrivial ? nil : $0 }
    words = base.layout.words
    locations = base.program.threadPlaces.map { base.layout.fields[$0.location] }
    room = .allocate(capacity: max(1, base.maxSuccessors * base.layout.words))
    itself = .allocate(capacity: max(1, base.layout.words))
  }

  deinit {
    room.deallocate()
    itself.deallocate()
  }

  public func expand(
    _ states: UnsafePointer<UInt64>, _ count: Int, into target: UnsafeMutablePointer<UInt64>,
    counts: UnsafeMutablePointer<Int32>
  ) throws(EngineFault) -> Int {
    var total = 0
    for index in 0..<count {
      do throws(EngineFault) {
        let out = target + total &* words
        let found = try expandOne(states + index &* words, into: out)
        try finishAll(out, found, of: states + index &* words)
        counts[index] = Int32(truncatingIfNeeded: found)
        total &+= found
      } catch {
        throw EngineFault(index: index, error: error.error)
      }
    }
    return total
  }

  public func expand(
    _ state: UnsafePointer<UInt64>, thread: Int, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int {
    try base.expand(state, thread: thread, into: target)
  }

  public func observe(
    _ states: UnsafePointer<UInt64>, _ count: Int, active: UInt64,
    into seen: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Bool {
    try base.observe(states, count, active: active, into: seen)
  }

  public func labels(of state: UnsafePointer<UInt64>) throws(EngineFault) -> [TransitionLabel] {
    try base.labels(of: state)
  }

  public func represent(_ state: UnsafeMutablePointer<UInt64>) {
    canonicaliser?.canonicalise(state)
  }

  // MARK: Steps

  /// The successors that stand for all: those by one thread's movers, or all of them.
  func expandOne(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int {
    let found = try expandMovers(state, into: target)
    if found > 0 { return found }
    var count: Int32 = 0
    return try base.expand(state, 1, into: target, counts: &count)
  }

  /// The steps of the first thread that stands at movers and can go on; none when there is none.
  private func expandMovers(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int {
    guard let movers else { return 0 }
    for thread in locations.indices {
      let field = locations[thread]
      let location = Int(truncatingIfNeeded: state[field.word] >> UInt64(field.shift) & field.low)
      guard movers.holds(thread, location) else { continue }
      let found = try base.expand(state, thread: thread, into: target)
      if found > 0 { return found }
    }
    return 0
  }

  /// Finishes the successors of a state. Refused calls change nothing and may be nearly all of
  /// them, so the state itself is finished once.
  private func finishAll(
    _ successors: UnsafeMutablePointer<UInt64>, _ count: Int, of state: UnsafePointer<UInt64>
  ) throws(EngineFault) {
    var isKnown = false
    for number in 0..<count {
      let successor = successors + number &* words
      var isItself = true
      for word in 0..<words where successor[word] != state[word] { isItself = false }
      if isItself, isKnown {
        successor.update(from: itself, count: words)
        continue
      }
      try finish(successor)
      if isItself {
        itself.update(from: successor, count: words)
        isKnown = true
      }
    }
  }

  /// Goes on while a mover is the only way out, then takes the smallest of the orbit.
  private func finish(_ state: UnsafeMutablePointer<UInt64>) throws(EngineFault) {
    while try expandMovers(state, into: room) == 1 { state.update(from: room, count: words) }
    canonicaliser?.canonicalise(state)
  }

  /// The states that `expand` passes through from a state to one of its successors, that successor
  /// included; none is made canonical.
  func passage(
    from state: UnsafePointer<UInt64>, ordinal: Int
  ) throws(EngineFault) -> [[UInt64]] {
    let target = UnsafeMutablePointer<UInt64>.allocate(capacity: maxSuccessors * words)
    defer { target.deallocate() }
    let found = try expandOne(state, into: target)
    guard ordinal < found else { return [] }
    let next = target + ordinal * words
    var result = [Array(UnsafeBufferPointer(start: next, count: words))]
    while try expandMovers(next, into: room) == 1 {
      next.update(from: room, count: words)
      result.append(Array(UnsafeBufferPointer(start: next, count: words)))
    }
    return result
  }
}
