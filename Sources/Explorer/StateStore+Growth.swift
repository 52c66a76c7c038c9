import CExplorerShims

/// Growth of the table and of the links.
///
/// Doubling the slots doubles every slot index, give or take the bit that is shifted in, so the
/// keys of the old table, read front to back, land in the new one front to back. That is fast (both
/// streams are sequential), and it lets the old pages go while the new ones fill: the peak is the
/// new table.
extension StateStore {
  /// Makes room for `additional` (>= 0) new states, so that as many `insert`s cannot fail. Call it
  /// once a batch with the number of successors in the batch. Amortised O(additional * words).
  ///
  /// - Throws: `StoreError.outOfMemory` or `StoreError.tooManyStates`; the store then holds what it
  ///   held, can be read, and takes as many states as had been reserved before.
  @inline(__always)
  mutating func reserve(additional: Int) throws(StoreError) {
    if additional > limit &- count { try grow(additional) }
  }

  /// What `residentBytes` would be right after `reserve(additional:)`, in bytes, without doing it.
  /// For a search with a memory limit, which has to stop before the growth that would break it.
  /// O(1).
  func residentBytes(afterReserving additional: Int) -> Int {
    guard additional <= Self.maximumCount - count else { return .max }
    var slots = Int(mask) + 1
    while Self.limit(slots: slots) < count + additional { slots *= 2 }
    let table = Self.tableBytes(slots: slots, words: words)
    return table == .max ? .max : table + count * Self.linkBytes
  }

  /// The cold half of `reserve`.
  @inline(never)
  private mutating func grow(_ additional: Int) throws(StoreError) {
    guard additional <= Self.maximumCount - count else {
      throw .tooManyStates(limit: Self.maximumCount)
    }
    let needed = count + additional
    let oldSlots = Int(mask) + 1
    var slots = oldSlots
    while Self.limit(slots: slots) < needed { slots *= 2 }
    // Everything that can fail comes before the first change.
    let room = min(Self.limit(slots: slots), Self.maximumCount)
    try parents.reserve(room)
    try ordinals.reserve(room)
    if slots > oldSlots {
      let larger = try Self.mapTable(slots: slots, words: words)
      let old = table
      table = larger
      mask = UInt64(slots - 1)
      shift = UInt64(64 - slots.trailingZeroBitCount)
      move(from: old, slots: oldSlots)
      Self.unmapTable(old, slots: oldSlots, words: words)
    }
    limit = room
  }

  /// Copies the keys of the table `old` into the present, empty one, and gives the pages of `old`
  /// back on the way.
  private func move(from old: UnsafeMutablePointer<UInt64>, slots: Int) {
    // Copies, so that a write to a table does not make the compiler read the fields again.
    let (table, mask, shift, words) = (table, mask, shift, words)
    // In huge pages: giving back a part of one would make the kernel split it.
    let piece = Int(TDXS_HUGE_PAGE_BYTES) / MemoryLayout<UInt64>.stride
    let end = slots &* words
    var start = 0
    var read = 0
    while start < end {
      let stop = min(start &+ piece, end)
      // A slot that straddles the end is read here whole, before any of its pages goes.
      while read < stop {
        let key = old + read
        read &+= words
        let first = key[0]
        if first == 0 { continue }
        key[0] = first & ~Self.mark
        var index = Self.hash(key, words: words) &>> shift
        while table[Int(truncatingIfNeeded: index) &* words] != 0 { index = (index &+ 1) & mask }
        let entry = table + Int(truncatingIfNeeded: index) &* words
        entry[0] = first
        var i = 1
        while i < words {
          entry[i] = key[i]
          i &+= 1
        }
      }
      tdxs_discard(old + start, (stop &- start) &* MemoryLayout<UInt64>.stride)
      start = stop
    }
  }

  // MARK: Sizes and mappings

  /// States a table of `slots` slots may hold: 25/32 (0.78) of them. At that load linear probing
  /// takes about 3 probes to find a state and 11 to find that it is new; for one word that is one
  /// or two cache lines.
  static func limit(slots: Int) -> Int { slots / 32 * 25 }

  /// Slots of the first table: as many as fit in 64 KiB, a power of two, at least 64.
  static func initialSlots(words: Int) -> Int {
    let fit = max(64, (64 << 10) / MemoryLayout<UInt64>.stride / words)
    return 1 << (Int.bitWidth - 1 - fit.leadingZeroBitCount)
  }

  /// Length of a table, in bytes; `Int.max` when that is more than fits.
  static func tableBytes(slots: Int, words: Int) -> Int {
    let (count, overflow) = slots.multipliedReportingOverflow(by: words)
    let limit = (Int.max >> 1) / MemoryLayout<UInt64>.stride
    return overflow || count > limit ? .max : count * MemoryLayout<UInt64>.stride
  }

  /// Maps an empty table; fresh pages are zero, and zero means empty. Tables from 4 MiB on ask for
  /// huge pages; smaller ones would waste too much of the last one.
  static func mapTable(
    slots: Int, words: Int
  ) throws(StoreError) -> UnsafeMutablePointer<UInt64> {
    let bytes = tableBytes(slots: slots, words: words)
    guard bytes < .max, let raw = tdxs_map(bytes, bytes >= 4 << 20 ? 1 : 0) else {
      throw .outOfMemory(bytes: bytes)
    }
    return raw.bindMemory(to: UInt64.self, capacity: slots * words)
  }

  /// Gives a table back.
  static func unmapTable(_ table: UnsafeMutablePointer<UInt64>, slots: Int, words: Int) {
    tdxs_unmap(table, tableBytes(slots: slots, words: words))
  }
}
