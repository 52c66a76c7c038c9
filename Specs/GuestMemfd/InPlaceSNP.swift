import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// In-place conversion of an SEV-SNP guest's memory: the second backend of what
/// `gmem/in-place-tdx` asks of a TD (guest-memfd §2.2, §5.2).
///
/// Where TDX takes a page from the TD, the RMP gives it back to the host: RMPUPDATE, after PSMASH
/// if an entry of 2 MiB is only partly meant. Nothing of that can fail on the way back. Left out:
/// memslots and holes, which `gmem/in-place` has; VMSA pages; the firmware's calls.
public struct InPlaceSNP: Spec {
  public static let name = "gmem/in-place-snp"
  public let summary = "an SEV-SNP guest's pages turn shared and private in place; the RMP follows"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...8, default: 1, "pages of all files")
  let files = Parameter("files", of: File.self, 1...4, default: 1, "guest_memfd files")
  let threads = Parameter(
    "threads", of: HostThread.self, 1...4, default: 2, "threads of the VMM")
  let level = Parameter(
    "LEVEL", 0...1, default: 0,
    "1: each file starts as a folio of 2 MiB, which the RMP can have one entry for (not in 7.4)")
  /// Page p belongs to file p mod F.
  let fileOf = Constant(Page.self, File.self) { page, files in page % files }

  let gmem = Map(File.self, GmemFile.open, as: "gmem_file")
  let sharing: PageSharing
  /// The file's folio is as large as an RMP entry of 2 MiB; it is split with the first conversion.
  let largeFolio: Map<File, Bool>

  let spte = Map(Page.self, GuestMapping.none, as: "spte_4K")
  /// Private pages only.
  let largeSPTE = Map(File.self, false, as: "spte_2M")
  /// The page is the guest's in the RMP.
  let assigned = Map(Page.self, false, as: "rmp_assigned")
  /// One entry of 2 MiB says so of all pages of the file.
  let largeRMP = Map(File.self, false, as: "rmp_2M")
  let invalidating = Map(File.self, false, as: "mmu_invalidate_in_progress")
  let stale = Map(VCPU.self, false, as: "fault_is_stale")

  /// The VM's and its vCPUs' descriptors are open.
  let vmOpen = Var(true, as: "vm_fds_open")
  /// kvm_destroy_vm has run: the firmware has let the guest go, and its ASID is free.
  let destroyed = Var(false, as: "vm_destroyed")

  let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let invalidateLock = RWLocks("invalidate_lock", each: File.self, rank: 40)
  let mmuLock = RWLock("mmu_lock", rank: 50)
  let fdget = RWLocks("fdget", each: File.self, rank: nil)

  let v = NamedArgument<VCPU>("v")

  public init() {
    let lock = invalidateLock
    largeFolio = Map(File.self, level == 1, as: "folio_2M")
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
    sharing.mmap
    sharing.munmap
    privateFault
    sharedFault
    rmpFault
    close
    closeVM
  }

  static let closeName = "close(guest_memfd)"
  static let closeVMName = "close(VM and vCPU descriptors)"

  public var scopes: [Scope] {
    Scope(
      "small", "one of everything, two threads",
      ["vcpus": 1, "pages": 1, "files": 1, "threads": 2])
    Scope(
      "large",
      "two pages of one folio; one thread converts and ends, one is the guest and the user",
      ["vcpus": 1, "pages": 2, "files": 1, "threads": 2, "LEVEL": 1, "LRU_BATCHES": 0],
      parts: [
        ThreadPart("host", calls: [PageSharing.convertName, Self.closeName, "munmap"]),
        ThreadPart(
          "guest",
          calls: [
            Self.faultName(.private), Self.faultName(.shared), Self.rmpFaultName,
            PageSharing.touchName, "mmap",
          ]),
      ])
  }
}
