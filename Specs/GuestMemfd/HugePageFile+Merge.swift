import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Merging outside of conversions: on demand, at reboot, by a worker (guest-memfd §4).
extension HugePageFile {
  static let mergeName = "KVM_GMEM_MERGE"
  static let workerName = "merge worker"
  static let looksAtBlock = "can the block be merged?"
  static let beginsMerge = "invalidation begins: the guest will fault larger pages"
  static let mergesBlock = "merges the block"
  static let endsMerge = "invalidation ends: the block is merged"

  /// M-DEMAND: user space asks for a block to be merged.
  var mergeOnDemand: Action {
    Action(
      Self.mergeName, each: HugePage.self, by: HostThread.self, cites: "guest-memfd §4"
    ) { h in
      Step("the call") { Require(policy == MergePolicy.demand && block[h] == .split) }
      mergesUnderLock(h)
    }
  }

  /// M-DEFER: a worker looks for blocks without shared pages that nobody holds.
  var mergeLater: Action {
    Action(
      Self.workerName, each: HugePage.self, by: HostThread.self, cites: "guest-memfd §4"
    ) { h in
      Step("there is something to merge") {
        Require(policy == MergePolicy.deferred && block[h] == .split)
        Require(!hasShared(h) && !isBusy(h) && memory && gmem == .open)
      }
      mergesUnderLock(h)
    }
  }

  private func mergesUnderLock(_ h: Expr<HugePage>) -> Statement {
    Holding(invalidateLock) {
      Check(gmem == .open, else: .EBADF)
      mergesLate(h)
    }
  }

  /// Frozen references, then nothing that can fail: what the merge allocates is there before.
  @StatementBuilder
  func mergesLate(_ h: Expr<HugePage>) -> [Statement] {
    let merges = Local<Bool>("the block is merged")
    Step(Self.looksAtBlock) {
      merges <- (block[h] == .split && !hasShared(h))
      When(block[h] == .split && !hasShared(h)) {
        Check(memory, else: .ENOMEM)
        Check(!isBusy(h), else: .EAGAIN).because("somebody holds a folio", "guest-memfd §4")
        block[h] <- .frozen
      }
    }
    When(merges) {
      underMMULock(Self.beginsMerge) {
        hull <- those(Page.self) { q in isIn(q, h) }
        When(protection != HostProtection.tdx) { zapsEntries { q in isIn(q, h) } }
      }
      Step(Self.mergesBlock) { becomesWhole(h) }
      underMMULock(Self.endsMerge) { endsInvalidation }
    }
  }
}
