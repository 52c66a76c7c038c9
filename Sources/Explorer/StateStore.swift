import CExplorerShims

/// The set of all states found so far, exact, with the link that led to each.
///
/// A state is `words` consecutive 64-bit words; **bit 63 of word 0 is 0 in every state**, because
/// the table uses it to tell a stored key from an empty slot. Any other bits are legal, all-zero
/// included.
///
/// The set is an open-addressing table with linear probing whose slots hold whole states, at `hash
/// >> shift`. Taking the top bits keeps the table sorted by hash but for collisions, so that growth
/// reads the old and writes the new table front to back (see `StateStore+Growth.swift`). States
/// also get ids 0, 1, 2, … in order of insertion, and 6 bytes each say from where they were
/// reached. Ids are not in the table: a breadth-first search knows them, since its frontier is in
/// order of insertion as well.
///
/// Memory: `8 * words / load` bytes a state, the load being 0.39 to 0.78, and 6 bytes for the link.
/// A miss of the cache is the main cost of a look-up, so a search hashes and `prefetch`es a batch
/// of successors before it inserts the first (a factor of 2 at 10^7 states). Not thread safe.
struct StateStore: ~Copyable {
  /// Parent of a state that has none.
  static var noParent: UInt32 { .max }
  /// Most states a store can hold; the id above the last one is `noParent`.
  static var maximumCount: Int { Int(UInt32.max) - 1 }

  /// Words a state.
  let words: Int
  /// States in the store; also the id of the next new one.
  private(set) var count = 0
  /// The slots, `words` words each. A slot whose word 0 is 0 is empty.
  var table: UnsafeMutablePointer<UInt64>
  /// Number of slots - 1; the number of slots is a power of two.
  var mask: UInt64
  /// 64 - log2 of the number of slots.
  var shift: UInt64
  /// The store may hold this many states before the table or the links must grow.
  var limit: Int
  /// Parent of each state, by id.
  var parents: PageArray<UInt32>
  /// Which successor of its parent each state is, by id.
  var ordinals: PageArray<UInt16>

  /// Set in word 0 of every stored key, so that no key looks like an empty slot.
  static var mark: UInt64 { 1 &<< 63 }

  /// An empty store for states of `words` (>= 1) words. Begins with a table of 64 KiB, or of 64
  /// slots where that is more.
  ///
  /// - Throws: `StoreError.outOfMemory` when the kernel refuses the first mapping.
  init(words: Int) throws(StoreError) {
    precondition(words >= 1, "a state has at least one word")
    // Locals first: a noncopyable value must not be half made when an initialiser throws.
    let slots = Self.initialSlots(words: words)
    let parents = try PageArray<UInt32>(minimumCapacity: Self.limit(slots: slots))
    let ordinals = try PageArray<UInt16>(minimumCapacity: Self.limit(slots: slots))
    let table = try Self.mapTable(slots: slots, words: words)
    self.words = words
    self.parents = parents
    self.ordinals = ordinals
    self.table = table
    mask = UInt64(slots - 1)
    shift = UInt64(64 - slots.trailingZeroBitCount)
    limit = Self.limit(slots: slots)
  }

  deinit { Self.unmapTable(table, slots: Int(mask) + 1, words: words) }

  // MARK: Look-up and insertion

  /// The hash of the state at `state`. Its top bits are the well mixed ones. O(words).
  ///
  /// The high and the low half of each product are folded together: the low half alone would leave
  /// the high bits of a word, where a layout puts whole variables, with too little influence.
  @inline(__always)
  static func hash(_ state: UnsafePointer<UInt64>, words: Int) -> UInt64 {
    var x: UInt64 = 0
    var i = 0
    repeat {
      let product = (x ^ state[i]).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      x = product.high ^ product.low
      i &+= 1
    } while i < words
    return x &* 0xD6E8_FEB8_6659_FD93
  }

  /// Starts loading the slot of a state with this hash into the cache. O(1).
  @inline(__always)
  func prefetch(_ hash: UInt64) {
    tdxs_prefetch(slot(hash &>> shift))
  }

