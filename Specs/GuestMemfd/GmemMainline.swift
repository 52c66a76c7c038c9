import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// guest_memfd of mainline around one VM of type KVM_X86_DEFAULT_VM or KVM_X86_SW_PROTECTED_VM:
/// files, bindings, memslots, mappings, faults, invalidation and release (guest-memfd §1).
///
/// GPAs and file offsets are intervals, as in `kvm/tdx`: an element of `Page` stands for pages
/// that every call treats alike. A file has one inode, since no call makes a second file of one.
/// Every page is 4 KiB; TLB flushes are part of the step that unmaps.
public struct GmemMainline: Spec {
  public static let name = "gmem/mainline"
  public let summary = "guest_memfd of mainline: bindings, faults, invalidation, release"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...16, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...62, default: 1, "intervals of the GPA space")
  let slots = Parameter("slots", of: MemSlot.self, 1...16, default: 1, "memslots")
  let files = Parameter("files", of: File.self, 1...16, default: 1, "guest_memfd files")
  let indices = Parameter("indices", of: FileIndex.self, 1...62, default: 1, "intervals of a file")
  let vmas = Parameter("vmas", of: VMA.self, 1...16, default: 1, "mappings of files")
  let hosts = Parameter("hosts", of: HostRange.self, 1...62, default: 1, "ranges of user memory")
  let bytes = Parameter("bytes", of: Byte.self, 1...255, default: 1, "bytes that are not zero")
  let shifts = Parameter(
    "shifts", of: Shift.self, 1...123, default: 1, "distances of file and GPA intervals")
  let bias = Parameter("bias", 0...61, default: 0, "the shift that means no distance")
  let threads = Parameter("threads", of: HostThread.self, 1...3, default: 1, "VMM threads")
  let profile = Parameter(
    "PROFILE", 0...3, default: 3, "the kernel: 0 is 6.12, 1 is 6.18, 2 is 7.2, 3 is 7.3")
  let privateMemory = Parameter(
    "PRIVATE", 0...1, default: 1, "1: private memory and its attributes are compiled in")
  let types = Parameter(
    "TYPE", 0...2, default: 0, "VM types: 0 KVM_X86_SW_PROTECTED_VM, 1 KVM_X86_DEFAULT_VM, 2 both")
  let arguments = Parameter(
    "ARGUMENTS", 0...1, default: 0, "1: every class of arguments, and callers with another mm")
  let single = Parameter(
    "SINGLE", 0...1, default: 0, "1: attributes and holes are of one page, no page is preallocated")
  let whole = Parameter("WHOLE", 0...1, default: 0, "1: a memslot spans every page")
  let carriers = Parameter(
    "CARRIERS", 0...1, default: 0, "1: duplicates of descriptors, O_PATH descriptors and pins")
  let writes = Parameter("WRITES", 0...1, default: 0, "1: user space writes into pages")
  let poison = Parameter("POISON", 0...1, default: 0, "1: memory of files fails")
  let smm = Parameter("SMM", 0...1, default: 1, "1: system management mode is compiled in")
  let environment = Parameter(
    "ENVIRONMENT", 0...1, default: 0, "1: calls that guest memory does not depend on")

  // The VM.
  let vmFile = Var(Descriptor.absent, as: "vm_fd")
  let kind = Var(VMKind.ordinary, as: "vm_type")
  let vmDead = Var(false, as: "vm_dead")
  let destroyed = Var(false, as: "kvm_destroyed")
  let vcpuFile = Map(VCPU.self, Descriptor.absent, as: "vcpu_fd")
  let chip = Var(InterruptChip.none, as: "irqchip_mode")
  /// arch.max_vcpu_ids as a class of numbers; 7 is "not set".
  let maxVCPUID = Var(7, in: 0...7, as: "max_vcpu_ids")
  let hasRun = Map(VCPU.self, false, as: "vcpu_has_run")
  /// The exception of an undefined instruction waits for the next KVM_RUN.
  let undefined = Map(VCPU.self, false, as: "exception_pending")
  /// KVM_SET_SREGS has emptied the interrupt table and the segments.
  let segmentsZeroed = Map(VCPU.self, false, as: "sregs_zeroed")
  let smiPending = Map(VCPU.self, false, as: "smi_pending")

  // Memslots and what the guest has mapped (guest-memfd §1.1).
  let slot = Map(MemSlot.self, SlotLife.absent, as: "memslot")
  let slotKind = Map(MemSlot.self, SlotKind.host, as: "memslot.kind")
  /// slot->gmem.file: holds no reference.
  let slotFile = Map(MemSlot.self, File?.none, as: "gmem.file")
  /// slot->gmem.pgoff, as the distance of the file's intervals from those of the GPA space.
  let pgoff: Map<MemSlot, Int>
  let gfns = Map(MemSlot.self, SetOf<Page>.empty, as: "memslot.gfns")
  let hostRange = Map(MemSlot.self, HostRange?.none, as: "userspace_addr")
  let readOnly = Map(MemSlot.self, false, as: "KVM_MEM_READONLY")
  let logsDirty = Map(MemSlot.self, false, as: "KVM_MEM_LOG_DIRTY_PAGES")
  /// userspace_addr names no memory there.
  let unbacked = Map(Page.self, false, as: "hva_unmapped")
  /// The memory at userspace_addr holds HLT there.
  let halts = Map(Page.self, false, as: "hva_halts")
  let isPrivate = Map(Page.self, false, as: "mem_attr_private")
  let spte = Map(Page.self, SPTE.none, as: "spte")

  // Files and inodes (guest-memfd §1.1).
  let life = Map(File.self, FileLife.none, as: "gmem_file")
  let gmem = Map(File.self, Descriptor.absent, as: "gmem_fd")
  let canMap = Map(File.self, false, as: "GUEST_MEMFD_FLAG_MMAP")
  let initShared = Map(File.self, false, as: "GUEST_MEMFD_FLAG_INIT_SHARED")
  let bindings = Map2(File.self, FileIndex.self, MemSlot?.none, as: "bindings")
  let folio = Map2(File.self, FileIndex.self, Folio.absent, as: "folio")
  /// The page's first byte; none for zero.
  let content = Map2(File.self, FileIndex.self, Byte?.none, as: "content")
  /// Some user page table maps the page.
  let pte = Map2(File.self, FileIndex.self, false, as: "user_pte")
  let pin = Map2(File.self, FileIndex.self, Pin.none, as: "pin")
  let vmaFile = Map(VMA.self, File?.none, as: "vm_file")
  let protection = Map(VMA.self, Protection.none, as: "vm_page_prot")
  /// Another descriptor of the file: dup, fork, or SCM_RIGHTS on its way (guest-memfd §1.4).
  let copied = Map(File.self, false, as: "gmem_fd_copy")
  /// A descriptor opened with O_PATH, which holds the inode and not the file.
  let pathHeld = Map(File.self, false, as: "gmem_path_fd")

  // Invalidation (guest-memfd §1.5).
  let inProgress = Var(0, in: 0...4, as: "mmu_invalidate_in_progress")
  let hull = Var(SetOf<Page>.empty, as: "mmu_invalidate_range")
  /// mmu_invalidate_seq moved on since the vCPU's fault took its snapshot.
  let stale = Map(VCPU.self, false, as: "fault_is_stale")

  // What recorded arguments name.
  let namedMissing = Var(SetOf<Page>.empty, as: "named_hva_unmapped")
  let namedHalting = Var(SetOf<Page>.empty, as: "named_hva_halts")
  let namedExtent = Var(SetOf<FileIndex>.empty, as: "named_extent")

  // Locks (guest-memfd §1.6).
  let kvmLock = Lock("kvm->lock", rank: 10)
  let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let slotsLock = Lock("kvm->slots_lock", rank: 30)
  let mmapLock = RWLock("mmap_lock", rank: 35)
  let invalidateLock = RWLocks("invalidate_lock", each: File.self, rank: 40)
  /// One for each index rather than for each folio: nobody holds two.
  let folioLock = Locks("folio lock", each: FileIndex.self, rank: 45)
  let mmuLock = RWLock("mmu_lock", rank: 50)
  /// kvm->srcu: readers are never waited for by their own kind.
  let srcu = RWLock("kvm->srcu", rank: nil)
  /// A call on the descriptor keeps the file's last reference from going.
  let fdget = RWLocks("fdget", each: File.self, rank: nil)

  // Arguments.
  let caller = NamedArgument<Caller>("caller")
  let v = NamedArgument<VCPU>("vcpu")
  let f = NamedArgument<File>("gmem")
  let m = NamedArgument<VMA>("map")
  let s = NamedArgument<MemSlot>("slot")
  let i = NamedArgument<FileIndex>("index")
  let shape = NamedArgument<Shape>("shape")
  let range = NamedArgument<SetOf<Page>>("range")
  let extent = NamedArgument<SetOf<FileIndex>>("extent")

  public init() { pgoff = Map(MemSlot.self, 0, upTo: shifts, as: "gmem.pgoff") }

  public var actions: [Action] {
    createVM
    createVCPU
    createGmem
    setRegion
    deleteRegion
    setAttributes
    fallocate
    otherCall
    mmap
    munmap
    touch
    preFault
    run
    duplicate
    openPath
    pinPage
    unpinPage
    closeVM
    closeVCPU
    closeGmem
    closeCopy
    closePath
    childCloses
    release
    evict
    destroy
    memoryFailure
    vmCalls
    deviceCalls
    vcpuCalls
    names
  }

  public var properties: [Property] {
    bindingRules
    references
    userMappings
    guestMappings
    contents
    invalidation
    progress
    lemmas
    questions
  }

  public var tables: [ReferenceTable] { KernelProfile.reference }
  public var mutations: [Mutation] { bugs }
}
