import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Merging outside of conversions: on demand, at reboot, by a worker (guest-memfd §4).
extension HugePageFile {
  static let mergeName = "KVM_GMEM_MERGE"
  static let workerName = "merge worker"
  static let looksAtBlock = "can the block be merged?"
  static let beginsMerge = "invalidation begins: the guest will fault larger pages"
  static let mergesBlock = "merges the block, invalidation ends"

  /// M-DEMAND: user space asks for a block to be merged.
  var mergeOnDemand: Action {
    Action(Self.mergeName, taking: [merged], by: HostThread.self, cites: "guest-memfd §4") {
      let h = merged.element
      Step("the call") {
        Require(policy == MergePolicy.demand && block[h] == .split && gmem == .open && !isLocked)
        Acquire(invalidateLock)
      }
      mergesLate(h, givingUp: Statements { Release(invalidateLock) })
      Release(invalidateLock)
    }
  }

  /// M-DEFER: a worker looks for blocks without shared pages that nobody holds.
  var mergeLater: Action {
    Action(
      Self.workerName, each: HugePage.self, by: HostThread.self, cites: "guest-memfd §4"
    ) { h in
      Step("there is something to merge") {
        Require(policy == MergePolicy.deferred && block[h] == .split && gmem == .open && !isLocked)
        Require(!hasShared(h) && !isBusy(h) && memory)
        Acquire(invalidateLock)
      }
      mergesLate(h, givingUp: Statements { Release(invalidateLock) })
      Release(invalidateLock)
    }
  }

  /// What a merge does that freezes folios although somebody holds them.
  func freezes(_ h: Expr<HugePage>) -> [Statement] {
    Statements {
      merges <- (block[h] == .split && !hasShared(h))
      When(block[h] == .split && !hasShared(h)) { block[h] <- .frozen }
    }
  }

  /// Frozen references, then nothing that can fail: what the merge allocates is there before.
  ///
  /// - Parameter givingUp: what precedes an error.
  @StatementBuilder
  func mergesLate(_ h: Expr<HugePage>, givingUp: [Statement]) -> [Statement] {
    let wanted = block[h] == .split && !hasShared(h)
    Step(Self.looksAtBlock) {
      merges <- wanted
      When(wanted && !memory) {
        givingUp
        Return(.ENOMEM)
      }
      When(wanted && memory && isBusy(h)) {
        givingUp
        Return(.EAGAIN)
      }
      When(wanted && memory && !isBusy(h)) { block[h] <- .frozen }
    }
    .because("somebody may hold a folio", "guest-memfd §4")
    When(merges) {
      Step(Self.beginsMerge) {
        hull <- those(Page.self) { q in isIn(q, h) }
        When(protection != HostProtection.tdx) { zapsEntries { q in isIn(q, h) } }
      }
      Step(Self.mergesBlock) {
        becomesWhole(h)
        endsInvalidation
      }
    }
  }
}
