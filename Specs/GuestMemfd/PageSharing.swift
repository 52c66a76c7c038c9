import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Who holds pages of guest_memfd files besides the page cache, and who may (guest-memfd §1.1).
struct PageUsers: Sendable {
  /// User space has mapped the file; the mapping keeps the file.
  let mapped = Map(File.self, false, as: "vma")
  let attribute = Map(Page.self, Share.private, as: "attr")
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
  let folioLock = Locks("folio_lock", each: Page.self, rank: 45)

  /// Who still holds the folio holds one that is not the file's any more.
  @StatementBuilder
  func leavesFile(_ p: Expr<Page>) -> [Statement] {
    userPTE[p] <- false
    batched[p] <- false
    When(pinned == p) { pinned <- nil }
    When(held == p) { held <- nil }
  }
}

/// The inode's side of in-place conversion, as queued for 7.4: attributes, user space and what a
/// conversion asks of it (guest-memfd §2.2).
///
/// Whose files they are, what is mapped into the guest and what protects it there is left to the
/// specs that have this part: KVM's memslots in `gmem/in-place`, a TD in `gmem/in-place-tdx`.
struct PageSharing: SpecPart {
  let holders = Parameter(
    "HOLDERS", 0...1, default: 0, "1: somebody takes references to folios for a moment")
  let batches = Parameter(
    "LRU_BATCHES", 0...1, default: 1, "1: a new folio waits in some CPU's batch for the LRU")
  let enabled = Parameter(
    "IN_PLACE", 0...1, default: 1, "kvm.gmem_in_place_conversion; 0: conversion is ENOTTY")
  let arguments = Parameter("ARGUMENTS", 0...1, default: 0, "1: every class of wrong arguments")

  // The order of these is the order in which they are listed.
  let mapped: Map<File, Bool>
  let attribute: Map<Page, Share>
  /// The page has its folio in the page cache.
  let cached: Map<Page, Bool>
  let userPTE: Map<Page, Bool>
  let faulting: Map<Page, Bool>
  let batched: Map<Page, Bool>
  let pinned: Var<Page?>
  let held: Var<Page?>

  // Locks (guest-memfd §1.6).
  let mmapLock = RWLock("mmap_lock", rank: 35)
  let folioLock: Locks<Page>

  let users: PageUsers
  let files: Files

  // Arguments.
  let p = NamedArgument<Page>("p")
  let f = NamedArgument<File>("gmem")
  let range = NamedArgument<SetOf<Page>>("range")
  let target = NamedArgument<Share>("attributes")
  let flaw = NamedArgument<ConversionFlaw>("flaw")
  let noMemory = NamedArgument<Bool>("no memory")

  /// The files of the spec that has this part.
  struct Files: Sendable {
    let of: Constant<Page, File>
    let state: Map<File, GmemFile>
    /// A call on the descriptor keeps the file's last reference from going.
    let fdget: RWLocks<File>
    let invalidateLock: @Sendable (Expr<File>) -> OneLock
    /// Faults hold invalidate_lock shared; otherwise for one step, which others do not see.
    let faultsShareLock: Bool
    /// A fault gets no such page, where memory can fail.
    var isPoisoned: (@Sendable (Expr<Page>) -> Condition)?
  }

  init(_ users: PageUsers, cached: Map<Page, Bool>, _ files: Files) {
    mapped = users.mapped
    attribute = users.attribute
    self.cached = cached
    userPTE = users.userPTE
    faulting = users.faulting
    batched = users.batched
    pinned = users.pinned
    held = users.held
    folioLock = users.folioLock
    self.users = users
    self.files = files
  }

  static let convertName = "KVM_SET_MEMORY_ATTRIBUTES2"
  static let touchName = "touch"
  static let preallocates = "preallocates the tree's nodes"
  static let unmaps = "unmaps the range from all user page tables"
  static let looksAtFolio = "is the folio mapped or pinned? drains the LRU batches"
  static let letsGo = "lets go of the folios that it has looked at"
  static let counts = "counts the folio's references"
  static let installsPTE = "installs the page table entry, unlocks the folio"
  static let findsMapping = "finds the mapping"
  static let findsFolio = "finds the folio, locks it"
}
