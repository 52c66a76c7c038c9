/// What is in a frame of memory.
enum Content: Hashable {
  case zero
  /// What the host put there.
  case host
  /// A guest's own data, that nobody else may see.
  case plain(Int, page: Int, version: Int)
  /// The same, encrypted for the host.
  case encrypted(Int, page: Int, version: Int)
  /// Export of a page whose owner is gone leaves anything.
  case undefined
}

/// The host's memory, frame by frame.
final class HostFrames: @unchecked Sendable {
  /// What each frame that is in use is for, in words.
  private(set) var used: [Int: String] = [:]
  var content: [Int: Content] = [:]
  private var last = 0

  /// Frames are given out once only, so that one that is used after it was freed is noticed.
  func allocate(_ use: String, _ content: Content = .zero) -> Int {
    last += 1
    used[last] = use
    self.content[last] = content
    return last
  }

  /// False: it was not in use.
  func free(_ frame: Int) -> Bool {
    content[frame] = nil
    return used.removeValue(forKey: frame) != nil
  }
}

/// The process's memory behind an address of the guest.
final class GuestFrame {
  let number: Int
  /// Nil: nothing is mapped there.
  var frame: Int?
  /// What went to swap, when nothing is mapped.
  var swapped: Content?
  /// PG_arch_1: it may be secure.
  var isFlagged = false
  /// The guest's tables have an entry for it.
  var hasEntry = false
  let lock = KernelLock("folio lock")

  init(_ number: Int) { self.number = number }
}

/// The address space of the process (s390-pv §1.3).
final class ProcessMemory {
  /// protected_count.
  var count = 0
  /// What the notifier's fast destroy leaves on the count for ever.
  var countForEver = 0
  var isAlive = true
  var isExiting = false
  let pages: [GuestFrame]
  let lock = KernelLock("mmap_lock")

  init(pages: Int) { self.pages = (0..<pages).map { GuestFrame($0) } }
}
