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
  let holders = Parameter(
    "HOLDERS", 0...1, default: 0, "1: somebody takes references to folios for a moment")
  let batches = Parameter(
    "LRU_BATCHES", 0...1, default: 1, "1: a new folio waits in some CPU's batch for the LRU")
  let enabled = Parameter(
    "IN_PLACE", 0...1, default: 1, "kvm.gmem_in_place_conversion; 0: conversion is ENOTTY")
  let arguments = Parameter("ARGUMENTS", 0...1, default: 0, "1: every class of wrong arguments")
  /// Page p belongs to file p mod F.
  let fileOf = Constant(Page.self, File.self) { page, files in page % files }

  // The inode, and the descriptor that keeps it (guest-memfd §1.1).
  let gmem = Map(File.self, GmemFile.open, as: "gmem_file")
  /// User space has mapped the file; the mapping keeps the file.
  let mapped = Map(File.self, false, as: "vma")
  let attribute = Map(Page.self, Share.private, as: "attr")
  /// The page has its folio in the page cache.
  let cached = Map(Page.self, false, as: "folio")

  // Who holds a folio besides the page cache.
  /// A user page table entry maps it.
  let userPTE = Map(Page.self, false, as: "user_pte")
  /// A user fault has found it and not yet installed the entry.
  let faulting = Map(Page.self, false, as: "user_fault_ref")
  /// It waits in some CPU's batch of folios for the LRU (guest-memfd B17).
  let batched = Map(Page.self, false, as: "lru_batch_ref")
  /// pin_user_pages has pinned it; one page at a time.
  let pinned = Var(Page?.none, as: "pinned")
  /// Somebody holds it for a moment and does not look at its contents.
  let held = Var(Page?.none, as: "transient_ref")

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
  let mmapLock = RWLock("mmap_lock", rank: 35)
  let invalidateLock = RWLocks("invalidate_lock", each: File.self, rank: 40)
  let folioLock = Locks("folio_lock", each: Page.self, rank: 45)
  let mmuLock = RWLock("mmu_lock", rank: 50)
  /// kvm->srcu: readers are never waited for by their own kind.
  let srcu = RWLock("kvm->srcu", rank: nil)
  /// A call on the descriptor keeps the file's last reference from going.
  let fdget = RWLocks("fdget", each: File.self, rank: nil)

  // Arguments.
  let v = NamedArgument<VCPU>("v")
  let p = NamedArgument<Page>("p")
  let f = NamedArgument<File>("gmem")
  let range = NamedArgument<SetOf<Page>>("range")
  let target = NamedArgument<Share>("attributes")
  let flaw = NamedArgument<ConversionFlaw>("flaw")
  let noMemory = NamedArgument<Bool>("no memory")

  public init() {}

  public var actions: [Action] {
    convert
    touch
    pin
    unpin
    takeReference
    dropReference
    guestFault(.private)
    guestFault(.shared)
    allocate
    punchHole
    mmap
    munmap
    close
    createSlot
    deleteSlot
  }

  static let convertName = "KVM_SET_MEMORY_ATTRIBUTES2"
  static let createName = "KVM_SET_USER_MEMORY_REGION2"
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
      "holder",
      "one file of four pages: one thread converts, others use the pages and hold them",
      ["vcpus": 1, "pages": 4, "files": 1, "threads": 2, "HOLDERS": 1, "LRU_BATCHES": 0],
      parts: [
        ThreadPart("converter", calls: [Self.convertName, Self.punchName]),
        ThreadPart(
          "user",
          calls: [
            "touch", "mmap", Self.faultName(.private), Self.faultName(.shared), Self.createName,
          ]),
      ])
  }
}
