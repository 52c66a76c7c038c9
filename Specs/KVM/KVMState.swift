import SpecLanguage
import TDXModuleSpecs

/// A guest_memfd file; memslot f is bound to file f.
public enum File: Sort {}
/// A thread of the VMM, which may make any call at any moment.
public enum HostThread: Role {}

/// A memslot (kvm-tdx §2.6).
public enum Slot: EnumDomain {
  case present
  /// Marked KVM_MEMSLOT_INVALID by a deletion under way.
  case invalid
  case absent
}

/// A guest_memfd file (kvm-tdx §2.9).
public enum GmemFile: EnumDomain {
  case open
  /// The last reference is gone; kvm_gmem_release is on its way.
  case closing
  case released
  /// Before KVM_CREATE_GUEST_MEMFD.
  case absent
}

/// KVM's own state and locks around one TD (kvm-tdx §1, §3).
///
/// CREATED=1 starts from a TD that is finalised and has run, CREATED=0 from what KVM_CREATE_VM
/// leaves: a VM without HKID, vCPUs, files and memslots (KVMState+Creation.swift).
public struct KVMState: SpecPart {
  package let vcpus: Parameter
  package let pages: Parameter
  package let files: Parameter
  package let threads = Parameter(
    "threads", of: HostThread.self, 1...4, default: 2, "threads of the VMM")
  /// Page p belongs to file p mod F.
  public let fileOf = Constant(Page.self, File.self) { page, files in page % files }

  public let td: RunnableTD
  static let created = RunnableTD.created
  package let faults = Parameter(
    "FAULTS", 0...2, default: 0,
    "with CREATED=0: 1: TDH.MNG.INIT may refuse what user space asks for; 2: no key may be left")
  package let finalise = Parameter(
    "FINALIZE", 0...1, default: 0,
    "with CREATED=0: 1: FINALIZE_VM takes write mmu_lock and wants a vCPU, unlike mainline")

  /// The VM's and its vCPUs' descriptors are open.
  package let vmOpen = Var(true, as: "vm_fds_open")
  /// kvm->vm_dead: every later VM and vCPU ioctl answers -EIO.
  package let vmDead = Var(false, as: "vm_dead")
  /// A KVM_BUG_ON fired.
  package let bugged = Var(false, as: "vm_bugged")
  /// A SEAMCALL was busy that KVM does not make again, or not once more.
  let wasBusy = Ghost(false, as: "unexpectedly_busy")
  /// kvm_tdx->hkid > 0 (is_hkid_assigned).
  package let hkidAssigned = Var(Self.created == 1, as: "is_hkid_assigned")
  /// kvm_tdx->state.
  package let build = Var(
    choose(Self.created == 1, TDBuild.runnable, else: .uninitialized), as: "td_state")
  /// vcpu_tdx->state.
  package let vcpu = Map(
    VCPU.self, choose(Self.created == 1, VCPUBuild.initialized, else: .absent), as: "vcpu_state")
  /// vcpu->cpu is not -1: the vCPU is on a per-CPU list (kvm-tdx §1.2).
  package let loaded = Map(VCPU.self, Self.created == 1, as: "vcpu_on_cpu_list")
  /// The mirror SPTE of the page is present.
  package let mirror = Map(Page.self, Self.created == 1, as: "mirror_spte_present")
  /// The page's folio is in the guest_memfd inode rather than in the host's allocator.
  package let folio = Map(Page.self, Self.created == 1, as: "folio_in_gmem")
  package let slot = Map(
    File.self, choose(Self.created == 1, Slot.present, else: .absent), as: "memslot")
  package let gmem = Map(
    File.self, choose(Self.created == 1, GmemFile.open, else: .absent), as: "gmem_file")
  /// mmu_invalidate_in_progress covers the file.
  package let invalidating = Map(File.self, false, as: "mmu_invalidate_in_progress")
  /// mmu_invalidate_seq moved on since the vCPU's fault took its snapshot.
  package let stale = Map(VCPU.self, false, as: "fault_is_stale")

  package let kvmLock = Lock("kvm->lock", rank: 10)
  package let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  package let slotsLock = Lock("kvm->slots_lock", rank: 30)
  package let invalidateLock = Locks("invalidate_lock", each: File.self, rank: 40)
  package let tdxLock = Lock("tdx_lock", rank: 45)
  package let mmuLock = RWLock("mmu_lock", rank: 50)
  /// kvm->srcu: readers are never waited for by their own kind.
  package let srcu = RWLock("kvm->srcu", rank: nil)
  /// A call on the descriptor keeps the file's last reference from going.
  package let fdget = RWLocks("fdget", each: File.self, rank: nil)

  /// What a dead VM refuses.
  package enum DeadVM: Sendable {
    /// Mainline: every VM and vCPU ioctl whose gate is read later (kvm-tdx §1.6).
    case refusesIoctls
    /// The settled design: vCPU ioctls, which look again under vcpu->mutex; other ioctls are
    /// refused only after a KVM_BUG_ON (kvm-tdx §5.d).
    case refusesVCPUs
  }

  /// - Parameter extra: ioctls that a design adds.
  public init(extra: [String] = []) {
    self.init(extra: extra, deadVM: .refusesIoctls)
  }

