import SpecLanguage

/// A lock that a thread may hold at some node.
struct HeldLock: Hashable {
  let lock: LockDeclaration
  let isShared: Bool
  /// Which lock of a family; `nil` when it cannot be told any more, and where locks are
  /// certainly held, for every one.
  let index: [Term]?
}

/// What a step does to a lock.
private struct LockChange {
  enum Kind { case taken, released, allReleased }
  let kind: Kind
  let held: HeldLock
  /// The step waits for the lock, rather than refuse the call when it is taken.
  let waits: Bool
  /// Every lock of the family.
  var isEvery = false
}

extension LockOrder {
  /// The locks that a step waits for, also within a `Step` of several statements.
  func waits(_ node: Int, _ info: NodeInfo, _ procedure: Procedure) -> [LockDeclaration] {
    guard case .atomic(let body, _) = procedure.nodes[node] else { return [] }
    return changes(body, procedure).filter { $0.kind == .taken && $0.waits }.map(\.held.lock)
  }

  /// Forward data flow: the locks that may be held when a node is reached.
  func mayHold(_ procedure: Procedure) -> [Set<HeldLock>] { held(procedure, certainly: false) }

  /// Forward data flow: the locks that are held whenever a node is reached, as far as it can tell.
  func mustHold(_ procedure: Procedure) -> [Set<HeldLock>] { held(procedure, certainly: true) }

  private func held(_ procedure: Procedure, certainly: Bool) -> [Set<HeldLock>] {
    var held = [Set<HeldLock>](repeating: [], count: procedure.nodes.count)
    var queue = [procedure.entry]
    var seen: Set<Int> = [procedure.entry]
    while let node = queue.popLast() {
      for (next, after) in leaving(node, held[node], procedure, certainly) {
        let isNew = !seen.contains(next)
        let merged =
          certainly && !isNew ? held[next].intersection(after) : held[next].union(after)
        if merged != held[next] || isNew {
          held[next] = merged
          seen.insert(next)
          queue.append(next)
        }
      }
    }
    return held
  }

  /// The nodes that follow, each with what may be held there.
  private func leaving(
    _ node: Int, _ held: Set<HeldLock>, _ procedure: Procedure, _ certainly: Bool
  ) -> [(Int, Set<HeldLock>)] {
    let content = procedure.nodes[node]
    switch content {
    case .atomic(let body, let next), .silent(let body, let next):
      var after = held
      for change in changes(body, procedure, certainly: certainly) {
        switch change.kind {
        case .taken where certainly && change.held.index == nil && !change.isEvery: break
        case .taken: after.insert(change.held)
        case .released where !certainly:
          if change.held.index != nil { after.remove(change.held) }
        // Two ways to write an index may name the same lock.
        case .released, .allReleased: after = after.filter { $0.lock != change.held.lock }
        }
      }
      // A refused step has taken nothing; one that returns may have.
      let either = certainly ? held.intersection(after) : held.union(after)
      let set = Set(body.flatMap(\.locals).compactMap { procedure.locals[$0] })
      return [(next, forgetting(set, after, certainly))]
        + body.flatMap(\.refusals).map { ($0, held) }
        + body.flatMap(\.returns).map { ($0, forgetting(set, either, certainly)) }
    case .pick(let loop, _, _):
      let element = Set(procedure.bounds[loop.bound].map { [$0] } ?? [])
      let after = forgetting(element, held, certainly)
      return content.successors.map { ($0, after) }
    case .test, .end, .endLocal:
      return content.successors.map { ($0, held) }
    }
  }

  /// What is held once the registers have other values: which lock of a family it was cannot be
  /// told any more.
  private func forgetting(
    _ registers: Set<Int>, _ held: Set<HeldLock>, _ certainly: Bool
  ) -> Set<HeldLock> {
    guard !registers.isEmpty else { return held }
    return Set(
      held.compactMap { lock -> HeldLock? in
        let mentioned = lock.index?.contains { !$0.registers.isDisjoint(with: registers) }
        guard mentioned == true else { return lock }
        return certainly ? nil : HeldLock(lock: lock.lock, isShared: lock.isShared, index: nil)
      })
  }

