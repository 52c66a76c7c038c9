import SpecLanguage
import SpecProgram

/// Builds a lasso from what a `FairSearch` found: a shortest way to a fair loop, then a short walk
/// that does what fairness demands and comes back.
///
/// Depends on the graph only, so it is the same in every run.
struct LassoSearch<E: Engine> {
  private let search: FairSearch<E>
  private var steps: FairSteps<E> { search.steps }

  init(_ search: FairSearch<E>) { self.search = search }

  /// One step: from a place, the successor with this number.
  private struct Move {
    let from: Int
    let successor: Int
    let to: Int
    let mark: UInt64
  }

  /// A way to a state on a fair loop, then the loop.
  func find() throws(SearchError) -> Trace {
    do {
      let stem = try self.stem()
      let loop = try self.loop(from: stem[stem.count - 1])
      var result: [TraceStep] = []
      for index in 1..<max(1, stem.count) {
        let move = try step(from: stem[index - 1], to: stem[index])
        result.append(try label(move))
      }
      for move in loop { result.append(try label(move)) }
      return Trace(
        initial: steps.engine.program.initial, steps: result, loop: stem.count - 1)
    } catch let error as EngineFault {
      throw .spec(error.error)
    } catch is StoreError {
      throw .outOfMemory(states: search.visited)
    } catch let error as SearchError {
      throw error
    } catch {
      throw .disagreement("\(error)")
    }
  }

  private func label(_ move: Move) throws(EngineFault) -> TraceStep {
    let labels = try steps.labels(move.from)
    return TraceStep(label: labels[move.successor], state: steps.cells(move.to))
  }

  private func step(from: Int, to: Int) throws -> Move {
    try steps.expand(from)
    for successor in 0..<steps.count where steps.place(successor) == to {
      return Move(from: from, successor: successor, to: to, mark: steps.mark(successor))
    }
    throw SearchError.disagreement("a step of the way to the loop is gone")
  }

  // MARK: The stem

  /// Breadth first over states, each before and after the claim began to be pending; a node is
  /// twice a place, plus one once it is pending.
  private func stem() throws -> [Int] {
    let places = steps.places
    var seen = try PlaceSet(places.count * 2)
    // Where each place was reached from: by place once pending, and the same for before.
    let before = try PageArray<UInt32>(minimumCapacity: places.count)
    let pending = try PageArray<UInt32>(minimumCapacity: places.count)
    var turned = try PlaceSet(places.count)
    var queue: [Int] = []
    let program = steps.engine.program
    let packed = UnsafeMutablePointer<UInt64>.allocate(capacity: places.words)
    defer { packed.deallocate() }
    steps.engine.layout.pack(program.initial, into: packed)
    let first = places.find(packed)
    guard first >= 0, let claim = try steps.claim(at: first) else {
      throw SearchError.disagreement("the initial state is gone")
    }
    if claim & (steps.premise | steps.conclusion) == steps.premise {
      if search.fair.contains(first) { return [first] }
      seen.insert(2 * first + 1)
      turned.insert(first)
      pending.base[first] = UInt32(first)
      queue.append(2 * first + 1)
    }
    seen.insert(2 * first)
    before.base[first] = UInt32(first)
    queue.append(2 * first)
    var head = 0
    while head < queue.count {
      let place = queue[head] >> 1
      let isPending = queue[head] & 1 == 1
      head += 1
      try steps.expand(place)
      for successor in 0..<steps.count {
        let next = steps.place(successor)
        guard next >= 0 else { continue }
        let goesOn = isPending ? !steps.isDone(successor) : steps.isPending(successor)
        if goesOn, seen.insert(2 * next + 1) {
          pending.base[next] = UInt32(place)
          if !isPending { turned.insert(next) }
          if search.fair.contains(next) {
            return way(to: next, first, before.base, pending.base, turned)
          }
          queue.append(2 * next + 1)
        }
        if !isPending, seen.insert(2 * next) {
          before.base[next] = UInt32(place)
          queue.append(2 * next)
        }
      }
    }
    throw SearchError.disagreement("no way leads to the loop")
  }

  /// The places from the initial state on.
  private func way(
    to last: Int, _ first: Int, _ before: UnsafePointer<UInt32>,
    _ pending: UnsafePointer<UInt32>, _ turned: borrowing PlaceSet
  ) -> [Int] {
    var places = [last]
    var place = last
    var isPending = true
    while true {
      let previous = Int(isPending ? pending[place] : before[place])
      let turns = isPending && turned.contains(place)
      if place == first, previous == first, turns || !isPending { break }
      if turns { isPending = false }
      place = previous
      places.append(place)
    }
    return places.reversed()
  }

  // MARK: The loop

  /// What the loop still has to do.
  private struct Duties {
    /// Weakly fair instances that were enabled in every state so far, and not taken.
    var weak: UInt64
    /// Strongly fair instances that were enabled in some state so far, and not taken.
    var strong: UInt64
    var taken: UInt64 = 0

    var all: UInt64 { weak | strong }
  }

  /// A walk within the component of a place, from it and back to it; empty when the run may stop.
  private func loop(from start: Int) throws -> [Move] {
    let (weak, strong) = (steps.marker.weak, steps.marker.strong)
    try steps.expand(start)
    var duties = Duties(weak: weak & steps.enabled, strong: strong & steps.enabled)
    if duties.all == 0 { return [] }
    var walk: [Move] = []
    var place = start
    while duties.all != 0 || place != start || walk.isEmpty {
      let open = duties
      let part = try nearest(from: place) { move, enabled in
        if open.all == 0 { return move.to == start }
        if open.all & move.mark != 0 { return true }
        return open.weak & ~enabled != 0
      }
      for move in part {
        try steps.expand(move.to)
        duties.taken |= move.mark
        duties.weak &= steps.enabled & ~duties.taken
        duties.strong = (duties.strong | strong & steps.enabled) & ~duties.taken
      }
      walk += part
      place = part[part.count - 1].to
    }
    return walk
  }

  /// The shortest way of at least one step, within the component, whose last step will do.
  ///
  /// - Parameter isGoal: gets a step and what is enabled in the state it leads to.
  private func nearest(
    from start: Int, until isGoal: (Move, UInt64) -> Bool
  ) throws -> [Move] {
    let component = search.number.base[start]
    var reached: [Int: Move] = [:]
    var queue = [start]
    var head = 0
    while head < queue.count {
      let place = queue[head]
      head += 1
      for move in try moves(from: place, component) {
        try steps.expand(move.to)
        if isGoal(move, steps.enabled) {
          var way = [move]
          while let last = way.last, last.from != start, let before = reached[last.from] {
            way.append(before)
          }
          return way.reversed()
        }
        if move.to != start, reached[move.to] == nil {
          reached[move.to] = move
          queue.append(move.to)
        }
      }
    }
    throw SearchError.disagreement("the loop cannot do what fairness demands")
  }

  private func moves(from place: Int, _ component: UInt32) throws(EngineFault) -> [Move] {
    try steps.expand(place)
    var moves: [Move] = []
    for successor in 0..<steps.count where !steps.isDone(successor) {
      let next = steps.place(successor)
      guard next >= 0, search.number.base[next] == component else { continue }
      moves.append(
        Move(from: place, successor: successor, to: next, mark: steps.mark(successor)))
    }
    return moves
  }
}
