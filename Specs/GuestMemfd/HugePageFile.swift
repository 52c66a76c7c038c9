import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// One guest_memfd file of huge pages, the memslot it is bound to, and who else uses it
/// (guest-memfd §2.4, §4, §5).
///
/// A block of the file has one folio, or it is split because a page of it is or was shared. With
/// STAGED=0 a split goes down to 4 KiB at once, as in RFC v2; with STAGED=1 only those parts of
/// 2 MiB are split further that have shared pages. What `gmem/in-place` says of memslots, dying
/// files and LRU batches is not repeated here.
struct HugePageFile: SpecPart {
  let vcpus = Parameter("vcpus", of: VCPU.self, 1...2, default: 1, "virtual CPUs")
  let huges = Parameter("huges", of: HugePage.self, 1...4, default: 1, "blocks of the file")
  let mids: Parameter
  let pages: Parameter
  let threads = Parameter("threads", of: HostThread.self, 1...4, default: 2, "threads")
  let policy = Parameter(
    "POLICY", 0...4, default: 0,
    "merges early (0), on demand (1), never (2), at reboot (3), later (4)")
  let hugetlb = Parameter(
    "HUGETLB", 0...1, default: 1,
    "1: hugetlb, struct pages of a merged block are given up; 0: THP, a split allocates nothing")
  let staged = Parameter(
    "STAGED", 0...1, default: 0, "1: a split leaves parts of 2 MiB whole; not in RFC v2")
  let initShared = Parameter("INIT_SHARED", 0...1, default: 0, "1: all pages start shared")
  let protection = Parameter("BACKEND", 0...2, default: 0, "nothing (0), TDX (1), SEV-SNP (2)")
  let users = Parameter("USERS", 0...1, default: 1, "1: user space touches shared pages")
  let userAddress = Parameter(
    "UADDR", 0...1, default: 0,
    "1: the memslot's userspace_addr maps the file, so that unmapping users zaps shared pages")
  let pins = Parameter("PINS", 0...1, default: 1, "1: user space pins a page that it maps")
  let holders = Parameter(
    "HOLDERS", 0...1, default: 1, "1: somebody takes references to folios for a moment")
  let pressure = Parameter("PRESSURE", 0...1, default: 1, "1: memory may run out at any moment")
  /// Page p is in part p mod M, part m in block m mod H.
  let midOf = Constant(Page.self, MidPage.self) { page, mids in page % mids }
  let blockOf = Constant(MidPage.self, HugePage.self) { mid, huges in mid % huges }

  // The inode.
  let gmem = Var(GmemFile.open, as: "gmem_file")
  let share: Map<Page, Share>
  let block = Map(HugePage.self, Block.absent, as: "page_cache")
  /// A part of 2 MiB of a split block is in folios of 4 KiB.
  let midSplit = Map(MidPage.self, false, as: "part_split")
  /// What a hugetlb page was is kept aside while it is split.
  let stash = Map(HugePage.self, false, as: "stash")
  /// Huge pages that faults have taken from the reservation and not yet put into the file; in
  /// RFC v2 only.
  let inHand = Var(0, in: 0...4, as: "in_hand")

  // Who holds a folio besides the page cache.
  let userPTE = Map(Page.self, false, as: "user_pte")
  let pinned = Var(Page?.none, as: "pinned")
  /// Somebody holds the folio for a moment and does not look at its contents.
  let held = Var(Page?.none, as: "transient_ref")

  // KVM's side.
  let bound = Var(true, as: "memslot_bound")
  let spte = Map(Page.self, GuestMapping.none, as: "spte_4K")
  /// Private pages only: shared ones are always folios of 4 KiB.
  let midSPTE = Map(MidPage.self, false, as: "spte_2M")
  let hugeSPTE = Map(HugePage.self, false, as: "spte_1G")
  /// What an invalidation in progress covers.
  let hull = Var(SetOf<Page>.empty, as: "mmu_invalidate_range")
  let fault = Map(VCPU.self, FaultState.none, as: "fault_in_flight")
  /// How large the entry of that fault may be.
  let faultSize = Map(VCPU.self, Size.small, as: "fault_size")
  /// SEV-SNP: the page is the guest's in the RMP.
  let assigned = Map(Page.self, false, as: "rmp_assigned")
  /// SEV-SNP: one RMP entry of 2 MiB says so.
  let midRMP = Map(MidPage.self, false, as: "rmp_2M")

