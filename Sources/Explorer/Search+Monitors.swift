import SpecLanguage
import SpecProgram

/// Which monitor of the engine answers which question about which property.
public struct MonitorPlan: Sendable {
  /// The conditions, in the engine's order.
  public let monitors: [Monitor]
  let decisive: [Int]
  let premise: [Int?]
  /// Where the refusals of a `Possible` are looked for.
  let after: [Int?]
  let deadlock: Int?
  /// The monitors that a search evaluates on every new state.
  let all: UInt64

  public init(_ properties: [ResolvedProperty]) {
    var decisive: [Int] = []
    var premise: [Int?] = []
    var questions = Questions()
    for property in properties {
      decisive.append(questions.number(Question(decisiveOf: property)))
      premise.append(
        Monitor.premise(property).map { questions.number(Question(kind: .premise, monitor: $0)) })
    }
    var monitors = questions.list.map(\.monitor)
    let watched = monitors.count
    var after: [Int?] = []
    for property in properties {
      if let condition = Monitor.after(property) {
        after.append(monitors.count)
        monitors.append(condition)
      } else {
        after.append(nil)
      }
    }
    self.monitors = monitors
    self.decisive = decisive
    self.premise = premise
    self.after = after
    deadlock = properties.firstIndex { $0.property.id == Property.noDeadlockID }
    // no-deadlock is not a condition on a state alone.
    var mask: UInt64 = watched >= 64 ? ~0 : (1 << UInt64(watched)) - 1
    if let deadlock { mask &= ~(1 << UInt64(decisive[deadlock])) }
    all = mask
  }
}

extension MonitorPlan {
  /// How many monitors an engine has room for.
  private static var most: Int { 64 }

  /// The properties in as few searches as have room for them, in their order.
  ///
  /// Scenarios are not searched for, and need no room.
  public static func batches(of properties: [ResolvedProperty]) -> [[ResolvedProperty]] {
    var batches: [[ResolvedProperty]] = []
    for property in properties {
      let longer = (batches.last ?? []) + [property]
      let isRoomy = MonitorPlan(longer.filter { !$0.isScenario }).monitors.count <= most
      if isRoomy, !batches.isEmpty {
        batches[batches.count - 1] = longer
      } else {
        batches.append([property])
      }
    }
    return batches
  }

  /// Questions that are the same have one answer: a bit is cleared once all of them have it.
  private struct Question: Hashable {
    enum Kind: Hashable {
      case always, possible, deadlock, premise
    }

    let kind: Kind
    let monitor: Monitor

    init(kind: Kind, monitor: Monitor) {
      self.kind = kind
      self.monitor = monitor
    }

    init(decisiveOf property: ResolvedProperty) {
      monitor = Monitor.decisive(property)
      if property.property.id == Property.noDeadlockID {
        kind = .deadlock
      } else if case .always = property.property.kind {
        kind = .always
      } else {
        kind = .possible
      }
    }
  }

  private struct Questions {
    private(set) var list: [Question] = []
    private var numbers: [Question: Int] = [:]

    mutating func number(_ question: Question) -> Int {
      if let known = numbers[question] { return known }
      numbers[question] = list.count
      list.append(question)
      return list.count - 1
    }
  }
}

extension Search {
  /// Evaluates what is still open on new states, which have consecutive ids.
  ///
  /// - Returns: false when the search is over.
  func note(
    _ states: UnsafePointer<UInt64>, _ count: Int, firstID: Int, _ buffers: BatchBuffers
  ) -> Bool {
    var good = count
    var fault: EngineFault?
    do throws(EngineFault) {
      let any = try engine.observe(states, count, active: active, into: buffers.seen)
      if !any { return true }
    } catch {
      good = error.index
      fault = error
    }
    for index in 0..<good where !record(buffers.seen[index], id: firstID + index) {
      stoppedAfter = firstID + index + 1
      return false
    }
    if let fault { fail(.spec(fault.error)) }
    return fault == nil
  }

  /// Looks at the states of a batch without successors and at the new states, as if the successors
  /// of each state had been dealt with before the next state.
  ///
  /// - Returns: false when the search is over.
  func noteInOrder(
    _ current: borrowing Frontier, _ head: Int, _ size: Int, _ firstID: Int,
    _ next: borrowing Frontier, _ before: (id: Int, place: Int), _ buffers: BatchBuffers
  ) -> Bool {
    var id = before.id
    for offset in 0..<size {
      let parent = firstID + offset
      if buffers.counts[offset] == 0, !noteDeadEnd(current.state(at: head + offset), id: parent) {
        stoppedAfter = id
        return false
      }
      let start = id
      while id < store.count, Int(store.link(of: id).parent) == parent { id += 1 }
      if id > start, active != 0 {
        let state = next.state(at: before.place + start - before.id)
        guard note(state, id - start, firstID: start, buffers) else { return false }
      }
    }
    return true
  }

  @inline(never)
  private func record(_ all: UInt64, id: Int) -> Bool {
    let seen = all & active
    if seen == 0 { return true }
    for index in properties.indices {
      let bit: UInt64 = 1 << UInt64(plan.decisive[index])
      if let premise = plan.premise[index], seen & (1 << UInt64(premise)) != 0 {
        result.findings[index].premiseSeen = true
        active &= ~(1 << UInt64(premise))
      }
      guard seen & bit != 0 else { continue }
      result.findings[index].hits += 1
      if result.findings[index].state == nil {
        result.findings[index].state = id
        if !decided(index) { return false }
      }
    }
    return true
  }

  /// A property has its answer.
  ///
  /// - Returns: false when the search is over.
  private func decided(_ index: Int) -> Bool {
    if case .always = properties[index].property.kind {
      active &= ~(1 << UInt64(plan.decisive[index]))
      if limits.stopAtFirst {
        result.end = .stoppedAtFirst
        return false
      }
    }
    if result.findings.allSatisfy({ $0.state != nil }) && !properties.isEmpty {
      result.end = .decided
      return false
    }
    return true
  }

  /// A state without successors: a deadlock if some thread is inside a call.
  func noteDeadEnd(_ state: UnsafePointer<UInt64>, id: Int) -> Bool {
    guard let index = plan.deadlock, result.findings[index].state == nil else { return true }
    guard engine.program.isBusy(engine.layout.unpack(state)) else { return true }
    result.findings[index].state = id
    result.findings[index].hits += 1
    return decided(index)
  }

  #if DEBUG
  /// Compares the engine's successors with the interpreter's.
  func selfCheck(
    _ current: borrowing Frontier, _ head: Int, _ size: Int, _ buffers: BatchBuffers
  ) -> Bool {
    guard selfChecksLeft > 0, !engine.isReduced, !(engine is TreeEngine) else { return true }
    let words = engine.layout.words
    var index = 0
    for offset in 0..<size {
      selfChecksLeft -= 1
      let cells = engine.layout.unpack(current.state(at: head + offset))
      let count = Int(buffers.counts[offset])
      let fast = (0..<count).map {
        engine.layout.unpack(buffers.successors + (index + $0) * words)
      }
      index += count
      let slow = (try? Interpreter(engine.program).transitions(from: cells))?.map(\.state)
      if slow.map({ $0.sorted(by: lexicographic) }) != fast.sorted(by: lexicographic) {
        fail(.disagreement("the engine and the interpreter differ in state \(cells)"))
        return false
      }
    }
    return true
  }

  private func lexicographic(_ a: [Int], _ b: [Int]) -> Bool { a.lexicographicallyPrecedes(b) }
  #endif
}
