import CExplorerShims

/// The states of one breadth-first level, in the order in which they were found.
///
/// A flat buffer of `words` 64-bit words a state. A search holds two: it reads the current level
/// from the front, calling `release(before:)` as it goes, and appends to the next. Together they
/// then occupy about the unread part of one level and the written part of the other. Growth never
/// copies (`PageArray`). Not thread safe.
struct Frontier: ~Copyable {
  /// Words a state.
  let words: Int
  /// States appended since the last `removeAll`.
  private(set) var count = 0
  private var storage: PageArray<UInt64>
  /// States for which there is room.
  private var capacity: Int
  /// States from the front whose pages were given back.
  private var released = 0

  /// Consumed states are given back in pieces of this many bytes: small against any search that is
  /// short of memory, large enough that the system calls do not show, and never reached by a small
  /// model.
  private static var releaseBytes: Int { 1 << 20 }

  /// An empty frontier for states of `words` (>= 1) words.
  ///
  /// - Throws: `StoreError.outOfMemory` when the kernel refuses the first mapping.
  init(words: Int) throws(StoreError) {
    precondition(words >= 1, "a state has at least one word")
    let storage = try PageArray<UInt64>(minimumCapacity: max(4096, words))
    self.words = words
    capacity = storage.capacity / words
    self.storage = storage
  }

  /// True when there is no state.
  var isEmpty: Bool { count == 0 }

  /// Makes room for `additional` further states, so that as many `append`s cannot fail. Amortised
  /// O(1); invalidates pointers from `state(at:)`.
  ///
  /// - Throws: `StoreError.outOfMemory`; the frontier is then unchanged.
  @inline(__always)
  mutating func reserve(additional: Int) throws(StoreError) {
    if additional > capacity &- count { try grow(additional) }
  }

  /// The cold half of `reserve`.
  @inline(never)
  private mutating func grow(_ additional: Int) throws(StoreError) {
    let (states, overflow) = count.addingReportingOverflow(additional)
    let (needed, overflow2) = states.multipliedReportingOverflow(by: words)
    guard !overflow, !overflow2 else { throw .outOfMemory(bytes: .max) }
    try storage.reserve(needed)
    capacity = storage.capacity / words
  }

  /// Appends the state at `state`, `words` words long. O(words). Room must have been reserved.
  @inline(__always)
  mutating func append(_ state: UnsafePointer<UInt64>) {
    assert(count < capacity, "append without reserve")
    let to = storage.base + count &* words
    to[0] = state[0]
    var i = 1
    while i < words {
      to[i] = state[i]
      i &+= 1
    }
    count &+= 1
  }

  /// The state at `index`, in order of appending; `words` words, valid until the next `reserve`,
  /// `release` or `removeAll` of this frontier. O(1). A released state must not be asked for.
  @inline(__always)
  func state(at index: Int) -> UnsafePointer<UInt64> {
    assert(index >= released && index < count, "no such state")
    return UnsafePointer(storage.base + index &* words)
  }

  /// Says that the states before `index` (<= `count`) will not be read again.
  ///
  /// Their pages go back to the kernel in pieces of 1 MiB, so it may be called after every batch.
  @inline(__always)
  mutating func release(before index: Int) {
    let pending = (index &- released) &* words &* MemoryLayout<UInt64>.stride
    if pending >= Self.releaseBytes { discard(before: index) }
  }

  /// The cold half of `release`.
  @inline(never)
  private mutating func discard(before index: Int) {
    precondition(index <= count, "release beyond the end")
    storage.discard((released &* words)..<(index &* words))
    // The state at `index` may begin in the middle of a page, which stays; start from that page
    // again.
    let pageWords = tdxs_page_bytes() / MemoryLayout<UInt64>.stride
    released = (index &* words / pageWords) &* pageWords / words
  }

  /// Forgets all states.
  ///
  /// - Parameter keepingCapacity: keep the pages that were not released, for the next level.
  ///   Otherwise all pages go back; the address range stays either way.
  mutating func removeAll(keepingCapacity: Bool = false) {
    if !keepingCapacity { storage.discard(0..<storage.capacity) }
    count = 0
    released = 0
  }

  /// Bytes of the states that are held and not released: an estimate of the memory in use, which
  /// leaves out pages kept by `removeAll(keepingCapacity: true)`.
  var residentBytes: Int { (count &- released) &* words &* MemoryLayout<UInt64>.stride }
}
