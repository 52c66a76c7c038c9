import SpecLanguage

/// The TDX module's host interface and the guest's exits, at the detail of the module itself.
///
/// Leaves of tdx-module §8–§11 and §13: life-cycle, keys, vCPUs, S-EPT, physical memory. Every
/// check stands in the module's order and answers with the module's status and operand.
///
/// A leaf is one step: between its locks and its end nothing of it can be seen, and a lock that
/// is taken and given back within a call cannot be found taken by another call. What outlives a
/// call is the TDR and TDVPR that a vCPU holds shared while it is in the guest (tdx-module §6),
/// and what a call locks twice by itself.
///
/// The same text is explored at small scopes and replayed at the scope `recorded`.
///
/// Left out: migration, service TDs, L2 VMs, debug TDs, 1 GB pages, the leaves of §7, contents,
/// measurements, entropy failures, the zero-step filter (tdx-module §12, §13.5).
public struct TDXModule: Spec {
  public static let name = "tdx/module"
  public let summary = "the TDX module's leaves with their checks, status codes and operands"

  typealias TD = HKIDLifecycle.TD
  typealias LP = HKIDLifecycle.LP
  typealias Package = HKIDLifecycle.Package
  typealias HKID = HKIDLifecycle.HKID
  typealias Life = HKIDLifecycle.Life
  typealias KOT = HKIDLifecycle.KOT

  // MARK: Sizes

