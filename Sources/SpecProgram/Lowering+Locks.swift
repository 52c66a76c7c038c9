import SpecLanguage

extension Lowering {
  /// A lock statement that stands alone: a step of its own, or invisible when it is a release
  /// that nobody can tell from the step before it.
  mutating func lowerLock(
    _ statement: Statement, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    let place = statement.location
    switch statement.kind {
    case .acquire(let use):
      return acquiring(use, context, place, next: next)
    case .release(let use):
      return releasing(use, context, place, withStep: false, next: next)
    case .releaseAll(let lock) where quietLocks.contains(lock):
      let atoms = try lockAtoms(statement, context)
      let event = LockEvent(action: .release, lock: lock, mode: .exclusive, all: true)
      return add(
        .silent(atoms, next: next), context, label(of: statement), place, lock: event)
    default:
      let atoms = try lockAtoms(statement, context)
      return add(
        .atomic(atoms, next: next), context, label(of: statement), place,
        lock: event(of: statement))
    }
  }

  mutating func acquiring(
    _ use: LockUse, _ context: Context, _ place: SourceLocation, next: Int
  ) -> Int {
    let event = LockEvent(action: .acquire, lock: use.lock, mode: use.mode, all: false)
    return add(
      .atomic([.require(use.free), use.take(place)], next: next), context,
      "takes \(text(use))", place, lock: event)
  }

  mutating func releasing(
    _ use: LockUse, _ context: Context, _ place: SourceLocation?, withStep: Bool, next: Int
  ) -> Int {
    let event = LockEvent(action: .release, lock: use.lock, mode: use.mode, all: false)
    let atoms = [use.drop(place ?? use.lock.location)]
    let label = "releases \(text(use))"
    if withStep || quietLocks.contains(use.lock) {
      return add(.silent(atoms, next: next), context, label, place, lock: event)
    }
    return add(.atomic(atoms, next: next), context, label, place, lock: event)
  }

  /// `vcpu->mutex[v]`, `mmu_lock for write`.
  private func text(_ use: LockUse) -> String { reader.text(use) }

  private func event(of statement: Statement) -> LockEvent? {
    switch statement.kind {
    case .tryAcquire(let use, _):
      LockEvent(action: .tried, lock: use.lock, mode: use.mode, all: false)
    case .tryAcquireAll(let lock, _):
      LockEvent(action: .tried, lock: lock, mode: .exclusive, all: true)
    case .releaseAll(let lock):
      LockEvent(action: .release, lock: lock, mode: .exclusive, all: true)
    default: nil
    }
  }

  /// A lock statement as reads and writes of the lock's variables.
  mutating func lockAtoms(
    _ statement: Statement, _ context: Context
  ) throws(SpecError) -> [AtomicStatement<Node>] {
    let place = statement.location
    switch statement.kind {
    case .acquire(let use):
      return [.require(use.free), use.take(place)]
    case .release(let use):
      return [use.drop(place)]
    case .tryAcquire(let use, let outcome):
      let number = register(use.free, outcome, place, context)
      return [
        .check(number, use.free, failTo: ending(outcome, context)), use.take(place),
      ]
    case .tryAcquireAll(let lock, let outcome):
      let (bound, use) = try family(lock, place)
      let free = Node.forAll(bound, use.free)
      let number = register(free, outcome, place, context)
      return [
        .check(number, free, failTo: ending(outcome, context)),
        .each(bound, [use.take(place)]),
      ]
    case .releaseAll(let lock):
      let (bound, use) = try family(lock, place)
      let mine = Node.equal(.read(lock.owner.id, use.index), .some(.currentThread))
      return [.each(bound, [.when(mine, [use.drop(place)], [])])]
    default:
      return []
    }
  }

  private func family(
    _ lock: LockDeclaration, _ place: SourceLocation
  ) throws(SpecError) -> (BoundID, LockUse) {
    guard let sort = lock.each else {
      throw SpecError("TDX1105", "\(lock.name) is one lock, not a family", at: place)
    }
    let bound = BoundID(raw: -lock.owner.id.raw, type: .element(sort))
    return (bound, LockUse(lock: lock, index: [.bound(bound)], mode: .exclusive))
  }
}

extension LockUse {
  private var owner: Node { .read(lock.owner.id, index) }

  /// The lock can be taken in this mode.
  var free: Node {
    let unowned = Node.equal(owner, lock.owner.initial)
    guard mode == .exclusive, let readers = lock.readers else { return unowned }
    return .and([unowned, .equal(.read(readers.id, index), readers.initial)])
  }

  func take(_ place: SourceLocation) -> AtomicStatement<Node> {
    guard mode == .shared, let readers = lock.readers else {
      return .assign(.variable(lock.owner.id, index), .some(.currentThread), place)
    }
    let value = Node.inserting(.currentThread, into: .read(readers.id, index))
    return .assign(.variable(readers.id, index), value, place)
  }

  func drop(_ place: SourceLocation) -> AtomicStatement<Node> {
    guard mode == .shared, let readers = lock.readers else {
      return .assign(.variable(lock.owner.id, index), lock.owner.initial, place)
    }
    let value = Node.removing(.currentThread, from: .read(readers.id, index))
    return .assign(.variable(readers.id, index), value, place)
  }
}