  /// - Parameters:
  ///   - extra: ioctls that a design adds.
  ///   - deadVM: what kvm->vm_dead means in the design.
  ///   - callable: what else an ioctl needs, such as a process that can make it.
  ///   - foreign: a page that belongs to another TD, where a design has one.
  ///   - sharing: what a spec adds in which pages can be shared with the host.
  package init(
    extra: [String], deadVM: DeadVM, callable: Condition? = nil,
    foreign: (@Sendable (Expr<Page>) -> Condition)? = nil, sharing: SharingHooks? = nil
  ) {
    // Users of shared pages make more states.
    let size = sharing == nil ? 2 : 1
    vcpus = Parameter("vcpus", of: VCPU.self, 1...16, default: size, "virtual CPUs")
    pages = Parameter("pages", of: Page.self, 1...16, default: size, "private 4 KiB pages")
    files = Parameter(
      "files", of: File.self, 1...4, default: size, "guest_memfd files, one memslot each")
    let file = fileOf
    td = RunnableTD(
      extras: sharing.map { hooks in
        RunnableTD.PageExtras(
          isSmall: { p in !hooks.large[file[p]] }, leave: hooks.leaveTD)
      })
    self.sharing = sharing
    ioctls = ["KVM_RUN", "KVM_PRE_FAULT_MEMORY", Self.slotDeleteName] + extra
    self.deadVM = deadVM
    self.callable = callable
    self.foreign = foreign
  }

  let sharing: SharingHooks?
  let deadVM: DeadVM
  let callable: Condition?
  let foreign: (@Sendable (Expr<Page>) -> Condition)?

  /// The gate of every VM and vCPU ioctl: read without locks, a step of its own (kvm-tdx §2.0).
  ///
  /// - Parameters:
  ///   - history: ghost variables or locals to set as the gate is read.
  ///   - v: the vCPU whose descriptor the ioctl is made on.
  ///   - building: the ioctl builds a TD.
  package func gate(
    _ history: [Statement] = [], of v: Expr<VCPU>? = nil, building: Bool = false
  ) -> Statement {
    Step("the gate of every VM and vCPU ioctl") {
      if building { Require(td.created == 0).because("the TD is there already", "kvm-tdx §1.3") }
      if let v {
        Require(td.created == 1 || vcpu[v] != .absent)
          .because("KVM_CREATE_VCPU makes the descriptor", "kvm-tdx §2.4")
      }
      Require(vmOpen).because("an ioctl needs an open descriptor", "kvm-tdx §1.7")
      if let callable {
        Require(callable).because("another mm is refused with EIO", "kvm-tdx §2.0")
      }
      switch deadVM {
      case .refusesIoctls:
        Check(!vmDead, else: .EIO)
          .because("kvm_vm_ioctl and kvm_vcpu_ioctl read vm_dead without a lock", "kvm-tdx §2.0")
      case .refusesVCPUs:
        Check(!bugged, else: .EIO)
          .because("only a VM that is bugged refuses ioctls", "kvm-tdx §5.e E5")
      }
      history
    }
  }

  /// vcpu_load, under vcpu->mutex: a vCPU goes on its CPU's list while the HKID is assigned
  /// (kvm-tdx §2.12).
  ///
  /// - Parameter needed: what else the ioctl needs, and its answer without that; it holds for a
  ///   TD that is finalised.
  @StatementBuilder
  package func vcpuLoad(
    _ v: Expr<VCPU>, needed: (condition: Condition, answer: Outcome), loop reason: String,
    _ citation: String
  ) -> [Statement] {
    switch deadVM {
    case .refusesIoctls: Statements {}
    case .refusesVCPUs:
      Check(!vmDead, else: .EIO)
        .because("KVM_REQ_VM_DEAD is looked for once vcpu->mutex is held", "kvm-tdx §5.e E5")
    }
    Step("vcpu_load") { When(hkidAssigned) { loaded[v] <- true } }
    When(td.created == 0) { Check(needed.condition, else: needed.answer) }
    Check(!vmDead, else: .EIO).because(reason, citation)
  }

  /// The ioctls on the VM's and vCPUs' descriptors in this spec.
  package let ioctls: [String]

  /// Some thread is in an ioctl and so keeps a descriptor open.
  package var inIoctl: Condition {
    let building = Self.buildingCalls.map { inside($0) }.reduce(Condition(.no)) { $0 || $1 }
    return ioctls.map { inside($0) }.reduce(Condition(.no)) { $0 || $1 }
      || td.created == 0 && building
  }

  /// Every guest_memfd file was released, if it was ever made.
  package var filesAreGone: Condition {
    forAll(File.self) { f in gmem[f] == .released || td.created == 0 && gmem[f] == .absent }
  }

  /// KVM_TDX_INIT_VM has succeeded.
  package var isBuilt: Condition { td.created == 1 || build != .uninitialized }

  /// KVM_BUG_ON because of a SEAMCALL's answer.
  func bug(after status: Local<Outcome>) -> Statement {
    Step("KVM_BUG_ON") {
      bugged <- true
      vmDead <- true
      When(status == .operandBusyTDR) { wasBusy <- true }
    }
  }

  /// KVM_BUG_ON: warns once and kills the VM (kvm-tdx §1.6).
  package var bug: Statement {
    Step("KVM_BUG_ON") {
      bugged <- true
      vmDead <- true
    }
  }
}
