import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// In-place conversion of guest_memfd pages, as queued for 7.4 (guest-memfd §2.2).
///
/// An inode says for each page whether it is private or shared. A conversion to private takes the
/// page from user space first, and gives up with EAGAIN while somebody still holds it.
public struct InPlaceConversion: Spec {
  public static let name = "gmem/in-place"
  public let summary = "guest_memfd: pages turn shared and private in place (queued for 7.4)"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...16, default: 2, "pages of all files")
  let files = Parameter(
    "files", of: File.self, 1...4, default: 1, "guest_memfd files, one memslot each")
  let threads = Parameter(
    "threads", of: HostThread.self, 1...4, default: 2, "threads of the VMM")
  let backend = Parameter("BACKEND", 0...1, default: 0, "1: SEV-SNP, private pages are in the RMP")
  /// Page p belongs to file p mod F.
  let fileOf = Constant(Page.self, File.self) { page, files in page % files }

  // The inode, and the descriptor that keeps it (guest-memfd §1.1).
  let gmem = Map(File.self, GmemFile.open, as: "gmem_file")
  let sharing: PageSharing

  // KVM's side.
  let slot = Map(File.self, MemslotState.absent, as: "memslot")
  let bound = Map(File.self, false, as: "bindings")
  let spte = Map(Page.self, GuestMapping.none, as: "spte")
  /// The RMP says that the page is the guest's (guest-memfd §5.2).
  let assigned = Map(Page.self, false, as: "rmp_assigned")
  /// mmu_invalidate_in_progress covers the file.
  let invalidating = Map(File.self, false, as: "mmu_invalidate_in_progress")
  /// mmu_invalidate_seq has moved on since the vCPU's fault took its snapshot.
  let stale = Map(VCPU.self, false, as: "fault_is_stale")

  /// A conversion has stored an attribute, and its invalidation has not ended.
  let stored = Ghost(SetOf<File>.empty)

  // Locks (guest-memfd §1.6).
  let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let slotsLock = Lock("kvm->slots_lock", rank: 30)
  let invalidateLock = RWLocks("invalidate_lock", each: File.self, rank: 40)
  let mmuLock = RWLock("mmu_lock", rank: 50)
  /// kvm->srcu: readers are never waited for by their own kind.
  let srcu = RWLock("kvm->srcu", rank: nil)
  /// A call on the descriptor keeps the file's last reference from going.
  let fdget = RWLocks("fdget", each: File.self, rank: nil)

  // Arguments.
  let v = NamedArgument<VCPU>("v")
  var p: NamedArgument<Page> { sharing.p }
  var f: NamedArgument<File> { sharing.f }
  var range: NamedArgument<SetOf<Page>> { sharing.range }

  public init() {
    let lock = invalidateLock
    sharing = PageSharing(
      PageUsers(), cached: Map(Page.self, false, as: "folio"),
      PageSharing.Files(
        of: fileOf, state: gmem, fdget: fdget, invalidateLock: { f in lock[f] },
        faultsShareLock: true))
  }

  public var actions: [Action] {
    convert
    sharing.touch
    sharing.pin
    sharing.unpin
    sharing.takeReference
    sharing.dropReference
    guestFault(.private)
    guestFault(.shared)
    allocate
    punchHole
    sharing.mmap
    sharing.munmap
    close
    createSlot
    deleteSlot
  }

  static let createName = "KVM_SET_USER_MEMORY_REGION2"
  static let closeName = "close(guest_memfd)"
  static let nobodyCloses = "no file is closed"
  static let deleteName = "KVM_SET_USER_MEMORY_REGION2(delete)"

  public var scopes: [Scope] {
    Scope(
      "small", "one of everything, two threads",
      ["vcpus": 1, "pages": 1, "files": 1, "threads": 2, "HOLDERS": 1])
    Scope(
      "snp", "the same with an RMP, and every wrong argument",
      [
        "vcpus": 1, "pages": 1, "files": 1, "threads": 2, "HOLDERS": 1, "BACKEND": 1,
        "ARGUMENTS": 1,
      ])
    Scope(
      "two", "two pages, files, memslots, vCPUs and threads",
      ["vcpus": 2, "pages": 2, "files": 2, "threads": 2, "LRU_BATCHES": 0])
    Scope(
      "four",
      "two files of two pages: one thread changes files and memslots, one uses their pages",
      ["vcpus": 1, "pages": 4, "files": 2, "threads": 2, "LRU_BATCHES": 0],
      parts: [
        ThreadPart(
          "converter",
          calls: [
            PageSharing.convertName, Self.punchName, Self.createName, Self.deleteName,
          ]),
        ThreadPart(
          "user",
          calls: [
            PageSharing.touchName, "mmap",
            Self.faultName(.private), Self.faultName(.shared),
          ]),
      ])
    Scope(
      "holder",
      "one file of four pages: one thread converts, others use the pages and hold them",
      ["vcpus": 1, "pages": 4, "files": 1, "threads": 2, "HOLDERS": 1, "LRU_BATCHES": 0],
      parts: [
        ThreadPart("converter", calls: [PageSharing.convertName, Self.punchName]),
        ThreadPart(
          "user",
          calls: [
            PageSharing.touchName, "mmap", Self.faultName(.private), Self.faultName(.shared),
            Self.createName,
          ]),
      ])
  }
}
