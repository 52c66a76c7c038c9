import SpecLanguage

extension SpecDescription {
  /// Locks that no action tries and no property mentions: their release is invisible. What is
  /// decided on the full graph does not count.
  var quietLocks: Set<LockDeclaration> {
    var loud: Set<LockDeclaration> = []
    func look(_ statements: [Statement]) {
      for statement in statements {
        switch statement.kind {
        case .tryAcquire(let use, _): loud.insert(use.lock)
        case .tryHolding(let use, _, let body):
          loud.insert(use.lock)
          look(body)
        case .tryAcquireAll(let lock, _): loud.insert(lock)
        case .when(_, let yes, let no):
          look(yes)
          look(no)
        case .each(_, let body), .forEach(_, _, _, let body), .step(_, let body),
          .holding(_, let body):
          look(body)
        case .call(let action, _): look(action.body)
        default: break
        }
      }
    }
    for action in actions { look(action.body) }
    var mentioned: Set<VariableID> = []
    for property in properties where !property.needsFullGraph {
      property.condition.visit { if case .read(let id, _) = $0 { mentioned.insert(id) } }
    }
    for action in actions {
      action.visitExpressions {
        $0.visit { if case .read(let id, _) = $0 { mentioned.insert(id) } }
      }
    }
    for lock in locks {
      let ids = [lock.owner.id] + (lock.readers.map { [$0.id] } ?? [])
      if ids.contains(where: mentioned.contains) { loud.insert(lock) }
    }
    return Set(locks).subtracting(loud)
  }
}

extension Program {
  /// The properties that every spec with threads has.
  func builtInProperties() -> [ResolvedProperty] {
    guard hasThreads else { return [] }
    let order = LockOrder(program: self)
    return [
      builtIn(
        Property.noDeadlockID, "some thread is inside a call and nothing can happen", .const(1)),
      builtIn("lock-order", "locks are taken in the order of their ranks", order.respected),
      builtIn("lock-balance", "a call ends with no lock held", order.balanced),
    ]
  }

  private func builtIn(_ id: String, _ text: String, _ term: Term) -> ResolvedProperty {
    ResolvedProperty(
      property: Property.builtIn(id, text), term: term, premise: nil, after: nil,
      registerCount: 0, isBuiltIn: true)
  }
}

/// Lock order and lock balance, from which locks a thread may hold at each node.
///
/// A claim is only made about the places where the flow of control cannot rule a mistake out, so
/// a well-nested spec pays nothing for it.
struct LockOrder {
  let program: Program

  /// No thread waits for a lock while it holds one that must be taken later.
  var respected: Term {
    var parts: [Term] = []
    for procedure in program.procedures where procedure.isThreaded {
      let held = mayHold(procedure)
      for (node, info) in procedure.info.enumerated() {
        guard procedure.nodes[node].isBoundary else { continue }
        for wanted in waits(node, info, procedure) {
          guard let rank = wanted.rank else { continue }
          for lock in Set(held[node].map(\.lock)) {
            guard let other = lock.rank, other > rank || (other == rank && lock.each == nil)
            else { continue }
            parts += bad(procedure.locationOfNode[node], holding: lock)
          }
        }
      }
    }
    return .and(parts)
  }

  /// An idle thread holds nothing.
  var balanced: Term {
    var leaked: Set<LockDeclaration> = []
    for procedure in program.procedures where procedure.isThreaded {
      let held = mayHold(procedure)
      for (node, content) in procedure.nodes.enumerated() {
        switch content {
        case .end, .endLocal: leaked.formUnion(held[node].map(\.lock))
        default: break
        }
      }
    }
    let locks = program.spec.locks.filter(leaked.contains)
    return .and(locks.flatMap { bad(0, holding: $0) })
  }

  /// For every thread: not (stands there and holds one of the locks).
  private func bad(_ location: Int, holding lock: LockDeclaration) -> [Term] {
    var parts: [Term] = []
    for (number, thread) in program.threads.enumerated() {
      let there = Term.equal(.cell(thread.location), .const(location))
      for held in cells(of: lock, thread: number) {
        parts.append(.not(.and([there, held])))
      }
    }
    return parts
  }

  private func cells(of lock: LockDeclaration, thread: Int) -> [Term] {
    var result: [Term] = []
    if let owner = program.variables[lock.owner.id] {
      for cell in owner.base..<owner.base + owner.cellCount {
        result.append(.equal(.cell(cell), .const(thread + 1)))
      }
    }
    if let readers = lock.readers, let layout = program.variables[readers.id] {
      let step = layout.setCount ?? 1
      for base in stride(from: layout.base, to: layout.base + layout.cellCount, by: step) {
        result.append(.equal(.cell(base + thread), .const(1)))
      }
    }
    return result
  }
}
