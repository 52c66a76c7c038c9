import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The guest: faults that KVM handles, and TDG.MEM.PAGE.ACCEPT.
extension InPlaceTD {
  static let sharedFaultName = "KVM_RUN(shared access)"
  static let acceptName = "TDG.MEM.PAGE.ACCEPT"
  static let getsPFN = "kvm_gmem_get_pfn"
  static let installs = "installs the SPTE, shared"

  static func snapshots(_ access: Share) -> String {
    "takes a snapshot of mmu_invalidate_seq; is the page \(access)?"
  }

  /// A private page: KVM_PRE_FAULT_MEMORY, and KVM_RUN after an exit for such an access, which does
  /// the same with the same mutex held.
  var privateFault: Action {
    kvm.preFault { v, p in
      looksUp(v, p, .private)
      Step(Self.getsPFN) { getsFolio(p) }
    }
  }

  /// A shared page: an entry in the direct root, no SEAMCALL (kvm-tdx §2.12).
  var sharedFault: Action {
    Action(
      Self.sharedFaultName, each: VCPU.self, Page.self, by: HostThread.self,
      cites: "guest-memfd §2.2"
    ) { v, p in
      kvm.gate(of: v)
      Holding(kvm.vcpuMutex[v]) {
        kvm.vcpuLoad(
          v, needed: (kvm.vcpu[v] == .initialized && kvm.build == .runnable, .EINVAL),
          loop: "the run loop looks for KVM_REQ_VM_DEAD before it enters", "kvm-tdx §2.5")
        Holding(kvm.srcu, .read) {
          looksUp(v, p, .shared)
          Step(Self.getsPFN) { getsFolio(p) }
          Holding(kvm.mmuLock, .read) {
            Step(Self.installs) {
              Check(!kvm.invalidating[file(p)] && !kvm.stale[v], else: .EAGAIN)
                .because("RET_PF_RETRY", "guest-memfd I-FAULT")
              direct[p] <- true
            }
          }
        }
      }
    }
  }

  /// The page's attribute where the memslot has its file, shared otherwise (guest-memfd §2.2).
  @StatementBuilder
  private func looksUp(_ v: Expr<VCPU>, _ p: Expr<Page>, _ access: Share) -> [Statement] {
    Step(Self.snapshots(access)) {
      Check(kvm.slot[file(p)] != .invalid, else: .EAGAIN).because("retries", "guest-memfd §1.4")
      Check(kvm.slot[file(p)] == .present && kind(p) == access, else: .EFAULT)
        .because("KVM_EXIT_MEMORY_FAULT: user space is asked to convert", "guest-memfd §1.4")
      kvm.stale[v] <- false
    }
  }

  /// Under invalidate_lock, shared, for this step.
  @StatementBuilder
  func getsFolio(_ p: Expr<Page>) -> [Statement] {
    Require(!holding(kvm.invalidateLock[file(p)]) && !holding(sharing.folioLock[p]))
      .because("invalidate_lock is held shared, the folio is locked meanwhile", "guest-memfd §2.2")
    Check(kvm.gmem[file(p)] == .open, else: .EFAULT)
      .because("a dying file gives no reference", "guest-memfd I-NOGET-DYING")
    Check(!poisoned[p], else: .EHWPOISON).because("until the page is punched", "guest-memfd §1.4")
    sharing.allocates(p)
  }

  func file(_ p: Expr<Page>) -> Expr<File> { kvm.fileOf[p] }

  private func kind(_ p: Expr<Page>) -> Expr<Share> {
    choose(kvm.gmem[file(p)] != .open, .shared, else: sharing.attribute[p])
  }

  /// TDH.MEM.PAGE.AUG leaves the page PENDING: the guest accepts it, and it is zero then
  /// (tdx-module §13.1). An access before that kills the VM and is left out.
  var accept: Action {
    Action(
      Self.acceptName, each: VCPU.self, Page.self, cites: "tdx-module §13.1", "guest-memfd §5.1"
    ) { v, p in
      Require(kvm.td.running[v] && kvm.td.sept[p] == .mapped && !accepted[p])
      accepted[p] <- true
    }
  }

  static let failName = "memory_failure"
  static let poisons = "the page is poisoned, user space loses it"

  /// kvm_gmem_error_folio: the guest loses the page, the file keeps it (guest-memfd §1.4).
  ///
  /// It holds invalidate_lock shared, here exclusively: no two at a time.
  var memoryFailure: Action {
    Action(Self.failName, each: Page.self, by: HostThread.self, cites: "guest-memfd §1.4") { p in
      Step(Self.poisons) {
        Require(poison == 1 && sharing.cached[p] && !poisoned[p])
        Require(kvm.gmem[file(p)] == .open && !holding(sharing.folioLock[p]))
        Acquire(kvm.fdget[file(p)], .shared)
        poisoned[p] <- true
        sharing.userPTE[p] <- false
      }
      Holding(kvm.invalidateLock[file(p)]) {
        kvm.zap(
          file(p), withoutHKID: withoutHKID, begin: [kvm.invalidationBegins(file(p))],
          in: { q in q == p })
        kvm.invalidationEnds(file(p))
      }
      Step("lets go of the folio") { Release(kvm.fdget[file(p)], .shared) }
    }
  }
}
