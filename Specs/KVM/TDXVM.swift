import SpecLanguage
import TDXModuleSpecs

/// KVM's TDX support around one VM, from KVM_CREATE_VM to kvm_destroy_vm: each call with its
/// checks in order, its locks and its SEAMCALLs (kvm-tdx §1 to §4).
///
/// GPAs and file offsets are intervals: an element of `Page` stands for pages that every call
/// treats alike.
public struct TDXVM: Spec {
  public static let name = "kvm/tdx"
  public let summary = "KVM's TDX support: every ioctl with its checks, locks and SEAMCALLs"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...16, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...62, default: 1, "intervals of the GPA space")
  let tables = Parameter(
    "tables", of: SEPTTable.self, 4...248, default: 4, "pages of the secure EPT's upper levels")
  let slots = Parameter("slots", of: MemSlot.self, 1...16, default: 1, "memslots")
  let files = Parameter("files", of: File.self, 1...16, default: 1, "guest_memfd files")
  let indices = Parameter("indices", of: FileIndex.self, 1...62, default: 1, "intervals of a file")
  let shifts = Parameter(
    "shifts", of: Shift.self, 1...123, default: 1, "distances of file and GPA intervals")
  let bias = Parameter("bias", 0...61, default: 0, "the shift that means no distance")
  let threads = Parameter("threads", of: HostThread.self, 1...3, default: 1, "VMM threads")
  let module = TDInModule()
  let cpus = Parameter("cpus", 1...16, default: 2, "CPUs of the host, the most vCPUs of a TD")
  let environment = Parameter(
    "ENVIRONMENT", 0...1, default: 0,
    "1: other TDs take KeyIDs, the guest exits for any reason, calls that TDs are run without")
  let types = Parameter("TYPES", 0...1, default: 0, "1: also VMs that are no TDs")
  let arguments = Parameter(
    "ARGUMENTS", 0...1, default: 0,
    "1: arguments that are not well-formed too, and callers with another mm")
  let start = Parameter(
    "BUILT", 0...2, default: 0,
    "begins with 1: a TD with a bound memfd and vCPUs, 2: the same, initialised and finalized")
  let faults = Parameter("FAULTS", 0...1, default: 0, "1: one SEAMCALL may fail")
  let signals = Parameter(
    "SIGNALS", 0...1, default: 0, "1: signals interrupt calls where KVM looks for them")
  let allocations = Parameter("ALLOCATIONS", 0...1, default: 0, "1: allocations may fail")
  let processes = Parameter(
    "PROCESSES", 0...1, default: 0, "1: a child inherits descriptors, and the process may end")
  let hotplug = Parameter(
    "HOTPLUG", 0...1, default: 0, "1: vCPU threads move between CPUs, and CPUs go offline")
  let pins = Parameter(
    "PINS", 0...1, default: 0, "1: a page that is mapped holds its folio, as before 6.19")
  let queued = Parameter(
    "QUEUED", 0...1, default: 0, "1: INIT_MEM_REGION's size is checked as queued for 7.4")
  let roots = Parameter(
    "ROOTS", 0...1, default: 0, "1: the roots of the vCPUs' page tables become obsolete once")

  /// The secure EPT's table of each level above a page (kvm-tdx §1.5).
  let table4 = Constant(Page.self, SEPTTable.self) { (_: Int, _: Int) in 3 }
  let table3 = Constant(Page.self, SEPTTable.self) { (_: Int, _: Int) in 2 }
  let table2 = Constant(Page.self, SEPTTable.self) { (_: Int, _: Int) in 1 }
  let table1 = Constant(Page.self, SEPTTable.self) { (_: Int, _: Int) in 0 }

  // The VM (kvm-tdx §1.1).
  let vmFile = Var(Descriptor.absent, as: "vm_fd")
  let kind = Var(VMKind.td, as: "vm_type")
  let vmDead = Var(false, as: "vm_dead")
  let bugged = Var(false, as: "vm_bugged")
  let build = Var(TDBuild.uninitialized, as: "kvm_tdx.state")
  let hkid = Var(HKID.none, as: "kvm_tdx.hkid")
  /// Other TDs hold all KeyIDs but this VM's.
  let keyIDsTaken = Var(false, as: "keyid_pool_empty")
  let width = Var(GPAWidth.none, as: "gfn_direct_bits")
  let irqchip = Var(Irqchip.none, as: "irqchip_mode")
  let forwardsMapGPA = Var(false, as: "hypercall_exit_enabled")
  /// arch.max_vcpu_ids as a class of numbers; 7 is "not set".
  let maxVCPUID = Var(7, in: 0...7, as: "max_vcpu_ids")
  let destroyed = Var(false, as: "kvm_destroyed")
  /// Control pages that the module holds: TDR and TDCS.
  let tdrHeld = Var(false, as: "tdr_held")
  let tdcsPages = Var(PagePointer.null, as: "tdcs_pages")

  // vCPUs (kvm-tdx §1.2).
  let vcpu = Map(VCPU.self, VCPUBuild.absent, as: "vcpu_tdx.state")
  let vcpuFile = Map(VCPU.self, Descriptor.absent, as: "vcpu_fd")
  let hasX2APIC = Map(VCPU.self, false, as: "cpuid_has_x2apic")
  let cpuidWidth = Map(VCPU.self, GPAWidth.none, as: "cpuid_gpa_width")
  let rootLoaded = Map(VCPU.self, false, as: "mmu_root_loaded")
  let listed = Map(VCPU.self, false, as: "vcpu_on_cpu_list")
  let mpRunnable = Map(VCPU.self, false, as: "mp_state_runnable")
  /// KVM_RUN returned for MapGPA, and user space has not answered in a way that KVM knows.
  let awaitsReply = Map(VCPU.self, false, as: "map_gpa_pending")
  let oddReply = Map(VCPU.self, false, as: "hypercall_ret_odd")
  let hasRun = Map(VCPU.self, false, as: "vcpu_has_run")

  // Memory (kvm-tdx §1.5).
  let slotUsed = Map(MemSlot.self, false, as: "memslot_used")
  let slotOf = Map(Page.self, MemSlot?.none, as: "memslot_of")
  let fileOf = Map(Page.self, File?.none, as: "gmem_of")
  let indexOf = Map(Page.self, FileIndex?.none, as: "gmem_index_of")
  let unbacked = Map(Page.self, false, as: "hva_unmapped")
  let isPrivate = Map(Page.self, false, as: "attr_private")
  let mirror = Map(Page.self, false, as: "mirror_spte")
  let tablePresent = Map(SEPTTable.self, false, as: "sept_table")
  let gmem = Map(File.self, Descriptor.absent, as: "gmem_fd")
  let gmemCanMap = Map(File.self, false, as: "gmem_flag_mmap")
  let gmemMapped = Map(File.self, false, as: "gmem_mapped")
  let gmemReleased = Map(File.self, false, as: "gmem_released")
  /// The memslots in the xarray gmem_file->bindings.
  let bindings = Map(File.self, SetOf<MemSlot>.empty, as: "gmem_bindings")
  let hasFolio = Map2(File.self, FileIndex.self, false, as: "folio")

  // Faults that other threads come between (kvm-tdx §3.5).
  /// The memslot that is marked KVM_MEMSLOT_INVALID.
  let deleting = Var(MemSlot?.none, as: "memslot_invalid")
  let invalidations = Var(0, in: 0...3, as: "mmu_invalidate_in_progress")
  /// What mmu_invalidate_range covers.
  let invalidating = Var(SetOf<Page>.empty, as: "mmu_invalidate_range")
  /// mmu_invalidate_seq is as it was when the vCPU's fault began.
  let isFresh = Map(VCPU.self, false, as: "fault_is_fresh")
  /// What the vCPU's fault maps: a FROZEN_SPTE.
  let frozen = Map(VCPU.self, Page?.none, as: "frozen_spte")
  /// The vCPU's root is loaded and no longer valid.
  let rootObsolete = Map(VCPU.self, false, as: "mmu_root_obsolete")
  /// KVM holds a reference to the folio behind the page.
  let pinned = Map(Page.self, false, as: "folio_pinned")
  let tableFrozen = Map(VCPU.self, SEPTTable?.none, as: "frozen_table")

  // The environment.
  let failing = Map(Leaf.self, LeafStatus.success, as: "injected_status")
  let failures = Map(Leaf.self, 0, in: 0...11, as: "injected_count")
  let nextExit = Var(GuestExit.shutdown, as: "next_exit")
  let exitPage = Var(Page?.none, as: "next_exit_gpa")
  let nextStatus = Var(LeafStatus.success, as: "next_status")
  let hasFailed = Var(false, as: "a_seamcall_was_made_to_fail")
  /// It was busy, so that the next one may be too.
  let wasBusy = Var(false, as: "it_was_busy")
  let trouble = Var(Trouble.none, as: "trouble")
  /// The vCPU's thread runs on another CPU than the one whose list the vCPU is on.
  let movedAway = Map(VCPU.self, false, as: "vcpu_thread_has_moved")
  /// Some package has CPUs, and none of them is online.
  let packageOffline = Var(false, as: "package_is_offline")
  let hasForked = Var(false, as: "has_forked")
  let exited = Var(false, as: "process_has_exited")
  let childHasExited = Var(false, as: "child_has_exited")
  /// What the child has descriptors of.
  let vmCopy = Var(false, as: "child_has_vm")
  let vcpuCopy = Map(VCPU.self, false, as: "child_has_vcpu")
  let gmemCopy = Map(File.self, false, as: "child_has_gmem")
  let rootsWereZapped = Var(false, as: "roots_were_invalidated")

  // History.
  /// A SEAMCALL was busy where KVM takes that for a bug.
  let bugCause = Ghost(BugCause.none, as: "bug_cause")
  let busyUnhandled = Ghost(false, as: "busy_unhandled")
  /// The one status that the environment injected is that of wrong arguments, or no entropy.
  let refusedByModule = Ghost(false, as: "init_vm_was_refused")
  /// TDH.MEM.PAGE.ADD or TDH.MEM.PAGE.AUG came in the other's state.
  let wrongBuild = Ghost(false, as: "page_leaf_in_wrong_state")
  /// A memslot was freed while a memfd was bound to it.
  let freedBound = Ghost(false, as: "freed_slot_is_bound")
  /// get_user_pages_fast was called with invalidate_lock held, by the only thread there is.
  let lockedAround = Ghost(false, as: "invalidate_lock_around_mmap_lock")
  let freedTwice = Ghost(false, as: "freed_twice")
  /// Which folio the TD owns as the page, whatever becomes of the memslot.
  let ownedFile = Map(Page.self, File?.none, as: "owned_gmem")
  let ownedIndex = Map(Page.self, FileIndex?.none, as: "owned_gmem_index")
  /// The page was to be measured, and is in the TD without.
  let unmeasured = Map(Page.self, false, as: "unmeasured")
  /// What the last KVM_TDX_INIT_VM that succeeded was given.
  let initDataTaken = Ghost(InitVMData.fine, as: "init_vm_taken")
  /// INIT_MEM_REGION has begun with a size that wraps.
  let wrappedTaken = Ghost(false, as: "wrapping_size_taken")

  // Locks (kvm-tdx §3.1).
  let kvmLock = Lock("kvm->lock", rank: 10)
  let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let slotsLock = Lock("kvm->slots_lock", rank: 30)
  let mmapLock = RWLock("mmap_lock", rank: 32)
  let cpusLock = RWLock("cpus_read_lock", rank: 35)
  let invalidateLock = Locks("invalidate_lock", each: File.self, rank: 40)
  let tdxLock = Lock("tdx_lock", rank: 45)
  let mmuLock = RWLock("mmu_lock", rank: 50)
  /// kvm->srcu: readers are never waited for by their own kind.
  let srcu = RWLock("kvm->srcu", rank: nil)

  // Arguments.
  let caller = NamedArgument<Caller>("caller")
  let command = NamedArgument<Command>("cmd")
  let v = NamedArgument<VCPU>("vcpu")
  let f = NamedArgument<File>("gmem")
  let shape = NamedArgument<Shape>("shape")
  let range = NamedArgument<SetOf<Page>>("range")
  let bits = NamedArgument<GPABits>("gpa")

  public init() {}

  public var actions: [Action] {
    begins
    createVM
    enableCap
    limitIDs
    createIrqchip
    setTSC
    checkExtension
    checkDeviceExtension
    commandOnDevice
    dirtyLog
    capabilities
    initVM
    createVCPU
    setCPUID
    initVCPU
    finalizeVM
    getCPUID
    otherCommandOnVM
    otherCommandOnVCPU
    createGmem
    setMemoryRegion
    setAttributes
    initMemRegion
    preFault
    run
    reply
    accessVCPU
    setMPState
    fallocate
    onGmem
    mapGmem
    unmapGmem
    closeVM
    closeVCPU
    closeGmem
    childCloses
    otherTDs
    fails
    failsNow
    exits
    rootsBecomeObsolete
    troubleComes
    fork
    childPunches
    childExits
    processExits
    threadMoves
    cpuOffline
  }

  public var properties: [Property] {
    safety
    processProperties
    cpuProperties
    progress
  }
}
