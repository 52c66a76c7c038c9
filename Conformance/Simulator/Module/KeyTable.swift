/// What the module knows of a key id (tdx-module §2.3).
public enum KeyState: UInt8, Hashable, Sendable, CaseIterable {
  case HKID_FREE
  case HKID_ASSIGNED
  case HKID_FLUSHED
  case HKID_RESERVED
}

/// The KOT: an entry for each private key id.
struct KeyTable {
  struct Entry {
    var state = KeyState.HKID_FREE
    /// Packages whose caches still have to be written back.
    var pending: UInt64 = 0
  }

  let first: Int
  var entries: [Entry]
  var lock = SharedLock()

  init(_ hkids: ClosedRange<Int>) {
    first = hkids.lowerBound
    entries = Array(repeating: Entry(), count: hkids.count)
  }

  func has(_ hkid: Int) -> Bool { entries.indices.contains(hkid - first) }

  subscript(_ hkid: Int) -> Entry {
    get { has(hkid) ? entries[hkid - first] : Entry() }
    set { if has(hkid) { entries[hkid - first] = newValue } }
  }

  /// The key ids whose TD has gone but whose lines may be in caches.
  var flushed: [Int] {
    entries.indices.filter { entries[$0].state == .HKID_FLUSHED }.map { $0 + first }
  }
}

/// The progress of CACHE.WB on one package.
struct WriteBackRecord {
  var isLocked = false
  /// The next part of the cache; 0 means that no cycle was interrupted.
  var next = 0
  /// The key ids that were flushed when the cycle began.
  var hkids: [Int] = []
}
