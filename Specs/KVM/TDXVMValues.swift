import SpecLanguage

/// File offsets of guest_memfd, as intervals in increasing order.
public enum FileIndex: Sort {}
/// How far an interval of a file lies from the interval of the GPA space that it backs.
public enum Shift: Sort {}
/// A page of the secure EPT's tables above the leaves.
public enum SEPTTable: Sort { public static var letter: String { "table" } }
/// A memslot number.
public enum MemSlot: Sort {}

/// Who makes a call: a process with the VM's mm, or a child that inherited the descriptor.
public enum Caller: EnumDomain { case owner, child }

/// A descriptor as its process sees it.
public enum Descriptor: EnumDomain { case absent, open, closed }

/// The type that KVM_CREATE_VM was called with.
public enum VMKind: EnumDomain {
  case td
  /// KVM_X86_SW_PROTECTED_VM.
  case softwareProtected
  /// KVM_X86_DEFAULT_VM.
  case ordinary
}

/// kvm_tdx->state (kvm-tdx §1.1).
public enum TDBuild: EnumDomain { case uninitialized, initialized, runnable }

/// kvm_tdx->hkid (kvm-tdx §1.1): 0, a KeyID, -1.
public enum HKID: EnumDomain { case none, assigned, freed }

/// vcpu_tdx->state (kvm-tdx §1.2).
public enum VCPUBuild: EnumDomain { case absent, created, initialized }

/// GPA width: of a TD, or of a vCPU's CPUID 0x80000008 (kvm-tdx §2.5).
public enum GPAWidth: EnumDomain { case none, bits48, bits52 }

/// Where a call shall write CPUID entries: `nent` and the pointer to the data.
public enum EntryRoom: EnumDomain { case fine, tooSmall, unreadable }

/// The interrupt controllers in the kernel: local APICs only, or all (kvm-tdx §2.1).
public enum Irqchip: EnumDomain { case none, split, full }

/// struct kvm_tdx_cmd, apart from what its data points to (kvm-tdx §2.2).
public enum Command: EnumDomain {
  case fine
  /// hw_error is not 0.
  case hardwareError
  case flags
}

/// What KVM_TDX_INIT_VM gets, in the order of its checks (kvm-tdx §2.2.2).
public enum InitVMData: EnumDomain {
  case fine, unreadable, tooManyEntries, reserved, attributes, xfam, guestPhysicalBits
}

/// What KVM_TDX_INIT_MEM_REGION gets (kvm-tdx §2.3.2).
public enum RegionData: EnumDomain {
  case fine, measured, unknownFlags, unreadable, malformed
  /// Well-formed but for a number of pages whose bytes wrap, so that the checks of 7.3 pass.
  case wrapping
}

/// Which bits of a GPA are set that may be the shared bit.
public enum GPABits: EnumDomain { case low, bit47, bit51, beyond }

/// Whether an argument's size, alignment and flags are what the call takes.
public enum Shape: EnumDomain { case fine, malformed }

/// Flags of a memory region (kvm-tdx §2.6).
public enum RegionFlags: EnumDomain { case none, guestMemfd, readOnly, refused }

/// Size of a memory region: 0 deletes.
///
/// `same`: some, and userspace_addr, size and READONLY are those that the memslot has. Only
/// recorded calls are known to be; in scopes every call on a memslot that is there changes one.
public enum RegionSize: EnumDomain { case zero, some, malformed, same }

/// What the descriptor of a memory region's guest_memfd is.
public enum Backing: EnumDomain { case file, notOpen, foreign, tooSmall }

/// mode of fallocate (kvm-tdx §2.9).
public enum FallocateMode: EnumDomain { case punchHole, allocate, unsupported }

/// A SEAMCALL's status, as far as KVM tells them apart (kvm-tdx §1.6).
public enum LeafStatus: EnumDomain {
  case success
  /// TDX_RND_NO_ENTROPY.
  case noEntropy
  /// TDX_OPERAND_BUSY.
  case operandBusy
  /// TDX_OPERAND_INVALID.
  case operandInvalid
  case other
}

