import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceConversion {
  static let installsPTE = "installs the page table entry, unlocks the folio"
  static let findsMapping = "finds the mapping"
  static let findsFolio = "finds the folio, locks it"

  /// A user access through a mapping: the fault handler (guest-memfd §2.2).
  ///
  /// invalidate_lock goes before the entry is there; the folio stays locked and referenced.
  var touch: Action {
    Action("touch", taking: [p], by: HostThread.self, cites: "guest-memfd §2.2") {
      Step("the access") { Require(mapped[fileOf[p]] && !userPTE[p]) }
      Holding(mmapLock, .read) {
        Step(Self.findsMapping) { Check(mapped[fileOf[p]], else: .SIGSEGV) }
        Holding(invalidateLock[fileOf[p]], .shared) {
          Step(Self.findsFolio) { findFolio(keepingReference: true) }
        }
        Step(Self.installsPTE) {
          userPTE[p] <- true
          faulting[p] <- false
          Release(folioLock[p])
        }
      }
    }
  }

  /// - Parameter keepingReference: whether the fault keeps its reference to the folio.
  @StatementBuilder
  func findFolio(keepingReference: Bool) -> [Statement] {
    Check(attribute[p] == .shared, else: .SIGBUS).because("private", "guest-memfd §2.2")
    Acquire(folioLock[p])
    allocates(p.element)
    if keepingReference { faulting[p] <- true }
  }

  /// A new folio comes with a reference of a batch that waits for the LRU (guest-memfd B17).
  @StatementBuilder
  func allocates(_ p: Expr<Page>) -> [Statement] {
    When(!cached[p]) {
      cached[p] <- true
      When(batches == 1) { batched[p] <- true }
    }
  }

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
            Step(Self.getsPFN) { getPFN(preparing: attribute[p] == .private) }
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
    Require(!holding(folioLock[p])).because("the folio is locked meanwhile")
    Check(bound[file] && gmem[file] == .open, else: .EFAULT)
      .because("a dying file gives no reference", "guest-memfd I-NOGET-DYING")
    allocates(p.element)
    When(backend == Backend.snp && preparing) { assigned[p] <- true }
  }

  private var file: Expr<File> { fileOf[p] }

  /// The page's attribute where a live file is bound, shared otherwise (guest-memfd §2.2).
  private var kind: Expr<Share> {
    choose(!bound[file] || gmem[file] != .open, .shared, else: attribute[p])
  }

  /// GUP: needs the page table entry.
  var pin: Action {
    Action("pin_user_pages", each: Page.self, cites: "guest-memfd §2.2") { p in
      Require(userPTE[p] && pinned == nil)
      pinned <- p
    }
  }

  var unpin: Action {
    Action("unpin_user_page", cites: "guest-memfd §2.2") {
      Require(pinned != nil)
      pinned <- nil
    }
  }

  /// Reclaim, compaction, a walk over page frames: anybody may look at a folio for a moment.
  var takeReference: Action {
    Action("folio_try_get", each: Page.self, cites: "guest-memfd §2.2") { p in
      Require(holders == 1 && held == nil && cached[p])
      held <- p
    }
  }

  var dropReference: Action {
    Action("folio_put", cites: "guest-memfd §2.2") {
      Require(held != nil)
      held <- nil
    }
  }
}
