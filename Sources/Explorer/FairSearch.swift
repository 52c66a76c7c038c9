import SpecProgram

/// Finds every state that lies on a fair loop on which a claim stays pending for ever.
///
/// Strongly connected components by Tarjan's algorithm in Pearce's form (one number a state), on
/// the states that a pending claim can reach without its conclusion. A component holds a fair loop
/// when each weakly fair instance is disabled in one of its states or taken by one of its steps,
/// and each strongly fair instance is taken or enabled nowhere. Where only the latter fails, the
/// states in which such an instance is enabled are taken out and the rest is looked at again
/// (Streett's condition; no formula is ever put into disjunctive normal form). A single state is a
/// component too: the run stops in it.
///
/// Memory: 4 bytes and a bit a place, and the depth of the search.
final class FairSearch<E: Engine> {
  let steps: FairSteps<E>
  /// By place: 0 not visited, small while the component is open, then the component's number.
  var number: PageArray<UInt32>
  /// The places on fair loops.
  private(set) var fair: PlaceSet
  private(set) var fairCount = 0
  /// Whether the premise ever holds.
  private(set) var premiseSeen = false
  private(set) var visited = 0
  /// Asked now and then, with the bytes in use; says why to stop.
  private let shouldStop: (Int, Int) -> SearchEnd?
  private(set) var stopped: SearchEnd?

  private var frames: [FairFrame] = []
  private var pending: [UInt32] = []
  /// Visited places whose component is not complete.
  private var open: [UInt32] = []
  /// Parts of components that have to be looked at again.
  private var parts: [[UInt32]] = []
  private var index: UInt32 = 1
  private var component = UInt32.max
  private var ticks = 0

  init(
    _ steps: FairSteps<E>, shouldStop: @escaping (Int, Int) -> SearchEnd?
  ) throws(StoreError) {
    guard steps.places.count <= Int(UInt32.max) else {
      throw .tooManyStates(limit: StateStore.maximumCount)
    }
    let number = try PageArray<UInt32>(minimumCapacity: steps.places.count)
    let fair = try PlaceSet(steps.places.count)
    self.number = number
    self.fair = fair
    self.steps = steps
    self.shouldStop = shouldStop
  }

  private var bytes: Int {
    steps.places.count * 4 + steps.places.count / 8 + frames.capacity
      * MemoryLayout<FairFrame>.stride
      + (pending.capacity + open.capacity) * 4
  }

  func run() throws(EngineFault) {
    for place in 0..<steps.places.count {
      guard tick() else { return }
      guard let seen = try steps.claim(at: place) else { continue }
      guard seen & steps.premise != 0 else { continue }
      premiseSeen = true
      guard seen & steps.conclusion == 0, number.base[place] == 0 else { continue }
      guard try visit(from: place) else { return }
    }
    while let part = parts.popLast() {
      for place in part { number.base[Int(place)] = 0 }
      for place in part where number.base[Int(place)] == 0 {
        guard try visit(from: Int(place)) else { return }
      }
    }
  }

  private func tick() -> Bool {
    ticks &+= 1
    guard ticks & 0xFFF == 0, let reason = shouldStop(visited, bytes) else { return true }
    stopped = reason
    return false
  }

  /// Depth first from a place that was not visited.
  private func visit(from start: Int) throws(EngineFault) -> Bool {
    try enter(start)
    while let frame = frames.last {
      guard tick(), stopped == nil else { return false }
      let place = Int(frame.place)
      guard pending.count > frame.base else {
        try leave(frame)
        continue
      }
      let next = Int(pending.removeLast())
      if number.base[next] == 0 {
        try enter(next)
      } else if number.base[next] < number.base[place] {
        number.base[place] = number.base[next]
        frames[frames.count - 1].isRoot = false
      }
    }
    return true
  }

