/// What a physical page is used for (tdx-module §2.5).
public enum PageType: UInt8, Hashable, Sendable, CaseIterable {
  case NDA = 0
  case RSVD = 1
  case REG = 3
  case TDR = 4
  case TDCX = 5
  case TDVPR = 6
  case EPT = 8
}

/// One PAMT entry: what a block of 4 KB, 2 MB or 1 GB is used for.
final class PageMetadata {
  let address: UInt64
  let size: Int
  var lock = HostPriorityLock()
  var type = PageType.NDA {
    didSet { parent?.used += (type == .NDA ? 0 : 1) - (oldValue == .NDA ? 0 : 1) }
  }
  /// The next larger entry.
  private let parent: PageMetadata?
  /// How many entries of the next smaller size are in use within this one.
  private(set) var used = 0
  /// The address of the owner's TDR; kept when the page becomes free.
  var owner: UInt64 = 0
  var blockEpoch: UInt64 = 0

  init(address: UInt64, size: Int, parent: PageMetadata?) {
    self.address = address
    self.size = size
    self.parent = parent
  }

  /// How many 4 KB pages a block of this size has.
  var pages: Int { 1 << (9 * size) }
}

/// A TD memory region: where private pages can be, and how far it is initialised.
struct MemoryRegion: Hashable {
  let base: UInt64
  let size: UInt64
  /// Everything below is initialised.
  var initialized: UInt64
  var isLocked = false

  /// Whether the 1 GB block around the address can be used.
  func covers(_ address: UInt64) -> Bool {
    let block = address & ~0x3FFF_FFFF
    return block >= base && block + 1 << 30 <= min(base + size, initialized)
  }
}

/// The PAMT: entries come to be when they are first looked at.
final class PageMetadataTable {
  private var entries: [[UInt64: PageMetadata]] = [[:], [:], [:]]

  func entry(_ address: UInt64, size: Int) -> PageMetadata {
    let number = address >> UInt64(12 + 9 * size)
    if let entry = entries[size][number] { return entry }
    let parent = size < 2 ? self.entry(address, size: size + 1) : nil
    let entry = PageMetadata(
      address: number << UInt64(12 + 9 * size), size: size, parent: parent)
    entries[size][number] = entry
    return entry
  }

  /// Everything that is in use.
  var used: [PageMetadata] { entries.flatMap { $0.values.filter { $0.type != .NDA } } }

  /// Entries whose lock somebody holds.
  var locked: [PageMetadata] { entries.flatMap { $0.values.filter { !$0.lock.isFree } } }
}
