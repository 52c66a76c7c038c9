import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// KVM_RUN: enters the guest once and returns at the next exit (kvm-tdx §2.5).
  ///
  /// Before KVM_TDX_INIT_VCPU every vCPU is refused here; one that is not the first would wait.
  ///
  /// - Parameter ghost: history to record as the call begins and ends.
  package func run(
    begin: [Statement] = [], end: [Statement] = []
  ) -> Action {
    Action("KVM_RUN", each: VCPU.self, by: HostThread.self, cites: "kvm-tdx §2.5") { v in
      gate(begin, of: v)
      Holding(vcpuMutex[v]) {
        vcpuLoad(
          v, needed: (vcpu[v] == .initialized && build == .runnable, .EINVAL),
          loop: "the run loop looks for KVM_REQ_VM_DEAD before it enters", "kvm-tdx §2.5")
        Step("TDH.VP.ENTER") { td.vpEnter(v) }
        Step("TD exit") {
          td.tdExit(v)
          end
        }
      }
    }
  }

  /// KVM_PRE_FAULT_MEMORY of one page: a vCPU ioctl that maps memory (kvm-tdx §2.10).
  package var preFault: Action {
    preFault { v, p in
      Step("finds the memslot and takes the folio") {
        Check(slot[fileOf[p]] != .invalid, else: .EAGAIN)
        Check(slot[fileOf[p]] == .present && gmem[fileOf[p]] == .open, else: .EFAULT)
        folio[p] <- true
        stale[v] <- false
      }
      .because("the snapshot of mmu_invalidate_seq comes first", "kvm-tdx S-15")
    }
  }

  package static var preFaultName: String { "KVM_PRE_FAULT_MEMORY" }

  /// - Parameter finding: how the fault finds the page and takes its snapshot of
  ///   mmu_invalidate_seq, under SRCU.
  package func preFault(
    @StatementBuilder finding: @escaping (Expr<VCPU>, Expr<Page>) -> [Statement]
  ) -> Action {
    Action(
      Self.preFaultName, each: VCPU.self, Page.self, by: HostThread.self, cites: "kvm-tdx §2.10"
    ) { v, p in
      gate(of: v)
      Holding(vcpuMutex[v]) {
        vcpuLoad(
          v, needed: (build == .runnable, .EOPNOTSUPP),
          loop: "kvm_mmu_reload looks for KVM_REQ_VM_DEAD", "kvm-tdx §2.10")
        Holding(srcu, .read) {
          finding(v, p)
          Holding(mmuLock, .read) { mapPage(v, p) }
        }
      }
    }
  }

  /// Maps a page under read mmu_lock, unless an invalidation covers it (kvm-tdx S-15).
  @StatementBuilder
  private func mapPage(_ v: Expr<VCPU>, _ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    Step("freezes the mirror SPTE") {
      Check(!invalidating[fileOf[p]] && !stale[v], else: .EAGAIN)
      Check(!mirror[p], else: .ok)
      mirror[p] <- true
    }
    Call(td.pageAug(p, foreign: foreign?(p)), into: status)
    When(status != .ok) {
      restore(p)
      Return(.EIO)
    }
  }

  /// The page did not get into the TD.
  func restore(_ p: Expr<Page>) -> Statement {
    Step("KVM_BUG_ON, the SPTE is restored") {
      bugged <- true
      vmDead <- true
      mirror[p] <- false
    }
  }

  /// kvm_gmem_invalidate_begin, under write mmu_lock (kvm-tdx S-15).
  package func invalidationBegins(_ f: Expr<File>) -> Statement {
    Step("invalidation begins") { invalidating[f] <- true }
  }

  /// kvm_gmem_invalidate_end: faults that took their snapshot before must retry (kvm-tdx S-15).
  package func invalidationEnds(_ f: Expr<File>) -> Statement {
    Step("invalidation ends") {
      Require(!holding(mmuLock, .shared)).because("it takes mmu_lock for write", "kvm-tdx §2.9")
      invalidating[f] <- false
      Each(VCPU.self) { v in When(holding(vcpuMutex[v])) { stale[v] <- true } }
    }
  }

  /// fallocate(FALLOC_FL_PUNCH_HOLE) of one page: no KVM ioctl, so no gate (kvm-tdx §2.9).
  package func punchHole(withoutHKID: WithoutHKID) -> Action {
    Action(
      "fallocate(PUNCH_HOLE)", each: Page.self, by: HostThread.self, cites: "kvm-tdx §2.9"
    ) { p in
      Step("fdget") {
        Require(gmem[fileOf[p]] == .open)
        Acquire(fdget[fileOf[p]], .shared)
      }
      Holding(invalidateLock[fileOf[p]]) {
        Holding(mmuLock, .write) {
          invalidationBegins(fileOf[p])
          removeLarge(fileOf[p], withoutHKID: withoutHKID) { q in q == p }
          removeLeaf(p, withoutHKID: withoutHKID)
        }
        Step("truncates: the folio goes back to the host") { leavesFile(p) }
          .because("whether or not the removal succeeded", "kvm-tdx §2.9")
        invalidationEnds(fileOf[p])
      }
      Step("fdput") { Release(fdget[fileOf[p]], .shared) }
    }
  }

  /// close() of the last reference to a guest_memfd file: kvm_gmem_release (kvm-tdx §2.9).
  package func gmemClose(withoutHKID: WithoutHKID) -> Action {
    Action(
      "close(guest_memfd)", each: File.self, by: HostThread.self, cites: "kvm-tdx §2.9"
    ) { f in
      lastReferenceGoes(f)
      Holding(slotsLock) {
        Holding(invalidateLock[f]) { invalidate(f, withoutHKID: withoutHKID) }
      }
      Step(Self.evictName) {
        evict(f)
        gmem[f] <- .released
      }
    }
  }

  /// close() of the last descriptor; a call on one keeps it.
  package func lastReferenceGoes(_ f: Expr<File>) -> Statement {
    Step("the last reference goes") {
      if let sharing { Require(!sharing.keeps(f)).because("a mapping", "guest-memfd §1.4") }
      Require(gmem[f] == .open && !holding(fdget[f], .shared))
      gmem[f] <- .closing
    }
  }

  /// Removes the pages of a file, as an invalidation that faults take notice of.
  @StatementBuilder
  package func invalidate(_ f: Expr<File>, withoutHKID: WithoutHKID) -> [Statement] {
    zap(f, withoutHKID: withoutHKID, begin: [invalidationBegins(f)])
    invalidationEnds(f)
  }

  /// The inode's folios go back to the host.
  @StatementBuilder
  package func evict(_ f: Expr<File>) -> [Statement] {
    Each(Page.self) { p in When(fileOf[p] == f) { leavesFile(p) } }
  }

  @StatementBuilder
  private func leavesFile(_ p: Expr<Page>) -> [Statement] {
    folio[p] <- false
    if let sharing { sharing.truncates(p) }
  }

  /// KVM_SET_USER_MEMORY_REGION2 with size 0 (kvm-tdx §2.6).
  ///
  /// - Parameters:
  ///   - atGate: history to record when the gate is read.
  ///   - atSuccess: history to record when the call succeeds.
  package func slotDelete(
    withoutHKID: WithoutHKID, atGate: [Statement],
    atSuccess: [Statement]
  ) -> Action {
    Action(
      Self.slotDeleteName, each: File.self, by: HostThread.self, cites: "kvm-tdx §2.6"
    ) { f in
      gate(atGate)
      Holding(slotsLock) {
        Step("marks the memslot INVALID") {
          Check(slot[f] == .present, else: .EINVAL)
          slot[f] <- .invalid
        }
        Step("synchronize_srcu") { Require(!holding(srcu, .shared)) }
        zap(f, withoutHKID: withoutHKID)
        Step("the memslot is gone") {
          slot[f] <- .absent
          atSuccess
        }
      }
    }
  }

  /// close() of the last VM or vCPU descriptor; an ioctl under way keeps one open.
  package var closeVM: Action {
    Action("close(VM and vCPU descriptors)", cites: "kvm-tdx §2.11") {
      Require(vmOpen && !inIoctl)
      vmOpen <- false
    }
  }

  package static var slotDeleteName: String { "KVM_SET_USER_MEMORY_REGION2(delete)" }
}
