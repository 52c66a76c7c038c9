import SpecLanguage
import TDXModuleSpecs

/// TDCS.OP_STATE, as far as KVM takes a TD (tdx-module §2.2); numbered as in the module's tables.
public enum TDOpState: EnumDomain { case UNINITIALIZED, INITIALIZED, RUNNABLE }

/// A vCPU's TDVPS (tdx-module §9).
public enum TDVPS: EnumDomain {
  case absent
  /// After TDH.VP.CREATE.
  case created
  /// All its pages are there.
  case complete
  /// After TDH.VP.INIT: it can be entered.
  case ready
}

/// What the TDX module holds of the one TD, and from which its answers follow.
///
/// A leaf takes the TDR at its begin and has its effects at its end. Its mode, and the states of
/// OP_STATE in which it may be called, are the rows of `tdx/module`.
///
/// Left out, because KVM's locks keep its own threads apart there: OP_STATE and S-EPT entry locks,
/// the S-EPT tree (mmu_lock), KOT and WBT (tdx_lock), TDVPR, TD_EPOCH (kvm-tdx §3.4, §3.5).
struct TDInModule: SpecPart {
  let standIn = Parameter(
    "STANDIN", 0...1, default: 0,
    "1: the module looks at nothing and answers success unless told otherwise, as in recordings")

  /// TDR.lifecycle_state together with the KOT entry of its HKID (tdx-module §2.1, §2.3).
  let life = Var(HKIDLife.Key.free, as: "td_lifecycle")
  let hasTDCS = Var(false, as: "tdcs_allocated")
  let opState = Var(TDOpState.UNINITIALIZED, as: "op_state")
  /// TDH.PHYMEM.CACHE.WB has completed since TDH.MNG.VPFLUSHDONE.
  let writtenBack = Var(false, as: "caches_written_back")
  let vcpu = Map(VCPU.self, TDVPS.absent, as: "tdvps_state")
  /// TDVPS.assoc_lpid is a logical processor's.
  let associated = Map(VCPU.self, false, as: "vcpu_associated")
  /// The LP that the vCPU is associated with is not the one that KVM has it on.
  let strayed = Map(VCPU.self, false, as: "vcpu_associated_elsewhere")
  let running = Map(VCPU.self, false, as: "vcpu_in_guest")
  /// The vCPU is in the guest since before the last TDH.MEM.TRACK.
  let olderEpoch = Map(VCPU.self, false, as: "in_guest_since_older_epoch")
  /// The S-EPT leaf; `mapped` stands for PENDING too, which only the guest tells apart.
  let sept = Map(Page.self, SEPT.free, as: "sept")
  /// A page leaf came without configured keys, or a reclaim before TD_TEARDOWN.
  let outOfOrder = Ghost(false, as: "leaf_out_of_order")
  /// Every vCPU in the guest holds it shared (tdx-module §6.2).
  let tdr = RWLock("TDR", rank: nil)
}

extension Outcome {
  static let noEntropy = Outcome("TDX_RND_NO_ENTROPY", kind: .status)
  static let operandInvalid = Outcome("TDX_OPERAND_INVALID", kind: .status)
  /// A status that KVM does not tell from others.
  static let otherStatus = Outcome("TDX_OTHER", kind: .status)
  static let opStateIncorrect = Outcome("TDX_OP_STATE_INCORRECT", kind: .status)
  static let noVCPUs = Outcome("TDX_NO_VCPUS", kind: .status)
  static let vcpuStateIncorrect = Outcome("TDX_VCPU_STATE_INCORRECT", kind: .status)
  static let vcpuAssociated = Outcome("TDX_VCPU_ASSOCIATED", kind: .status)
  static let pagesExist = Outcome("TDX_TD_ASSOCIATED_PAGES_EXIST", kind: .status)
  static let entryNotPresent = Outcome("TDX_EPT_ENTRY_NOT_PRESENT", kind: .status)
}

extension Leaf {
  /// Its row in the module's tables: KVM calls version 1 of TDH.VP.INIT, and reclaims the TDR last.
  var row: LeafRow? {
    switch self {
    case .vpInit: LeafRow("VP.INIT(v1)")
    case .phymemPageReclaim: LeafRow("PHYMEM.PAGE.RECLAIM(TDR)")
    default: LeafRow(String(name.dropFirst("TDH.".count)))
    }
  }

  /// The leaves that map and remove pages, which S-11 is about.
  var isOfPages: Bool {
    switch self {
    case .memSEPTAdd, .memPageAdd, .memPageAug, .memRangeBlock, .memTrack, .memPageRemove: true
    default: false
    }
  }
}