/// The leaves that KVM calls.
public enum Leaf: EnumDomain {
  case mngCreate, mngKeyConfig, mngAddCX, mngInit, mngRead, mngVPFlushDone, mngKeyFreeID
  case vpCreate, vpAddCX, vpInit, vpWrite, vpFlush
  case memSEPTAdd, memPageAdd, memPageAug, memRangeBlock, memTrack, memPageRemove
  case mrExtend, mrFinalize, phymemCacheWB, phymemPageReclaim, phymemPageWBINVD

  /// As Intel's specification spells it.
  public var name: String {
    switch self {
    case .mngCreate: "TDH.MNG.CREATE"
    case .mngKeyConfig: "TDH.MNG.KEY.CONFIG"
    case .mngAddCX: "TDH.MNG.ADDCX"
    case .mngInit: "TDH.MNG.INIT"
    case .mngRead: "TDH.MNG.RD"
    case .mngVPFlushDone: "TDH.MNG.VPFLUSHDONE"
    case .mngKeyFreeID: "TDH.MNG.KEY.FREEID"
    case .vpCreate: "TDH.VP.CREATE"
    case .vpAddCX: "TDH.VP.ADDCX"
    case .vpInit: "TDH.VP.INIT"
    case .vpWrite: "TDH.VP.WR"
    case .vpFlush: "TDH.VP.FLUSH"
    case .memSEPTAdd: "TDH.MEM.SEPT.ADD"
    case .memPageAdd: "TDH.MEM.PAGE.ADD"
    case .memPageAug: "TDH.MEM.PAGE.AUG"
    case .memRangeBlock: "TDH.MEM.RANGE.BLOCK"
    case .memTrack: "TDH.MEM.TRACK"
    case .memPageRemove: "TDH.MEM.PAGE.REMOVE"
    case .mrExtend: "TDH.MR.EXTEND"
    case .mrFinalize: "TDH.MR.FINALIZE"
    case .phymemCacheWB: "TDH.PHYMEM.CACHE.WB"
    case .phymemPageReclaim: "TDH.PHYMEM.PAGE.RECLAIM"
    case .phymemPageWBINVD: "TDH.PHYMEM.PAGE.WBINVD"
    }
  }
}

/// Why the guest exits next (kvm-tdx §2.5).
public enum GuestExit: EnumDomain {
  /// A triple fault: KVM_EXIT_SHUTDOWN.
  case shutdown
  case privateAccess, sharedAccess
  /// TDVMCALL MapGPA of a good range.
  case mapGPA
  /// KVM_RUN returns to user space.
  case toUser
  /// KVM answers the guest and enters again.
  case answered
}

/// KVM_ENABLE_CAP capabilities (kvm-tdx §2.1).
public enum Capability: EnumDomain {
  case splitIrqchip, exitHypercall, maxVCPUs, busCycles, other
  /// KVM_CAP_EXIT_HYPERCALL with no call to forward.
  case noHypercallExits
}

/// Registers and events of a vCPU (kvm-tdx §2.0).
public enum VCPUAccess: EnumDomain {
  /// Protected by the TDX module: REGS, SREGS, FPU, XSAVE, XCRS, LAPIC, DEBUGREGS, the TSC.
  case protected
  /// KVM's own: MP_STATE, VCPU_EVENTS, NMI.
  case kvms
  case smi
}

/// A pointer to pages that KVM allocated.
public enum PagePointer: EnumDomain {
  case null, held
  /// What it points to was freed.
  case dangling
}

/// Why KVM_BUG_ON fired first.
public enum BugCause: EnumDomain {
  case none
  /// A vCPU's CPUID has another GPA width than the TD.
  case addressWidth
  /// TDH.MR.FINALIZE of a TD without vCPUs.
  case noVCPUs
  /// A vCPU that was not initialised.
  case uninitializedVCPU
  /// A page was removed while TDH.MR.FINALIZE had the TDR for itself.
  case removalAmidFinalize
  /// The module has a vCPU associated with a CPU that KVM does not have it on.
  case associatedElsewhere
  case other
}