  private func changes(
    _ body: [AtomicStatement<Term>], _ procedure: Procedure, all: Bool = false,
    certainly: Bool = false
  ) -> [LockChange] {
    var result: [LockChange] = []
    var waits = true
    for statement in body {
      switch statement {
      case .require: waits = true
      case .check: waits = false
      case .assign(.variable(let id, let index), let value, _):
        if let change = change(id, all ? nil : index, value, waits, procedure) {
          result.append(change)
        }
      case .when(let condition, let yes, let no):
        // What is released under a condition may still be held, unless it asks for the holder.
        let isMine = if case .equal(_, .add(.thread, .const(1))) = condition { all } else { false }
        let either =
          changes(yes, procedure, all: all, certainly: certainly)
          + changes(no, procedure, all: all, certainly: certainly)
        result += either.filter { certainly ? $0.kind != .taken : $0.kind == .taken || isMine }
      case .each(let bound, let inner):
        let register = procedure.bounds[bound].map { Term.register($0) }
        result += changes(inner, procedure, all: true, certainly: certainly).map { change in
          var copy = change
          copy.isEvery = inner.contains { $0.writes(change.held.lock, at: register) }
          return copy
        }
      case .assign(.local, _, _), .exit: break
      }
    }
    return result
  }

  private func change(
    _ id: VariableID, _ index: [Term]?, _ value: Term, _ waits: Bool, _ procedure: Procedure
  ) -> LockChange? {
    guard
      let lock = program.spec.locks.first(where: { $0.owner.id == id || $0.readers?.id == id })
    else { return nil }
    let fixed = index.flatMap { $0.allSatisfy { $0.isFixed(in: procedure) } ? $0 : nil }
    let held = HeldLock(lock: lock, isShared: lock.readers?.id == id, index: fixed)
    let isRelease =
      switch value {
      case .const(0), .removing: true
      default: false
      }
    let kind: LockChange.Kind = !isRelease ? .taken : index == nil ? .allReleased : .released
    return LockChange(kind: kind, held: held, waits: waits)
  }
}

extension AtomicStatement where E == Term {
  /// Whether it writes, whatever the state, the lock of the family that the register names.
  fileprivate func writes(_ lock: LockDeclaration, at register: Term?) -> Bool {
    guard case .assign(.variable(lock.owner.id, let index), _, _) = self else { return false }
    return index.count == 1 && index.first == register
  }
}

extension AtomicStatement {
  /// Where failed checks lead.
  fileprivate var refusals: [Int] {
    ways { if case .check(_, _, let node) = $0 { node } else { nil } }
  }

  /// Where a `Return` within the step leads.
  fileprivate var returns: [Int] { ways { if case .exit(let node) = $0 { node } else { nil } } }

  /// The locals that it may set.
  fileprivate var locals: [LocalID] {
    switch self {
    case .assign(.local(let id), _, _): [id]
    case .when(_, let yes, let no): (yes + no).flatMap(\.locals)
    case .each(_, let body): body.flatMap(\.locals)
    default: []
    }
  }

  private func ways(_ way: (AtomicStatement) -> Int?) -> [Int] {
    switch self {
    case .when(_, let yes, let no): (yes + no).flatMap { $0.ways(way) }
    case .each(_, let body): body.flatMap { $0.ways(way) }
    default: way(self).map { [$0] } ?? []
    }
  }
}

extension Term {
  /// Whether a lock's index is the same until a loop takes its next element, or a step sets the
  /// local that it is.
  fileprivate func isFixed(in procedure: Procedure) -> Bool {
    switch self {
    case .const, .thread: true
    case .register(let register):
      procedure.bounds.values.contains(register) || procedure.locals.values.contains(register)
    case .table(_, let key): key.isFixed(in: procedure)
    // The element of an optional local.
    case .subtract(let value, .const): value.isFixed(in: procedure)
    default: false
    }
  }
}
