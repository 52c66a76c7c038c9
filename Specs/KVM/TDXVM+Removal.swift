import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// Removes the private leafs among some pages, under write mmu_lock (kvm-tdx §4.2).
  ///
  /// - Parameter begin: what comes first under the lock.
  @StatementBuilder
  func zap(
    begin: [Statement] = [], _ which: @escaping (Expr<Page>) -> Condition
  ) -> [Statement] {
    let victims = Local<SetOf<Page>>("leafs")
    Holding(mmuLock, .write) {
      begin
      Step("finds the leafs") { victims <- those(Page.self) { p in mirror[p] && which(p) } }
      ForEach(ordered: Page.self, where: { p in victims.contains(p) }) { p in removeLeaf(p) }
    }
  }

  /// A removal that faults take notice of: they must not map a page that is covered (kvm-tdx S-15).
  ///
  /// - Parameter change: what must not be seen in between.
  @StatementBuilder
  func invalidate(
    _ which: @escaping (Expr<Page>) -> Condition, change: [Statement] = []
  ) -> [Statement] {
    let begins = Step("invalidation begins") {
      invalidations <- invalidations + 1
      invalidating <- invalidating.union(those(Page.self) { p in which(p) })
    }
    zap(begin: [begins], which)
    change
    Step("invalidation ends") {
      Require(!holding(mmuLock, .shared)).because("it takes mmu_lock for write", "kvm-tdx §2.9")
      When(invalidations < 2) { invalidating <- .empty }
      When(invalidations > 0) { invalidations <- invalidations - 1 }
      Each(VCPU.self) { w in isFresh[w] <- false }
    }
  }

  /// tdx_sept_remove_leaf_spte: what fails is told by KVM_BUG_ON only (kvm-tdx §4.2).
  @StatementBuilder
  private func removeLeaf(_ p: Expr<Page>) -> [Statement] {
    let removable = Local<Bool>("removable")
    let lost = Local<Bool>("HKID is lost")
    let building = Local<Bool>("is being built")
    Step("clears the mirror SPTE") {
      mirror[p] <- false
      removable <- kind == .td && hkid == .assigned
      lost <- kind == .td && hkid != .assigned
      building <- build != .runnable
    }
    When(removable) { dynamicRemoval(p, building) }
    When(lost) { kvmBug() }
  }

  @StatementBuilder
  private func dynamicRemoval(_ p: Expr<Page>, _ building: Local<Bool>) -> [Statement] {
    let status = Local<Outcome>("status")
    let amid = building && (inside("tdx_td_finalize") || build == .runnable)
    withoutVCPUs(.memRangeBlock, by: module.rangeBlock(p), into: status)
    When(status != .ok) {
      kvmBug(after: status, amidFinalize: amid)
    } else: {
      When(build == .runnable) {
        withoutVCPUs(.memTrack, by: module.track, into: status)
        When(status != .ok) {
          kvmBug(after: status, amidFinalize: amid)
        } else: {
          Step("kicks all vCPUs and waits until they left the guest") {
            Require(module.olderEpochsLeft)
          }
        }
      }
      withoutVCPUs(.memPageRemove, by: module.pageRemove(p) + disowns(p), into: status)
      When(status != .ok) {
        kvmBug(after: status, amidFinalize: amid)
      } else: {
        seamcall(
          .phymemPageWBINVD, " of the page", by: module.pageWBINVD(p), into: status)
        When(status != .ok) {
          kvmBug(after: status, amidFinalize: amid)
        } else: {
          unpin(p)
        }
      }
    }
  }

  private func disowns(_ p: Expr<Page>) -> [Statement] {
    Statements {
      ownedFile[p] <- nil
      ownedIndex[p] <- nil
    }
  }

  /// tdh_do_no_vcpus: once more, with all vCPUs out of the guest, when busy (kvm-tdx §3.5).
  @StatementBuilder
  private func withoutVCPUs(
    _ leaf: Leaf, by rule: [Statement], into status: Local<Outcome>
  ) -> [Statement] {
    seamcall(leaf, by: rule, into: status)
    When(status == .operandBusyTDR) {
      Step("kicks all vCPUs out of the guest") {
        Require(forAll(VCPU.self) { w in !module.running[w] })
      }
      seamcall(leaf, by: rule, into: status)
    }
  }
}
