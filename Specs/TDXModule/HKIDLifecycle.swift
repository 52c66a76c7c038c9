import SpecLanguage

/// Several TDs compete for HKIDs: from TDH.MNG.CREATE to the reuse of the HKID (tdx-module §14.3).
///
/// The host makes any call at any moment; the module's checks alone keep the properties. The
/// lemmas make all properties together inductive, for every number of elements.
///
/// Left out:
/// - Durations: a leaf is one step, because it holds the TDR or the KOT from begin to end. Only
///   a page removal, which holds the TDR shared, has a begin and an end of its own (S-11).
/// - Which package an LP belongs to: keys and write-backs are per package, association is per LP,
///   and no check of the module compares the two (tdx-module §14.3). Every LP may dirty lines on
///   every package, which is more than can happen.
/// - RESUME of TDH.PHYMEM.CACHE.WB: a cycle is one step, so that no HKID is flushed amid it.
/// - TDH.MNG.ADDCX, TDH.VP.ADDCX and TDH.MR.FINALIZE: control pages are there when they are
///   needed, and a TD may run and get vCPUs as soon as it is initialised.
public struct HKIDLifecycle: Spec {
  public static let name = "tdx/hkid"
  public let summary = "the life of HKIDs that several TDs compete for, up to their reuse"

  /// A TDR page, with the TD that it is the root of while there is one.
  public enum TD: Sort {}
  public enum LP: Sort {}
  public enum Package: Sort {}
  public enum HKID: Sort {}

  /// TDR.lifecycle_state, with `absent` for a page that is no TDR (tdx-module §2.1).
  public enum Life: EnumDomain {
    case absent, TD_HKID_ASSIGNED, TD_KEYS_CONFIGURED, TD_BLOCKED, TD_TEARDOWN
  }
  /// State of an entry of the key ownership table (tdx-module §2.3).
  public enum KOT: EnumDomain { case HKID_FREE, HKID_ASSIGNED, HKID_FLUSHED }
  /// What the host knows of an HKID.
  public enum Pool: EnumDomain {
    /// In the pool: tdx_guest_keyid_alloc may hand it out.
    case pooled
    /// A TDH.MNG.CREATE with it has succeeded.
    case used
    /// TDH.MNG.KEY.FREEID has succeeded, tdx_guest_keyid_free has not been called yet.
    case released
  }

  let tds = Parameter("tds", of: TD.self, 1...3, default: 2, "TDs, one after another in each slot")
  let vcpus = Parameter("vcpus", of: VCPU.self, 1...3, default: 2, "vCPUs, of whichever TD")
  let lps = Parameter("lps", of: LP.self, 1...3, default: 2, "logical processors")
  let packages = Parameter("packages", of: Package.self, 1...3, default: 2, "packages")
  let hkids = Parameter("hkids", of: HKID.self, 1...3, default: 2, "private HKIDs")

  // MARK: The TDR

  let life = Map(TD.self, Life.absent, as: "lifecycle_state")
  /// TDR.hkid; it stays as it was after TDH.MNG.KEY.FREEID.
  let hkid = Map(TD.self, HKID?.none, as: "hkid")
  /// TDR.pkg_config_bitmap: the key is programmed on the package.
  let configured = Map2(TD.self, Package.self, false)
  /// OP_STATE is past UNINITIALIZED.
  let initialised = Map(TD.self, false)
  /// A removal is between its begin and its end; it holds the TDR shared.
  let removing = Map(TD.self, false)

  // MARK: The key ownership table and the host's pool

  let kot = Map(HKID.self, KOT.HKID_FREE, as: "kot_state")
  /// kot.wbinvd_bitmap: the package's caches were not written back since the HKID was flushed.
  let writeBackPending = Map2(HKID.self, Package.self, false)
  let pool = Map(HKID.self, Pool.pooled)

  // MARK: vCPUs

  /// The TD of the vCPU's TDVPR page.
  let owner = Map(VCPU.self, TD?.none)
  /// The vCPU's state is READY, or ACTIVE while it runs.
  let ready = Map(VCPU.self, false)
  /// TDVPS.assoc_lpid.
  let associated = Map(VCPU.self, LP?.none, as: "assoc_lpid")
  /// The vCPU is in the guest, on the LP that it is associated with.
  let running = Map(VCPU.self, false, as: "in_guest")

  // MARK: What the hardware may hold

  /// The package's caches may hold modified lines of the HKID.
  let dirty = Map2(HKID.self, Package.self, false)
  /// The LP's TLB or paging-structure caches may hold translations that the vCPU has made.
  let translations = Map2(LP.self, VCPU.self, false)

  // MARK: History

  /// TDH.PHYMEM.CACHE.WB has completed on the package since the TD's TDH.MNG.VPFLUSHDONE.
  let writtenBack = Map2(TD.self, Package.self, false)

  public init() {}

  public var actions: [Action] {
    create
    keyConfig
    initialise
    vpCreate
    vpInit
    vpEnter
    tdExit
    write
    removalBegins
    removalEnds
    vpFlush
    vpFlushDone
    cacheWB
    keyFreeID
    returnToPool
    reclaim
  }

  public var scopes: [Scope] {
    Scope(
      "small", "one vCPU, LP and package; two TDs and HKIDs",
      ["vcpus": 1, "lps": 1, "packages": 1])
    Scope("three-tds", "three TDs compete for two HKIDs", ["tds": 3, "lps": 1, "packages": 1])
  }
}

extension Outcome {
  /// The explicit TDVPR operand is locked by the vCPU that runs.
  static let operandBusyTDVPR = Outcome("TDX_OPERAND_BUSY|TDVPR", kind: .status)
  static let hkidNotFree = Outcome("TDX_HKID_NOT_FREE", kind: .status)
  static let keyConfigured = Outcome("TDX_KEY_CONFIGURED", kind: .status)
  static let opStateIncorrect = Outcome("TDX_OP_STATE_INCORRECT", kind: .status)
  static let vcpuStateIncorrect = Outcome("TDX_VCPU_STATE_INCORRECT", kind: .status)
  static let vcpuAssociated = Outcome("TDX_VCPU_ASSOCIATED", kind: .status)
}
