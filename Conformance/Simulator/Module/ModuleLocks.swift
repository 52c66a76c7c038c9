/// How a lock is asked for.
public enum LockMode: Hashable, Sendable {
  case shared
  case exclusive
}

/// The lock that ranks the host above guests: bit 0 exclusive, bit 1 host priority, bits 15:2
/// readers (tdx-module §6.1).
struct HostPriorityLock: Hashable {
  private(set) var word: UInt16 = 0

  private static let exclusive: UInt16 = 1
  private static let priority: UInt16 = 2
  private static let reader: UInt16 = 4

  /// One attempt of the host. A failed one leaves the priority bit, a failed shared one also its
  /// reader, which the release of the exclusive holder erases.
  mutating func tryByHost(_ mode: LockMode) -> Bool {
    switch mode {
    case .shared:
      word &+= Self.reader
      guard word & Self.exclusive == 0 else {
        word |= Self.priority
        return false
      }
      word &= ~Self.priority
      return true
    case .exclusive:
      guard word == 0 || word == Self.priority else {
        word |= Self.priority
        return false
      }
      word = Self.exclusive
      return true
    }
  }

  /// Turns the only reader's lock into an exclusive one.
  mutating func tryPromote() -> Bool {
    guard word & ~Self.priority == Self.reader else {
      word |= Self.priority
      return false
    }
    word = Self.exclusive
    return true
  }

  mutating func release(_ mode: LockMode) {
    switch mode {
    case .shared: word &-= Self.reader
    case .exclusive: word &= Self.priority
    }
  }

  /// Nobody holds it.
  var isFree: Bool { word & ~Self.priority == 0 }
}

/// The plain lock: bit 0 exclusive, bits 15:1 readers (tdx-module §6.1).
struct SharedLock: Hashable {
  private(set) var word: UInt16 = 0

  mutating func attempt(_ mode: LockMode) -> Bool {
    switch mode {
    case .shared:
      word &+= 2
      return word & 1 == 0
    case .exclusive:
      guard word == 0 else { return false }
      word = 1
      return true
    }
  }

  mutating func release(_ mode: LockMode) {
    switch mode {
    case .shared: word &-= 2
    case .exclusive: word = 0
    }
  }

  /// Nobody holds it.
  var isFree: Bool { word == 0 }
}
