/// A guest_memfd: the inode with its pages, and the one file that refers to it
/// (guest-memfd §1.1).
final class GuestMemory {
  /// The file holds the VM; nil once it is released.
  var machine: VirtualMachine?
  let size: UInt64
  /// It can be mapped by user space.
  let isMappable: Bool
  /// All of it is shared from the start.
  let isShared: Bool
  let invalidateLock = KernelLock("invalidate_lock")
  /// The folios by page number.
  var pages: [UInt64: GuestPage] = [:]
  /// Ranges of page numbers with the slot each is bound to.
  var bindings: [Binding] = []
  /// Pages whose content user space may see, where that is kept for each page (in place).
  var sharedPages = IntervalSet()

  struct Binding {
    let range: Range<UInt64>
    let slot: MemorySlot
  }

  init(machine: VirtualMachine, size: UInt64, isMappable: Bool, isShared: Bool) {
    self.machine = machine
    self.size = size
    self.isMappable = isMappable
    self.isShared = isShared
    if isShared { sharedPages.insert(0..<size >> 12) }
  }
}

/// A folio: one page, with what user space wrote into it.
final class GuestPage {
  /// The frame of private memory.
  let frame: UInt64
  /// Bytes by their offset; those left out are 0.
  var bytes: [UInt64: UInt8] = [:]
  /// User space has it in its page tables.
  var isMapped = false
  /// References that user space made the kernel take, such as for input and output.
  var pins = 0

  init(frame: UInt64) { self.frame = frame }
}

/// A memory slot of a VM.
final class MemorySlot {
  let id: Int
  let first: UInt64
  let count: UInt64
  let hva: UInt64
  var flags: UInt64
  /// The memfd behind it; nil without one, or when that was released.
  var memory: GuestMemory?
  let offset: UInt64
  /// It was made with a memfd.
  var isGuestMemory: Bool { flags & SlotFlag.guestMemory != 0 }
  /// Shared accesses go to the memfd, too.
  var isMemoryOnly = false
  /// The slot is being deleted.
  var isInvalid = false

  init(id: Int, first: UInt64, count: UInt64, hva: UInt64, flags: UInt64, offset: UInt64) {
    self.id = id
    self.first = first
    self.count = count
    self.hva = hva
    self.flags = flags
    self.offset = offset
  }

  var frames: Range<UInt64> { first..<first + count }
  func contains(_ frame: UInt64) -> Bool { frames.contains(frame) }
}

/// Flags of a memory slot.
enum SlotFlag {
  static let logDirty: UInt64 = 1
  static let readOnly: UInt64 = 2
  static let guestMemory: UInt64 = 4
}
