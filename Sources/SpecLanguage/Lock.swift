extension SortID {
  /// All threads of all roles of a spec.
  public static let thread = SortID(name: "Thread", letter: "t")
}

/// How a lock is held.
public enum LockMode: Hashable, Sendable {
  case exclusive
  case shared

  /// The write side of a reader-writer lock.
  public static let write = LockMode.exclusive
  /// The read side of a reader-writer lock, or an SRCU read section.
  public static let read = LockMode.shared
}

/// A declared lock: a mutex, a reader-writer lock, or one of those for every element of a sort.
public struct LockDeclaration: Hashable, Sendable {
  /// As the kernel or the module calls it: `kvm->lock`, `TDR`.
  public let name: String
  /// Locks are taken in increasing rank; `nil` for a lock that is only ever tried.
  public let rank: Int?
  public let each: SortID?
  /// Which thread holds it exclusively.
  public let owner: VariableDeclaration
  /// Which threads hold it shared; `nil` for a mutex.
  public let readers: VariableDeclaration?
  public let location: SourceLocation

  init(
    name: String, rank: Int?, each: SortID?, shared: Bool, location: SourceLocation
  ) {
    self.name = name
    self.rank = rank
    self.each = each
    self.location = location
    let indices = each.map { [ValueType.element($0)] } ?? []
    let owner = ValueType.optional(.element(.thread))
    self.owner = VariableDeclaration(
      id: VariableID(raw: Identity.next()), kind: .lock(name: name), indices: indices,
      type: owner, initial: .literal(0, owner), location: location)
    let readers = ValueType.set(.thread)
    self.readers =
      shared
      ? VariableDeclaration(
        id: VariableID(raw: Identity.next()), kind: .lock(name: name), indices: indices,
        type: readers, initial: .literal(0, readers), location: location) : nil
  }
}

/// One lock, in one mode.
public struct LockUse: Hashable, Sendable {
  public let lock: LockDeclaration
  public let index: [Node]
  public let mode: LockMode

  public init(lock: LockDeclaration, index: [Node], mode: LockMode) {
    self.lock = lock
    self.index = index
    self.mode = mode
  }
}

/// Something that `Acquire`, `TryAcquire`, `Holding` and `Release` accept.
public protocol Lockable: Sendable {
  func use(_ mode: LockMode) -> LockUse
}

protocol DeclaringLock {
  var lock: LockDeclaration { get }
}

/// A mutex. `let kvmLock = Lock("kvm->lock", rank: 10)`.
public struct Lock: Lockable, DeclaringLock {
  public let lock: LockDeclaration

  public init(_ name: String, rank: Int?, file: String = #fileID, line: Int = #line) {
    lock = LockDeclaration(
      name: name, rank: rank, each: nil, shared: false,
      location: SourceLocation(file: file, line: line))
  }
  public func use(_ mode: LockMode) -> LockUse { LockUse(lock: lock, index: [], mode: mode) }
}

/// One mutex for every element of a sort.
public struct Locks<Key: Sort>: Sendable, DeclaringLock {
  public let lock: LockDeclaration

  public init(
    _ name: String, each key: Key.Type, rank: Int?, file: String = #fileID, line: Int = #line
  ) {
    lock = LockDeclaration(
      name: name, rank: rank, each: Key.sort, shared: false,
      location: SourceLocation(file: file, line: line))
  }
  public subscript(_ key: some Readable<Key>) -> OneLock {
    OneLock(lock: lock, index: [key.node])
  }
}

/// A reader-writer lock, an SRCU domain, or a sharex lock of the TDX module.
public struct RWLock: Lockable, DeclaringLock {
  public let lock: LockDeclaration

  public init(_ name: String, rank: Int?, file: String = #fileID, line: Int = #line) {
    lock = LockDeclaration(
      name: name, rank: rank, each: nil, shared: true,
      location: SourceLocation(file: file, line: line))
  }
  public func use(_ mode: LockMode) -> LockUse { LockUse(lock: lock, index: [], mode: mode) }
}

/// One reader-writer lock for every element of a sort.
public struct RWLocks<Key: Sort>: Sendable, DeclaringLock {
  public let lock: LockDeclaration

  public init(
    _ name: String, each key: Key.Type, rank: Int?, file: String = #fileID, line: Int = #line
  ) {
    lock = LockDeclaration(
      name: name, rank: rank, each: Key.sort, shared: true,
      location: SourceLocation(file: file, line: line))
  }
  public subscript(_ key: some Readable<Key>) -> OneLock {
    OneLock(lock: lock, index: [key.node])
  }
}

/// One lock out of many.
public struct OneLock: Lockable {
  let lock: LockDeclaration
  let index: [Node]
  public func use(_ mode: LockMode) -> LockUse { LockUse(lock: lock, index: index, mode: mode) }
}

/// Whether any thread holds the lock: exclusively, or also shared.
public func holding(_ lock: some Lockable, _ mode: LockMode = .exclusive) -> Condition {
  let use = lock.use(mode)
  let owner = Node.read(use.lock.owner.id, use.index)
  let owned = Node.not(.equal(owner, use.lock.owner.initial))
  guard mode == .shared, let readers = use.lock.readers else { return Condition(owned) }
  let read = Node.not(.equal(.read(readers.id, use.index), readers.initial))
  return Condition(.or([owned, read]))
}
