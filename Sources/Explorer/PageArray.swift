import CExplorerShims

/// Why the explorer's memory could not grow. A search that meets one ends as `BOUNDED`, not as a
/// crash.
enum StoreError: Error, Equatable, Sendable {
  /// The kernel refused a mapping of `bytes` bytes.
  case outOfMemory(bytes: Int)
  /// More than `limit` states were asked for; state ids are 32 bits wide.
  case tooManyStates(limit: Int)
}

extension StoreError: CustomStringConvertible {
  /// One line for people, without a full stop.
  var description: String {
    switch self {
    case .outOfMemory(let bytes): "the kernel refused to map \(bytes) bytes"
    case .tooManyStates(let limit): "more than \(limit) states"
    }
  }
}

/// A growable array of a trivial type that lives in its own page mapping.
///
/// Growing moves page tables instead of elements (`mremap`), so the peak is the array itself and
/// never old plus new. Pages that were not written yet cost address space only. Elements read as
/// zero until they are written. Not thread safe.
struct PageArray<Element: BitwiseCopyable>: ~Copyable {
  /// The first element. Changes when `reserve` grows the array.
  private(set) var base: UnsafeMutablePointer<Element>
  /// Elements for which there is address space.
  private(set) var capacity: Int
  /// Length of the mapping.
  private var bytes: Int

  /// Maps room for at least `minimumCapacity` (> 0) elements. O(1).
  ///
  /// - Throws: `StoreError.outOfMemory` when the kernel refuses.
  init(minimumCapacity: Int) throws(StoreError) {
    let bytes = try Self.mappingBytes(minimumCapacity)
    guard let raw = tdxs_map(bytes, 0) else { throw StoreError.outOfMemory(bytes: bytes) }
    self.bytes = bytes
    capacity = bytes / MemoryLayout<Element>.stride
    base = raw.bindMemory(to: Element.self, capacity: capacity)
  }

  deinit { tdxs_unmap(base, bytes) }

  /// Makes room for `minimumCapacity` elements in all; at least doubles when it has to grow.
  ///
  /// O(1) without growth, else O(pages). Invalidates pointers into the array.
  ///
  /// - Throws: `StoreError.outOfMemory`; the array is then unchanged.
  @inline(__always)
  mutating func reserve(_ minimumCapacity: Int) throws(StoreError) {
    if minimumCapacity > capacity { try grow(minimumCapacity) }
  }

  /// The cold half of `reserve`.
  @inline(never)
  private mutating func grow(_ minimumCapacity: Int) throws(StoreError) {
    let wanted = try Self.mappingBytes(max(minimumCapacity, capacity &* 2))
    guard let raw = tdxs_remap(base, bytes, wanted) else {
      throw StoreError.outOfMemory(bytes: wanted)
    }
    bytes = wanted
    capacity = wanted / MemoryLayout<Element>.stride
    base = raw.bindMemory(to: Element.self, capacity: capacity)
  }

  /// Gives the whole pages of the elements in `range` back; their contents are undefined
  /// afterwards.
  mutating func discard(_ range: Range<Int>) {
    tdxs_discard(base + range.lowerBound, range.count &* MemoryLayout<Element>.stride)
  }

  /// Bytes of a mapping for `count` elements: whole pages.
  private static func mappingBytes(_ count: Int) throws(StoreError) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    let page = tdxs_page_bytes()
    // Half of the integers, so that doubling in `grow` cannot overflow.
    guard !overflow, bytes < Int.max >> 1 else { throw .outOfMemory(bytes: .max) }
    return (bytes + page - 1) / page * page
  }
}
