import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceConversion {
  /// KVM_RUN: the guest accesses a page as private or as shared, and KVM maps it
  /// (guest-memfd §2.2).
  func guestFault(_ access: Share) -> Action {
    Action(
      Self.faultName(access), taking: [v, p], by: HostThread.self, cites: "guest-memfd §2.2"
    ) {
      Holding(vcpuMutex[v]) {
        Holding(srcu, .shared) {
          Step(Self.snapshots(access)) {
            Check(slot[file] != .invalid, else: .EAGAIN).because("retries", "guest-memfd §1.4")
            Check(slot[file] == .active && kind == access, else: .EFAULT)
              .because("KVM_EXIT_MEMORY_FAULT: user space is asked to convert", "guest-memfd §1.4")
            stale[v] <- false
          }
          Holding(invalidateLock[file], .shared) {
            Step(Self.getsPFN) { getPFN(preparing: sharing.attribute[p] == .private) }
          }
          Holding(mmuLock, .read) {
            Step(Self.installs(access)) {
              Check(!invalidating[file] && !stale[v], else: .EAGAIN)
                .because("RET_PF_RETRY", "guest-memfd I-FAULT")
              installsSPTE(access)
            }
          }
        }
      }
    }
  }

  static func faultName(_ access: Share) -> String { "KVM_RUN(\(access) access)" }
  static func snapshots(_ access: Share) -> String {
    "takes a snapshot of mmu_invalidate_seq; is the page \(access)?"
  }
  static func installs(_ access: Share) -> String { "installs the SPTE, \(access)" }

  @StatementBuilder func installsSPTE(_ access: Share) -> [Statement] {
    spte[p] <- (access == .private ? GuestMapping.private : .shared)
  }

  static let getsPFN = "kvm_gmem_get_pfn"

  /// - Parameter preparing: the pages that are made private in the RMP.
  @StatementBuilder
  func getPFN(preparing: Condition) -> [Statement] {
    Require(!holding(sharing.folioLock[p])).because("the folio is locked meanwhile")
    Check(bound[file] && gmem[file] == .open, else: .EFAULT)
      .because("a dying file gives no reference", "guest-memfd I-NOGET-DYING")
    sharing.allocates(p.element)
    When(backend == Backend.snp && preparing) { assigned[p] <- true }
  }

  private var file: Expr<File> { fileOf[p] }

  /// The page's attribute where a live file is bound, shared otherwise (guest-memfd §2.2).
  private var kind: Expr<Share> {
    choose(!bound[file] || gmem[file] != .open, .shared, else: sharing.attribute[p])
  }
}
