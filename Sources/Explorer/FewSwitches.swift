import CExplorerShims
import SpecLanguage
import SpecProgram

/// Looks for runs with few switches where there are too many states to see all shortest runs: first
/// those without any, then with one, and so on, each breadth first by steps (iterative context
/// bounding).
struct FewSwitches<E: Engine> {
  /// An engine of real states, none standing for others; its monitors are those of the plan.
  let engine: E
  let plan: MonitorPlan
  /// How many states are held, at most, the same state with another actor counting again.
  let maxStates: Int
  /// No run longer than this is looked at.
  let maxDepth: Int

  enum Answer {
    /// The numbers of the successors on the shortest of the runs with the fewest switches.
    case found([Int])
    /// No run has fewer switches than were asked for.
    case none
    /// The budget ended first.
    case open
  }

  /// Looks for runs to a state that decides a property, with fewer switches than `limit`.
  func find(_ property: Int, below limit: Int) throws(StoreError) -> Answer {
    var left = maxStates
    for bound in 0..<max(0, limit) {
      var level = try Level(self, property, bound: bound)
      if let found = try level.search(&left) { return .found(found) }
      if left <= 0 { return .open }
      if !level.wasBounded { return .none }
    }
    return .none
  }

  /// One search with a bound on switches.
  ///
  /// Its states are those of the engine with one word more: the actor of the last step, and the
  /// switches so far.
  private struct Level: ~Copyable {
    private let engine: E
    private let owner: FewSwitches
    private let property: Int
    private let bound: Int
    private let words: Int
    private var states: Frontier
    private var store: StateStore
    /// Whether any step was not taken for its switch.
    private(set) var wasBounded = false
    private let room: PageArray<UInt64>
    private let key: PageArray<UInt64>

    init(_ owner: FewSwitches, _ property: Int, bound: Int) throws(StoreError) {
      let words = owner.engine.layout.words
      let room = try PageArray<UInt64>(minimumCapacity: words * (owner.engine.maxSuccessors + 1))
      let key = try PageArray<UInt64>(minimumCapacity: words + 1)
      let states = try Frontier(words: words + 1)
      let store = try StateStore(words: words + 1)
      self.owner = owner
      self.property = property
      self.bound = bound
      engine = owner.engine
      self.words = words
      self.room = room
      self.key = key
      self.states = states
      self.store = store
    }

    mutating func search(_ left: inout Int) throws(StoreError) -> [Int]? {
      engine.layout.pack(engine.program.initial, into: key.base)
      guard try add(actor: 0, switches: 0, parent: StateStore.noParent, 0) else { return nil }
      var head = 0
      var end = 1
      for depth in 0...owner.maxDepth {
        while head < end {
          left -= 1
          if tdxs_interrupted() != 0 { left = 0 }
          guard left > 0 else { return nil }
          if try expand(head, depth) { return path(to: found ?? head) }
          head += 1
        }
        end = states.count
        if head == end { return nil }
      }
      return nil
    }

    /// The state that decides the property.
    private var found: Int?

    /// - Returns: whether a state that decides the property was found.
    private mutating func expand(_ position: Int, _ depth: Int) throws(StoreError) -> Bool {
      let state = states.state(at: position)
      let actor = Int(state[words] >> 32)
      let switches = Int(state[words] & 0xffff_ffff)
      var count: Int32 = 0
      let labels: [TransitionLabel]
      do throws(EngineFault) {
        labels = try engine.labels(of: state)
        _ = try engine.expand(state, 1, into: room.base, counts: &count)
      } catch {
        return false
      }
      if count == 0 {
        return property == owner.plan.deadlock
          && engine.program.isBusy(engine.layout.unpack(state))
      }
      // Steps from the last states were only looked for.
      if depth == owner.maxDepth { return false }
      for number in 0..<Int(count) {
        // Threads count from 1; an event without one is an actor of its own.
        let next = labels[number].thread.map { $0 + 1 } ?? 0
        let cost = depth == 0 || (next != 0 && next == actor) ? 0 : 1
        guard switches + cost <= bound else {
          wasBounded = true
          continue
        }
        key.base.update(from: room.base + number * words, count: words)
        let isNew = try add(
          actor: next, switches: switches + cost, parent: UInt32(position), UInt16(number))
        if isNew, try decides(states.count - 1) {
          found = states.count - 1
          return true
        }
      }
      return false
    }

    private func decides(_ position: Int) throws(StoreError) -> Bool {
      let bit: UInt64 = 1 << UInt64(owner.plan.decisive[property])
      guard owner.plan.all & bit != 0 else { return false }
      var seen: UInt64 = 0
      do throws(EngineFault) {
        return try engine.observe(states.state(at: position), 1, active: bit, into: &seen)
      } catch {
        return false
      }
    }

    /// Adds the state in `key`, unless it was reached by the same actor with no more switches.
    private mutating func add(
      actor: Int, switches: Int, parent: UInt32, _ ordinal: UInt16
    ) throws(StoreError) -> Bool {
      for fewer in 0..<switches {
        key.base[words] = UInt64(actor) << 32 | UInt64(fewer)
        if store.contains(key.base) { return false }
      }
      key.base[words] = UInt64(actor) << 32 | UInt64(switches)
      try store.reserve(additional: 1)
      try states.reserve(additional: 1)
      let hash = StateStore.hash(key.base, words: words + 1)
      guard store.insert(key.base, hash: hash, parent: parent, ordinal: ordinal) else {
        return false
      }
      states.append(key.base)
      return true
    }

    private func path(to position: Int) -> [Int] {
      var ordinals: [Int] = []
      var at = position
      while true {
        let link = store.link(of: at)
        if link.parent == StateStore.noParent { return ordinals.reversed() }
        ordinals.append(Int(link.ordinal))
        at = Int(link.parent)
      }
    }
  }
}