  /// Adds the state at `state`, unless it is there already. Expected O(words).
  ///
  /// Room must have been made with `reserve(additional:)`; then it cannot fail.
  ///
  /// - Parameters:
  ///   - state: `words` words, bit 63 of the first 0.
  ///   - hash: what `hash(_:words:)` gives for it.
  ///   - parent: id of the state it was reached from, or `noParent`.
  ///   - ordinal: which successor of `parent` it is.
  /// - Returns: true when the state is new; its id is then the `count` before the call.
  @inline(__always)
  mutating func insert(
    _ state: UnsafePointer<UInt64>, hash: UInt64, parent: UInt32, ordinal: UInt16
  ) -> Bool {
    assert(state[0] & Self.mark == 0, "bit 63 of word 0 is taken")
    assert(count < limit, "insert without reserve")
    let isNew = words == 1 ? insertOne(state[0], hash) : insertMany(state, hash)
    if isNew {
      parents.base[count] = parent
      ordinals.base[count] = ordinal
      count &+= 1
    }
    return isNew
  }

  /// `insert` into the table for states of one word.
  @inline(__always)
  private func insertOne(_ state: UInt64, _ hash: UInt64) -> Bool {
    let key = state | Self.mark
    var index = hash &>> shift
    while true {
      let entry = table + Int(truncatingIfNeeded: index)
      if entry.pointee == key { return false }
      if entry.pointee == 0 {
        entry.pointee = key
        return true
      }
      index = (index &+ 1) & mask
    }
  }

  /// `insert` into the table for states of several words.
  @inline(__always)
  private func insertMany(_ state: UnsafePointer<UInt64>, _ hash: UInt64) -> Bool {
    let key = state[0] | Self.mark
    var index = hash &>> shift
    while true {
      let entry = slot(index)
      if entry[0] == key {
        if tailsEqual(entry, state) { return false }
      } else if entry[0] == 0 {
        entry[0] = key
        var i = 1
        while i < words {
          entry[i] = state[i]
          i &+= 1
        }
        return true
      }
      index = (index &+ 1) & mask
    }
  }

  /// Whether all words but the first agree.
  @inline(__always)
  private func tailsEqual(
    _ entry: UnsafeMutablePointer<UInt64>, _ state: UnsafePointer<UInt64>
  ) -> Bool {
    var i = 1
    while i < words {
      if entry[i] != state[i] { return false }
      i &+= 1
    }
    return true
  }

  /// The first word of a slot.
  @inline(__always)
  func slot(_ index: UInt64) -> UnsafeMutablePointer<UInt64> {
    table + Int(truncatingIfNeeded: index) &* words
  }

  /// Whether the state at `state` is in the store. Expected O(words).
  func contains(_ state: UnsafePointer<UInt64>) -> Bool {
    let key = state[0] | Self.mark
    var index = Self.hash(state, words: words) &>> shift
    while slot(index)[0] != 0 {
      if slot(index)[0] == key && tailsEqual(slot(index), state) { return true }
      index = (index &+ 1) & mask
    }
    return false
  }

  // MARK: Reading back

  /// Where the state `id` (0 ..< `count`) was first reached from: the id of that state, or
  /// `noParent`, and the ordinal given to `insert`. O(1).
  func link(of id: Int) -> (parent: UInt32, ordinal: UInt16) {
    precondition(id >= 0 && id < count, "no state has this id")
    return (parents.base[id], ordinals.base[id])
  }

  /// Calls `body` with each state once, in the order of the table, which is not that of the ids but
  /// depends on nothing but the sequence of `insert` and `reserve` calls. O(slots).
  ///
  /// - Parameter body: gets `words` words, valid during the call; returns false to stop.
  /// - Throws: what `body` throws.
  func forEachState<Failure: Error>(
    _ body: (UnsafePointer<UInt64>) throws(Failure) -> Bool
  ) throws(Failure) {
    let copy = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
    defer { copy.deallocate() }
    var index: UInt64 = 0
    while index <= mask {
      let entry = slot(index)
      index &+= 1
      if entry[0] == 0 { continue }
      copy.update(from: entry, count: words)
      copy[0] &= ~Self.mark
      if try !body(copy) { return }
    }
  }

  /// Estimate of the memory in use, in bytes: the whole table, and the links of `count` states.
  var residentBytes: Int {
    Self.tableBytes(slots: Int(mask) + 1, words: words) + count * Self.linkBytes
  }

  /// Bytes of one link.
  static var linkBytes: Int { MemoryLayout<UInt32>.size + MemoryLayout<UInt16>.size }
}
