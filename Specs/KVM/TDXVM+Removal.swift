import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// Removes the private leafs among some pages, under write mmu_lock (kvm-tdx §4.2).
  @StatementBuilder
  func zap(_ which: @escaping (Expr<Page>) -> Condition) -> [Statement] {
    let victims = Local<SetOf<Page>>("leafs")
    Holding(mmuLock, .write) {
      Step("finds the leafs") { victims <- those(Page.self) { p in mirror[p] && which(p) } }
      ForEach(ordered: Page.self, where: { p in victims.contains(p) }) { p in removeLeaf(p) }
    }
  }

  /// tdx_sept_remove_leaf_spte: what fails is told by KVM_BUG_ON only (kvm-tdx §4.2).
  @StatementBuilder
  private func removeLeaf(_ p: Expr<Page>) -> [Statement] {
    let status = Local<LeafStatus>("status")
    Step("clears the mirror SPTE") { mirror[p] <- false }
    When(hkid != .assigned) {
      kvmBug
    } else: {
      withoutVCPUs(.memRangeBlock, into: status)
      When(status != .success) {
        kvmBug
      } else: {
        When(build == .runnable) {
          withoutVCPUs(.memTrack, into: status)
          When(status != .success) { kvmBug }
        }
        withoutVCPUs(.memPageRemove, into: status)
        When(status != .success) {
          kvmBug
        } else: {
          seamcall(.phymemPageWBINVD, " of the page", into: status)
          When(status != .success) { kvmBug }
        }
      }
    }
  }

  /// tdh_do_no_vcpus: once more, with all vCPUs out of the guest, when busy (kvm-tdx §3.5).
  @StatementBuilder
  private func withoutVCPUs(_ leaf: Leaf, into status: Local<LeafStatus>) -> [Statement] {
    seamcall(leaf, into: status)
    When(status == .operandBusy) { seamcall(leaf, into: status) }
  }
}
