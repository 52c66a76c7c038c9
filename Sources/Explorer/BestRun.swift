import SpecLanguage
import SpecProgram

/// Finds, among all shortest runs, one with the fewest switches, then the fewest elements, then the
/// first in the order of steps.
///
/// Goes through the states of shortest runs layer by layer. Two runs that lead to one state by one
/// actor have the same futures, so of those only the ones with the fewest switches go on; and of
/// those, none that uses all the elements of an earlier one. Exact.
struct BestRun<E: Engine> {
  /// An engine of real states, none standing for others.
  let engine: E
  /// How many ways of reaching states are looked at, at most.
  let maxEntries: Int
  private let elements: ElementBits

  init(_ engine: E, maxEntries: Int) {
    self.engine = engine
    self.maxEntries = maxEntries
    elements = ElementBits(engine.program)
  }

  /// A way of reaching a state.
  private struct Entry {
    var parent: Int
    var ordinal: Int
    var switches: Int
    var elements: UInt64
  }

  /// A state with the actor of the last step: the thread, or -1.
  private struct Place: Hashable {
    var state: [UInt64]
    var actor: Int
  }

  /// The end of a run that may be part of the best.
  private struct Way {
    let place: Place
    let entry: Int
  }

  /// What was found.
  struct Found {
    let ordinals: [Int]
    let countsElements: Bool
  }

  /// - Parameters:
  ///   - layers: for each number of steps, the states on shortest runs, or what stands for them.
  ///   - represent: replaces a state by the one that stands for it.
  /// - Returns: `nil` when the budget ended, or a step went wrong.
  func find(
    through layers: [StateSet], represent: (UnsafeMutablePointer<UInt64>) -> Void
  ) -> Found? {
    let words = engine.layout.words
    let room = UnsafeMutablePointer<UInt64>.allocate(
      capacity: words * (engine.maxSuccessors + 2))
    defer { room.deallocate() }
    engine.layout.pack(engine.program.initial, into: room)
    var entries = [Entry(parent: -1, ordinal: 0, switches: 0, elements: 0)]
    var looked = 0
    // In the order of the runs that lead there, step by step.
    var current = [Way(place: Place(state: copy(room), actor: -1), entry: 0)]
    for (depth, goal) in layers.enumerated().dropFirst() {
      var known: [[UInt64]: [Successor]] = [:]
      var kept: [Place: [Int]] = [:]
      var next: [Way] = []
      for way in current {
        if known[way.place.state] == nil {
          known[way.place.state] = successors(of: way.place.state, goal, room, represent)
        }
        guard let successors = known[way.place.state] else { return nil }
        let before = entries[way.entry]
        for successor in successors {
          let place = Place(state: successor.state, actor: successor.label.thread ?? -1)
          let isSwitch = depth > 1 && (place.actor < 0 || place.actor != way.place.actor)
          let entry = Entry(
            parent: way.entry, ordinal: successor.ordinal,
            switches: before.switches + (isSwitch ? 1 : 0),
            elements: before.elements | elements.mask(successor.label))
          if add(entry, &kept[place, default: []], &entries) {
            next.append(Way(place: place, entry: entries.count - 1))
          }
        }
        looked += successors.count
        if looked > maxEntries { return nil }
      }
      current = next.filter { kept[$0.place]?.contains($0.entry) == true }
    }
    let best = current.map(\.entry).min {
      (entries[$0].switches, entries[$0].elements.nonzeroBitCount)
        < (entries[$1].switches, entries[$1].elements.nonzeroBitCount)
    }
    guard var at = best else { return nil }
    var ordinals: [Int] = []
    while entries[at].parent >= 0 {
      ordinals.append(entries[at].ordinal)
      at = entries[at].parent
    }
    return Found(ordinals: ordinals.reversed(), countsElements: elements.isComplete)
  }

  /// Keeps what may be part of the best run; the runs that lead to `ways` come first.
  ///
  /// - Returns: whether the entry is kept.
  private func add(_ entry: Entry, _ ways: inout [Int], _ entries: inout [Entry]) -> Bool {
    if let known = ways.first {
      if entries[known].switches < entry.switches { return false }
      if entries[known].switches > entry.switches { ways = [] }
    }
    if ways.contains(where: { entries[$0].elements & ~entry.elements == 0 }) { return false }
    ways.append(entries.count)
    entries.append(entry)
    return true
  }

  private typealias Successor = (state: [UInt64], label: TransitionLabel, ordinal: Int)

  /// The successors on shortest runs.
  private func successors(
    of state: [UInt64], _ goal: StateSet, _ room: UnsafeMutablePointer<UInt64>,
    _ represent: (UnsafeMutablePointer<UInt64>) -> Void
  ) -> [Successor]? {
    let words = engine.layout.words
    let wanted = room + words
    let target = room + 2 * words
    for (word, value) in state.enumerated() { room[word] = value }
    var count: Int32 = 0
    do {
      let labels = try engine.labels(of: room)
      let found = try engine.expand(room, 1, into: target, counts: &count)
      var result: [Successor] = []
      for ordinal in 0..<found {
        wanted.update(from: target + ordinal * words, count: words)
        represent(wanted)
        guard goal.contains(wanted) else { continue }
        result.append((copy(target + ordinal * words), labels[ordinal], ordinal))
      }
      return result
    } catch {
      return nil
    }
  }

  private func copy(_ state: UnsafePointer<UInt64>) -> [UInt64] {
    Array(UnsafeBufferPointer(start: state, count: engine.layout.words))
  }
}

/// Sets of threads and elements as bit masks.
private struct ElementBits {
  private let program: Program
  private var bases: [SortID: Int] = [:]
  /// Whether every element has a bit.
  let isComplete: Bool

  init(_ program: Program) {
    self.program = program
    var used = 0
    for (sort, size) in program.sortSizes {
      bases[sort] = used
      used += size
    }
    isComplete = used <= 64
  }

  func mask(_ label: TransitionLabel) -> UInt64 {
    guard isComplete else { return 0 }
    return program.elements(usedBy: label).reduce(0) { mask, element in
      bases[element.sort].map { mask | 1 << UInt64($0 + element.number) } ?? mask
    }
  }
}