  private func enter(_ place: Int) throws(EngineFault) {
    visited &+= 1
    number.base[place] = index
    index &+= 1
    try steps.expand(place)
    var frame = FairFrame(
      place: UInt32(place), base: pending.count, enabled: steps.enabled, own: 0, isRoot: true)
    for successor in 0..<steps.count where !steps.isDone(successor) {
      let next = steps.place(successor)
      guard next >= 0 else { continue }
      if next == place {
        frame.own |= steps.mark(successor)
      } else if number.base[next] <= component {
        // Not in a component that is complete.
        pending.append(UInt32(next))
      }
    }
    frames.append(frame)
  }

  private func leave(_ frame: FairFrame) throws(EngineFault) {
    frames.removeLast()
    let place = Int(frame.place)
    if frame.isRoot {
      try complete(frame)
    } else {
      open.append(frame.place)
    }
    guard let parent = frames.last else { return }
    if number.base[place] < number.base[Int(parent.place)] {
      number.base[Int(parent.place)] = number.base[place]
      frames[frames.count - 1].isRoot = false
    }
  }

  /// The frame is the root of a component: the open places from its number on.
  private func complete(_ frame: FairFrame) throws(EngineFault) {
    let root = number.base[Int(frame.place)]
    var first = open.count
    while first > 0, number.base[Int(open[first - 1])] >= root {
      first -= 1
      number.base[Int(open[first])] = component
    }
    number.base[Int(frame.place)] = component
    index &-= UInt32(open.count - first + 1)
    if first == open.count {
      let missing = frame.enabled & ~frame.own & (steps.marker.weak | steps.marker.strong)
      if missing == 0 { mark(frame.place) }
    } else {
      open.append(frame.place)
      try judge(Array(open[first...]), component)
      open.removeLast(open.count - first)
    }
    component &-= 1
  }

  /// Looks for a fair loop in a component of several states.
  private func judge(_ members: [UInt32], _ component: UInt32) throws(EngineFault) {
    var always = ~UInt64(0)
    var ever: UInt64 = 0
    var taken: UInt64 = 0
    var enabled: [UInt64] = []
    enabled.reserveCapacity(members.count)
    for place in members {
      guard tick() else { return }
      try steps.expand(Int(place))
      enabled.append(steps.enabled)
      always &= steps.enabled
      ever |= steps.enabled
      for successor in 0..<steps.count where !steps.isDone(successor) {
        // Most marks are known already, and a look-up is a miss of the cache.
        guard steps.mark(successor) & ~taken != 0 else { continue }
        let next = steps.place(successor)
        if next >= 0, number.base[next] == component { taken |= steps.mark(successor) }
      }
    }
    if always & steps.marker.weak & ~taken != 0 { return }
    let missing = ever & steps.marker.strong & ~taken
    if missing == 0 {
      for place in members { mark(place) }
      return
    }
    let rest = members.indices.filter { enabled[$0] & missing == 0 }.map { members[$0] }
    if !rest.isEmpty { parts.append(rest) }
  }

  private func mark(_ place: UInt32) {
    fair.insert(Int(place))
    fairCount += 1
  }
}

/// A state on the path of the depth-first search.
struct FairFrame {
  var place: UInt32
  /// Where the frame's successors that are still to be visited begin in `pending`.
  var base: Int
  /// The instances that are enabled here.
  var enabled: UInt64
  /// The instances that a step from the state to itself belongs to.
  var own: UInt64
  var isRoot: Bool
}

/// A set of places, a bit each.
struct PlaceSet: ~Copyable {
  private var words: PageArray<UInt64>

  /// An empty set of places below `count`.
  init(_ count: Int) throws(StoreError) {
    words = try PageArray<UInt64>(minimumCapacity: count / 64 + 1)
  }

  @inline(__always)
  func contains(_ place: Int) -> Bool { words.base[place >> 6] >> UInt64(place & 63) & 1 != 0 }

  /// - Returns: whether it is new.
  @inline(__always)
  @discardableResult
  mutating func insert(_ place: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(place & 63)
    if words.base[place >> 6] & bit != 0 { return false }
    words.base[place >> 6] |= bit
    return true
  }
}
