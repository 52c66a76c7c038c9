import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The guest's faults.
extension InPlaceSNP {
  static func faultName(_ access: Share) -> String { "KVM_RUN(\(access) access)" }
  static let rmpFaultName = "KVM_RUN(RMP fault)"
  static let getsPFN = "kvm_gmem_get_pfn makes the page private in the RMP"
  static let getsSharedPFN = "kvm_gmem_get_pfn"
  static let installs = "installs the SPTE, private"
  static let guestSmashes = "PSMASH"
  static let zapsRange = "zaps the 2 MiB"

  var privateFault: Action {
    let large = Local<Bool>("the RMP has one entry of 2 MiB")
    let (v, p) = (v.element, sharing.p.element)
    return Action(
      Self.faultName(.private), taking: [self.v, sharing.p], by: HostThread.self,
      cites: "guest-memfd §5.2"
    ) {
      Step("the call") { Require(vmOpen) }
      Holding(vcpuMutex[v]) {
        looksUp(v, p, .private)
        Holding(invalidateLock[fileOf[p]], .shared) {
          Step(Self.getsPFN) {
            getsFolio(p)
            When(sharing.attribute[p] == .private) { makesPrivate(p) }
            large <- largeRMP[fileOf[p]] || mayBeLarge(fileOf[p])
          }
        }
        Holding(mmuLock, .read) {
          Step(Self.installs) {
            Check(!invalidating[fileOf[p]] && !stale[v], else: .EAGAIN)
              .because("RET_PF_RETRY", "guest-memfd I-FAULT")
            When(large) {
              largeSPTE[fileOf[p]] <- true
              Each(Page.self) { q in When(fileOf[q] == fileOf[p]) { spte[q] <- .none } }
            } else: {
              spte[p] <- .private
            }
          }
        }
      }
    }
  }

  /// A folio of 2 MiB, private as a whole, none of which the guest has yet (guest-memfd §5.2).
  private func mayBeLarge(_ f: Expr<File>) -> Condition {
    largeFolio[f] && forAll(Page.self) { q in fileOf[q] == f ==> !assigned[q] }
  }

  @StatementBuilder func makesPrivate(_ p: Expr<Page>) -> [Statement] {
    When(mayBeLarge(fileOf[p])) {
      largeRMP[fileOf[p]] <- true
      Each(Page.self) { q in When(fileOf[q] == fileOf[p]) { assigned[q] <- true } }
    } else: {
      assigned[p] <- true
    }
  }

  var sharedFault: Action {
    let (v, p) = (v.element, sharing.p.element)
    return Action(
      Self.faultName(.shared), taking: [self.v, sharing.p], by: HostThread.self,
      cites: "guest-memfd §2.2"
    ) {
      Step("the call") { Require(vmOpen) }
      Holding(vcpuMutex[v]) {
        looksUp(v, p, .shared)
        Holding(invalidateLock[fileOf[p]], .shared) { Step(Self.getsSharedPFN) { getsFolio(p) } }
        Holding(mmuLock, .read) {
          Step("installs the SPTE, shared") {
            Check(!invalidating[fileOf[p]] && !stale[v], else: .EAGAIN)
              .because("RET_PF_RETRY", "guest-memfd I-FAULT")
            spte[p] <- .shared
          }
        }
      }
    }
  }

  @StatementBuilder
  private func looksUp(_ v: Expr<VCPU>, _ p: Expr<Page>, _ access: Share) -> [Statement] {
    Step("takes a snapshot of mmu_invalidate_seq; is the page \(access)?") {
      Check(gmem[fileOf[p]] == .open && sharing.attribute[p] == access, else: .EFAULT)
        .because("KVM_EXIT_MEMORY_FAULT: user space is asked to convert", "guest-memfd §1.4")
      stale[v] <- false
    }
  }

  /// The whole of a large folio comes at once.
  @StatementBuilder func getsFolio(_ p: Expr<Page>) -> [Statement] {
    Require(!holding(sharing.folioLock[p])).because("the folio is locked meanwhile")
    Check(gmem[fileOf[p]] == .open, else: .EFAULT)
      .because("a dying file gives no reference", "guest-memfd I-NOGET-DYING")
    Each(Page.self) { q in
      When(q == p || fileOf[q] == fileOf[p] && largeFolio[fileOf[p]]) { sharing.allocates(q) }
    }
  }

  /// The guest validates 4 KiB of an RMP entry of 2 MiB: KVM makes small entries of it, and the
  /// next fault maps 4 KiB (guest-memfd §5.2).
  ///
  /// It looks at the RMP without the retry protocol (guest-memfd B15): what it finds may be gone by
  /// the time of PSMASH, which then does nothing.
  var rmpFault: Action {
    Action(
      Self.rmpFaultName, each: VCPU.self, Page.self, by: HostThread.self,
      cites: "guest-memfd §5.2", "guest-memfd B15"
    ) { v, p in
      Step("the RMP's entry is larger than what the guest validates") {
        Require(vmOpen && largeSPTE[fileOf[p]] && largeRMP[fileOf[p]])
      }
      Holding(vcpuMutex[v]) {
        Step(Self.guestSmashes) { largeRMP[fileOf[p]] <- false }
        Holding(mmuLock, .write) {
          Step(Self.zapsRange) {
            largeSPTE[fileOf[p]] <- false
            overtakesFaults
          }
        }
      }
    }
  }
}