  let tds = Parameter("tds", of: TD.self, 1...2, default: 2, "TDs, one after another in each slot")
  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 1, "vCPUs, of whichever TD")
  let lps = Parameter("lps", of: LP.self, 1...4, default: 1, "logical processors")
  let packages = Parameter("packages", of: Package.self, 1...2, default: 1, "packages")
  let hkids = Parameter("hkids", of: HKID.self, 1...3, default: 2, "private HKIDs")
  let pages = Parameter(
    "pages", of: Page.self, 1...64, default: 4, "4 KB pages: the loose ones, then the blocks'")
  let blocks = Parameter(
    "blocks", of: Block.self, 1...3, default: 1, "2 MB blocks; the first has the loose pages")
  let entries = Parameter(
    "entries", of: Entry.self, 1...32, default: 3, "S-EPT entries of a TD, by level from 0 on")
  let loose = Parameter("loose", 0...64, default: 4, "4 KB pages in no block of their own")
  let columns = Parameter(
    "columns", 1...8, default: 2, "entries that are told apart in the S-EPT page of a region")
  let span = Parameter("span", 1...512, default: 2, "4 KB pages in a 2 MB block")
  let regions = Parameter("regions", 1...4, default: 1, "2 MB regions of GPA space")
  let levels = Parameter("levels", 2...4, default: 2, "levels of the S-EPT")
  let tdcxPages = Parameter("tdcx_pages", 1...6, default: 1, "TDCX pages that a TDCS needs")
  let spareTDCX = Parameter("spare_tdcx", 0...3, default: 0, "TDCX pages that it may have beyond")
  let tdvpsPages = Parameter("tdvps_pages", 1...6, default: 1, "pages that a TDVPS needs")
  let mostTDVPS = Parameter("most_tdvps", 1...15, default: 1, "pages that it may have")
  let epochs = Parameter("epochs", 2...250, default: 3, "no TD reaches this epoch")
  let units = Parameter("units", 1...2048, default: 4, "no TD owns more 4 KB pages")
  let subBlocks = Parameter("sub_blocks", 1...4, default: 1, "parts of a cache write-back")
  let badOperands = Parameter("bad_operands", 0...1, default: 0, "operands that name nothing")

  let fields = Parameter("fields", 0...1, default: 0, "leaves that read and write fields")

  // MARK: Where pages and entries are

  /// The 2 MB block that a page lies in.
  let blockOf = Constant(Page.self, to: Block.self) { page, sizes in
    page < sizes[Sizes.loose] ? 0 : 1 + (page - sizes[Sizes.loose]) / sizes[Sizes.columns]
  }
  /// The page's number in its block; the last one stands for all that are left (§2 of the format
  /// of recorded calls). Of the loose pages only whether it is the first is told.
  let columnOf = Constant(Page.self, in: 0...8) { page, sizes in
    page < sizes[Sizes.loose]
      ? (sizes[Sizes.blocks] > 1 ? min(page, 1) : 1)
      : (page - sizes[Sizes.loose]) % sizes[Sizes.columns]
  }
  let isLoose = Constant(Page.self, to: Bool.self) { page, sizes in
    page < sizes[Sizes.loose] ? 1 : 0
  }
  /// How many 4 KB pages a page stands for.
  let unitsOf = Constant(Page.self, in: 0...512) { page, sizes in
    let column = (page - sizes[Sizes.loose]) % sizes[Sizes.columns]
    let isLast = page >= sizes[Sizes.loose] && column == sizes[Sizes.columns] - 1
    return isLast ? sizes[Sizes.span] - column : 1
  }
  let levelOf = Constant(Entry.self, in: 0...3) { EntryPlace(entry: $0, $1).level }
  let entryColumn = Constant(Entry.self, in: 0...8) { EntryPlace(entry: $0, $1).column }
  /// The entry above, `nil` at the root.
  let parent = Constant(Entry.self, to: Entry?.self) { EntryPlace(entry: $0, $1).parent + 1 }
  /// The first entry of the page that the entry points at; itself at level 0.
  let firstBelow = Constant(Entry.self, to: Entry.self) { EntryPlace(entry: $0, $1).firstBelow }
  /// The entry itself or the one above it at that level.
  let at1 = Constant(Entry.self, to: Entry.self) { EntryPlace(entry: $0, $1).above(1) }
  let at2 = Constant(Entry.self, to: Entry.self) { EntryPlace(entry: $0, $1).above(2) }
  let at3 = Constant(Entry.self, to: Entry.self) { EntryPlace(entry: $0, $1).above(3) }
  let packageOf = Constant(LP.self, to: Package.self) { lp, sizes in
    lp * sizes[Sizes.packages] / max(1, sizes[Sizes.lps])
  }

  // MARK: The TDR and the TDCS

  let life = Map(TD.self, Life.absent, as: "lifecycle_state")
  let fatal = Map(TD.self, false, as: "fatal")
  let children: Map<TD, Int>
  let numTDCX: Map<TD, Int>
  let hkid = Map(TD.self, HKID?.none, as: "hkid")
  let configured = Map2(TD.self, Package.self, false, as: "pkg_config_bitmap")
  let opState = Map(TD.self, OpState.UNINITIALIZED, as: "op_state")
  let maxVCPUs = Map(TD.self, 0, in: 0...2, as: "max_vcpus")
  let numVCPUs: Map<TD, Int>
  let numAssoc: Map<TD, Int>
  let epoch: Map<TD, Int>
  let refcount: Map2<TD, Parity, Int>

  // MARK: S-EPT

  let entryState = Map2(TD.self, Entry.self, SEPTState.FREE, as: "sept")
  /// The S-EPT page or private page that an entry points at; of a 2 MB page, the first 4 KB.
  let target = Map2(TD.self, Entry.self, Page?.none, as: "sept_page")

  // MARK: vCPUs

  /// The TD of a TDVPS; `nil` when the vCPU does not exist.
  let vcpuTD = Map(VCPU.self, TD?.none, as: "vcpu_td")
  let vcpuState = Map(VCPU.self, VCPUState.VCPU_UNINITIALIZED, as: "vcpu_state")
  let assoc = Map(VCPU.self, LP?.none, as: "assoc_lpid")
  let vcpuEpoch: Map<VCPU, Int>
  let vcpuPages: Map<VCPU, Int>
  /// The vCPU in the guest on the LP.
  let inGuest = Map(LP.self, VCPU?.none, as: "in_guest")

  // MARK: PAMT, KOT, WBT

  let type = Map(Page.self, PageType.NDA, as: "pamt_type")
  /// The TD that a page belongs to, its own TDR included.
  let owner = Map(Page.self, TD?.none, as: "pamt_owner")
  /// Kept when the page is released, as the module keeps it.
  let bepoch: Map<Page, Int>
  let vcpuAt = Map(Page.self, VCPU?.none, as: "tdvpr_vcpu")
  /// The TD that has the 2 MB block as one page.
  let large = Map(Block.self, TD?.none, as: "pamt_2m_owner")
  let largeEpoch: Map<Block, Int>
  let kot = Map(HKID.self, KOT.HKID_FREE, as: "kot_state")
  let writeBackPending = Map2(HKID.self, Package.self, false, as: "kot_wbinvd_bitmap")
  /// The interruption point of TDH.PHYMEM.CACHE.WB; 0 for none.
  let wbPoint: Map<Package, Int>
  /// wbt.hkid_flushed: whom the cycle will be credited to.
  let wbFlushed = Map2(Package.self, HKID.self, false, as: "wbt_hkid_flushed")

  // MARK: What the hardware may hold

  /// Modified lines of the HKID in sub-blocks before the interruption point, and from it on.
  let dirtyPassed = Map2(HKID.self, Package.self, false, as: "dirty_before_point")
  let dirtyAhead = Map2(HKID.self, Package.self, false, as: "dirty_from_point")
  /// The LP may hold translations that the vCPU has made.
  let translations = Map2(LP.self, VCPU.self, false, as: "translations")

  // MARK: History

  /// TDH.PHYMEM.CACHE.WB has completed on the package, in a cycle that started since the TD's
  /// TDH.MNG.VPFLUSHDONE.
  let writtenBack = Map2(TD.self, Package.self, false, as: "written_back")
  /// The TD was in TD_BLOCKED when the package's cycle started.
  let blockedAtStart = Map2(Package.self, TD.self, false, as: "blocked_at_cycle_start")
  /// A page leaf had an effect on a TD without keys, or a reclaim on one that is not torn down.
  let outOfOrder = Ghost(false, as: "page_leaf_out_of_order")

  public init() {
    children = Map(TD.self, 0, upTo: units, as: "chldcnt")
    numTDCX = Map(TD.self, 0, in: 0...9, as: "num_tdcx")
    numVCPUs = Map(TD.self, 0, upTo: vcpus, as: "num_vcpus")
    numAssoc = Map(TD.self, 0, upTo: vcpus, as: "num_assoc_vcpus")
    epoch = Map(TD.self, 0, upTo: epochs, as: "td_epoch")
    refcount = Map2(TD.self, Parity.self, 0, upTo: vcpus, as: "refcount")
    vcpuEpoch = Map(VCPU.self, 0, upTo: epochs, as: "vcpu_epoch")
    vcpuPages = Map(VCPU.self, 0, upTo: mostTDVPS, as: "num_tdvps_pages")
    bepoch = Map(Page.self, 0, upTo: epochs, as: "bepoch")
    largeEpoch = Map(Block.self, 0, upTo: epochs, as: "bepoch_2m")
    wbPoint = Map(Package.self, 0, upTo: subBlocks, as: "wbt_intr_point")
  }

  public var actions: [Action] {
    lifecycleLeaves
    keyLeaves
    vcpuLeaves
    septLeaves
    pageLeaves
    largePageLeaves
    trackingLeaves
    physicalLeaves
    fieldLeaves
    guestEvents
  }

  public var properties: [Property] {
    keyProperties
    vcpuProperties
    memoryProperties
    possibilities
  }
  public var scopes: [Scope] {
    Scope(
      "memory", "one TD with a page to spare: pages come and go while its vCPU runs",
      ["tds": 1, "hkids": 1, "pages": 5, "loose": 5, "units": 5])
    Scope(
      "control", "one TD with its control pages only: keys, a vCPU, epochs",
      ["tds": 1, "hkids": 1, "pages": 3, "loose": 3, "units": 3, "epochs": 5])
    Scope(
      "two-packages", "one TD on two packages, whose cache write-backs can be interrupted",
      [
        "tds": 1, "hkids": 1, "pages": 5, "loose": 5, "units": 5, "lps": 2, "packages": 2,
        "sub_blocks": 2,
      ])
    Scope(
      "two-vcpus", "two vCPUs of one TD on two LPs: epochs and refcounts",
      ["tds": 1, "hkids": 1, "pages": 5, "loose": 5, "units": 5, "vcpus": 2, "lps": 2])
    Scope(
      "recorded", "the platform of the recorded calls; for replay, far too large to explore",
      [
        "tds": 2, "vcpus": 4, "lps": 4, "packages": 2, "hkids": 3, "pages": 58, "blocks": 3,
        "entries": 21, "loose": 48, "columns": 5, "span": 512, "regions": 3, "levels": 4,
        "tdcx_pages": 6, "spare_tdcx": 3, "tdvps_pages": 6, "most_tdvps": 15, "epochs": 250,
        "units": 2048, "sub_blocks": 4, "bad_operands": 1,
        "fields": 1,
      ])
  }
  public var tables: [ReferenceTable] { ModuleLeaf.tables }
}
