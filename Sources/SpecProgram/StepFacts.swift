import SpecLanguage

/// Something that follows from the order of a procedure's steps: the codes of a clause never
/// occur together.
///
/// Nothing is claimed of it here: it still has to be proved as any lemma has.
package struct StepFact: Sendable {
  package let clauses: [[(cell: Int, code: Int)]]
}

extension GroundProgram {
  /// For every place: that no thread stands there, or which locks it holds there and what it may
  /// remember. For every lock: where its holder can stand, and that it has no reader while it is
  /// held exclusively.
  package var stepFacts: [StepFact] {
    let writer = StepFactWriter(program)
    return writer.places(reachedBy: rules) + writer.exclusions + writer.holdings
      + writer.whereabouts
  }
}

/// A condition on cells: all have these codes.
private typealias Codes = [(cell: Int, code: Int)]

private struct StepFactWriter {
  let program: Program
  /// For each procedure and node.
  let must: [[Set<HeldLock>]]
  let may: [[Set<HeldLock>]]

  init(_ program: Program) {
    self.program = program
    let order = LockOrder(program: program)
    must = program.procedures.map { $0.isThreaded ? order.mustHold($0) : [] }
    may = program.procedures.map { $0.isThreaded ? order.mayHold($0) : [] }
  }

  /// One lock of a declaration, with its cells.
  private struct OneLock {
    let lock: LockDeclaration
    let index: [Int]
    let owner: Int
    let readers: Int?
  }

  private var locks: [OneLock] {
    program.spec.locks.flatMap { lock -> [OneLock] in
      guard let owner = program.variables[lock.owner.id] else { return [] }
      let readers = lock.readers.flatMap { program.variables[$0.id] }
      return Combinations(owner.indices.map(\.count)).map { index in
        OneLock(
          lock: lock, index: index, owner: owner.cell(index), readers: readers?.cell(index))
      }
    }
  }

  /// The places where a thread can stand, but for idle.
  private func places(of thread: Int) -> [(location: Int, procedure: Procedure, node: Int)] {
    program.locations.enumerated().compactMap { location, place in
      guard place.procedure >= 0 else { return nil }
      let procedure = program.procedures[place.procedure]
      return program.mayRun(procedure, thread) ? (location, procedure, place.node) : nil
    }
  }

  private func stands(_ thread: Int, at location: Int) -> (cell: Int, code: Int) {
    (program.threads[thread].location, location)
  }

  // MARK: Facts

  /// Places that no step leads to, and codes that nothing remembered has there.
  func places(reachedBy rules: [GroundRule]) -> [StepFact] {
    var reached = program.threads.map { _ in Set([0]) }
    for rule in rules {
      guard let thread = rule.label.thread else { continue }
      for case (program.threads[thread].location, .const(let place)) in rule.writes {
        reached[thread].insert(place)
      }
    }
    return program.threads.enumerated().flatMap { number, thread in
      program.locations.indices.map { location in
        let here = stands(number, at: location)
        guard reached[number].contains(location) else { return StepFact(clauses: [[here]]) }
        let excess = program.remembered(at: location).filter { $0.setCount == nil }.flatMap {
          entry -> [Codes] in
          let cell = thread.frame + entry.offset
          return (entry.count..<max(entry.count, program.cells[cell].count)).map {
            [here, (cell, $0)]
          }
        }
        return StepFact(clauses: excess)
      }
    }.filter { !$0.clauses.isEmpty }
  }

  var exclusions: [StepFact] {
    locks.compactMap { lock in
      guard let readers = lock.readers else { return nil }
      let threads = program.threads.indices
      return StepFact(
        clauses: threads.flatMap { reader in
          threads.map { [(readers + reader, 1), (lock.owner, $0 + 1)] }
        })
    }
  }

  /// What a thread holds where it stands.
  var holdings: [StepFact] {
    let locks = self.locks
    return program.threads.indices.flatMap { thread in
      places(of: thread).flatMap { place in
        must[place.procedure.index][place.node].map { held in
          var clauses: [Codes] = []
          for (index, codes) in indices(of: held, place.procedure, place.node, thread) {
            for lock in locks
            where lock.lock == held.lock && index.map({ $0 == lock.index }) != false {
              let here = [stands(thread, at: place.location)] + codes
              clauses += denials(of: lock, held.isShared, by: thread).map { here + [$0] }
            }
          }
          return StepFact(clauses: clauses)
        }
      }
    }
  }

  /// The codes that say that the thread does not hold the lock.
  private func denials(of lock: OneLock, _ isShared: Bool, by thread: Int) -> Codes {
    if isShared { return lock.readers.map { [($0 + thread, 0)] } ?? [] }
    return (0...program.threads.count).filter { $0 != thread + 1 }.map { (lock.owner, $0) }
  }

  /// Where a lock's holder can stand.
  var whereabouts: [StepFact] {
    locks.flatMap { lock in
      program.threads.indices.flatMap { thread -> [StepFact] in
        var facts = [whereabouts(of: (lock.owner, thread + 1), lock, false, thread)]
        if let readers = lock.readers {
          facts.append(whereabouts(of: (readers + thread, 1), lock, true, thread))
        }
        return facts
      }
    }
  }

  private func whereabouts(
    of holder: (cell: Int, code: Int), _ lock: OneLock, _ isShared: Bool, _ thread: Int
  ) -> StepFact {
    var clauses: [Codes] = [[holder, stands(thread, at: 0)]]
    for place in places(of: thread) {
      let here = [holder, stands(thread, at: place.location)]
      let own = may[place.procedure.index][place.node].filter {
        $0.lock == lock.lock && $0.isShared == isShared
      }
      if own.isEmpty {
        clauses.append(here)
      } else if own.count == 1, let held = own.first, held.index != nil {
        for (index, codes) in indices(of: held, place.procedure, place.node, thread)
        where index != lock.index { clauses.append(here + codes) }
      }
    }
    return StepFact(clauses: clauses)
  }

  /// The indices that the lock can have at a place, each with what the thread then remembers;
  /// none when it has forgotten what the index depends on.
  private func indices(
    of held: HeldLock, _ procedure: Procedure, _ node: Int, _ thread: Int
  ) -> [(index: [Int]?, codes: Codes)] {
    guard let terms = held.index else { return [(nil, [])] }
    let registers = terms.reduce(into: Set<Int>()) { $0.formUnion($1.registers) }.sorted()
    guard registers.allSatisfy({ procedure.live[node].contains($0) }) else { return [] }
    let base = program.threads[thread].frame
    return Combinations(registers.map { procedure.frameSpans[$0] }).map { choice in
      var run = SymbolicRun(program, thread: thread, registers: procedure.registerCount)
      var codes: Codes = []
      for (register, value) in zip(registers, choice) {
        run.registers[register] = .number(.const(value))
        codes.append((base + procedure.frameCells[register].offset, value))
      }
      let index = terms.map { term -> Int in
        if case .const(let number) = run.value(of: term) { number } else { -1 }
      }
      return (index, codes)
    }
  }
}