  /// Allocations succeed.
  let memory = Var(true, as: "memory_available")

  /// A conversion has changed something that a failure would have to take back.
  let changed = Ghost(false)
  /// A call has destroyed the contents of a page that it is not about.
  let overreached = Ghost(false)

  let slotsLock = Lock("kvm->slots_lock", rank: 30)
  /// Faults take it shared, for one step each; mmu_lock's sections are steps too.
  let invalidateLock = RWLock("invalidate_lock", rank: 40)

  let v = NamedArgument<VCPU>("v")
  let p = NamedArgument<Page>("p")
  let merged = NamedArgument<HugePage>("block")
  let extent = NamedArgument<Extent>("extent")
  let target = NamedArgument<Share>("attributes")
  /// The pages that a conversion has to change.
  let work = Local<SetOf<Page>>("pages to change")

  /// The block that a merge is about is merged.
  let merges = Local<Bool>("the block is merged")

  /// What tells how large a private mapping may be.
  enum LevelSource {
    case folio
    /// No page of the block is shared: the folio is not looked at.
    case share
  }
  let levelSource: LevelSource

  /// - Parameter fanOut: parts of the block, and pages of each, where nothing else is said.
  init(levelSource: LevelSource = .folio, fanOut: (mids: Int, pages: Int) = (1, 2)) {
    mids = Parameter(
      "mids", of: MidPage.self, 1...8, default: fanOut.mids, "parts of 2 MiB of all blocks")
    pages = Parameter(
      "pages", of: Page.self, 1...16, default: fanOut.mids * fanOut.pages,
      "pages of 4 KiB of all blocks")
    self.levelSource = levelSource
    share = Map(
      Page.self, choose(initShared == 1, Share.shared, else: .private), as: "shareability")
  }
}

// MARK: Geometry and structure

extension HugePageFile {
  func blockOf(_ p: Expr<Page>) -> Expr<HugePage> { blockOf[midOf[p]] }

  func isIn(_ p: Expr<Page>, _ h: Expr<HugePage>) -> Condition { blockOf(p) == h }

  /// The page is a folio of its own.
  func isSmall(_ p: Expr<Page>) -> Condition {
    block[blockOf(p)] == .split && midSplit[midOf[p]]
  }

  func hasShared(_ h: Expr<HugePage>) -> Condition {
    exists(Page.self) { q in isIn(q, h) && share[q] == .shared }
  }

  /// Somebody besides the page cache has a reference to the page's folio.
  func isBusy(_ p: Expr<Page>) -> Condition { userPTE[p] || pinned == p || held == p }

  func isBusy(_ h: Expr<HugePage>) -> Condition {
    exists(Page.self) { q in isIn(q, h) && isBusy(q) }
  }

  func mapsPrivate(_ p: Expr<Page>) -> Condition {
    spte[p] == .private || midSPTE[midOf[p]] || hugeSPTE[blockOf(p)]
  }

  func isMapped(_ p: Expr<Page>) -> Condition { spte[p] == .shared || mapsPrivate(p) }

  /// The page belongs to what a call is about.
  func isMeant(_ q: Expr<Page>) -> Condition {
    let p = p.element
    return extent == .page && q == p || extent == .mid && midOf[q] == midOf[p]
      || extent == .block && blockOf(q) == blockOf(p) || extent == .others && q != p
      || extent == .file
  }

  /// A conversion has to change a page of the block.
  func isTouched(_ h: Expr<HugePage>) -> Condition {
    exists(Page.self) { q in isIn(q, h) && work.contains(q) }
  }

  func isTouched(_ m: Expr<MidPage>) -> Condition {
    exists(Page.self) { q in midOf[q] == m && work.contains(q) }
  }
}
