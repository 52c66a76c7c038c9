import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Calls on the file and on its memslot.
extension HugePageFile {
  static let punchName = "fallocate(PUNCH_HOLE)"
  static let bindName = "KVM_SET_USER_MEMORY_REGION2"
  static let storesBinding = "stores the binding"
  static let deleteName = "KVM_SET_USER_MEMORY_REGION2(delete)"
  static let closeName = "close(guest_memfd)"

  static let punchTakesUsers = "unmaps the hole from all user page tables"
  static let punchLooks = "does anybody hold a folio of the hole?"
  static let beginsPunch = "invalidation begins: the guest will lose the hole"
  static let zapsHole = "zaps the hole"
  static let beginsTruncation = "invalidation begins: the guest will lose the block"
  static let zapsBlock = "zaps the block"
  static let zeroes = "zeroes the part of the block"
  static let truncates = "truncates the block"
  static let endsPunch = "invalidation ends: the hole is there"

  /// fallocate(PUNCH_HOLE): parts of a block are zeroed, a whole one is freed (guest-memfd §2.4).
  ///
  /// A block with shared pages must be free of other references; it is merged before it goes.
  ///
  /// - Parameter zeroing: the pages that are zeroed for a part of a block.
  func punchHole(zeroing: @escaping (Expr<Page>) -> Condition) -> Action {
    Action(
      Self.punchName, taking: [p, extent], by: HostThread.self, cites: "guest-memfd §2.4"
    ) {
      let h = blockOf(p.element)
      Step(Self.punchTakesUsers) {
        Require(gmem == .open && extent.in(.page, .block) && block[h].in(.whole, .split))
        Require(!isLocked)
        Acquire(invalidateLock)
        When(extent == .block && hasShared(h)) {
          Each(Page.self) { q in When(isIn(q, h)) { userPTE[q] <- false } }
        }
      }
      When(extent == .page) {
        takesHoleFromGuest(h, Self.beginsPunch, Self.zapsHole) { q in isMeant(q) }
        Step(Self.zeroes) {
          When(exists(Page.self) { q in zeroing(q) && !isMeant(q) }) { overreached <- true }
        }
      } else: {
        Step(Self.punchLooks) {
          When(hasShared(h) && isBusy(h)) {
            Release(invalidateLock)
            Return(.EAGAIN)
          }
        }
        .because("a block with shared pages is merged first", "guest-memfd P-PUNCH")
        takesHoleFromGuest(h, Self.beginsTruncation, Self.zapsBlock) { q in isIn(q, h) }
        Step(Self.truncates) { leavesFile(h) }
      }
      Step(Self.endsPunch) {
        endsInvalidation
        Release(invalidateLock)
      }
    }
  }

  /// invalidate_lock is held exclusively.
  var isLocked: Condition { holding(invalidateLock) }

  @StatementBuilder
  private func takesHoleFromGuest(
    _ h: Expr<HugePage>, _ begins: String, _ zaps: String,
    _ hole: @escaping (Expr<Page>) -> Condition
  ) -> [Statement] {
    Step(begins) {
      hull <- those(Page.self) { q in isIn(q, h) }
      When(protection == HostProtection.tdx) {
        demotes { q in hole(q) }
      } else: {
        zapsEntries { q in hole(q) }
      }
    }
    When(protection == HostProtection.tdx) {
      Step(zaps) { zapsEntries { q in hole(q) } }
    }
  }

  /// Who still holds a folio keeps the huge page from its pool (guest-memfd §2.4).
  @StatementBuilder
  private func leavesFile(_ h: Expr<HugePage>) -> [Statement] {
    When(block[h].in(.whole, .split, .frozen)) {
      block[h] <- choose(isBusy(h), Block.leaving, else: .absent)
      stash[h] <- (stash[h] && isBusy(h))
      Each(MidPage.self) { m in When(blockOf[m] == h) { midSplit[m] <- false } }
      makesShared { q in isIn(q, h) }
    }
  }

  /// The worker that gets the last page of a truncated block merges it and gives it back
  /// (guest-memfd §2.4).
  var returnBlock: Action {
    Action(Self.returns, each: HugePage.self, cites: "guest-memfd I-WAIT") { h in
      Require(block[h] == .leaving && !isBusy(h))
      block[h] <- .absent
      stash[h] <- false
    }
  }

  static let returns = "the worker returns a truncated block to the pool"

  /// The memslot goes, and all that the guest maps with it; the pages stay in the file.
  var deleteSlot: Action {
    Action(Self.deleteName, by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("marks the memslot INVALID") {
        Require(bound)
        Acquire(slotsLock)
        bound <- false
      }
      Step("synchronize_srcu, then the guest loses the memslot") {
        Require(forAll(VCPU.self) { v in fault[v] == .none })
        zapsEntries { _ in Condition(.yes) }
        Release(slotsLock)
      }
    }
  }

  /// A memslot for the file; M-REBOOT merges what can be merged (guest-memfd §4).
  var createSlot: Action {
    Action(Self.bindName, by: HostThread.self, cites: "guest-memfd §4") {
      Step("the call") {
        Require(!bound && gmem == .open)
        Acquire(slotsLock)
      }
      When(policy == MergePolicy.reboot) {
        Acquire(invalidateLock)
        ForEach(HugePage.self) { h in
          mergesLate(
            h,
            givingUp: Statements {
              Release(invalidateLock)
              Release(slotsLock)
            })
        }
        Release(invalidateLock)
      }
      Step(Self.storesBinding) {
        When(gmem == .open) { bound <- true }
        Release(slotsLock)
      }
    }
  }

  static let evicts = "evicts the inode"
  static let releases = "unbinds the file: the guest loses it"

  /// munmap and close of the last reference: release, then the inode goes (guest-memfd §1.4).
  var close: Action {
    Action(Self.closeName, by: HostThread.self, cites: "guest-memfd §1.4", "guest-memfd §2.4") {
      Step("the last reference goes") {
        Require(gmem == .open && !isLocked && !holding(invalidateLock, .shared))
        Require(!inside(Self.bindName)).because("the call holds the file", "guest-memfd §1.4")
        gmem <- .closing
        Each(Page.self) { q in userPTE[q] <- false }
      }
      Step(Self.releases) {
        Require(!holding(slotsLock) && !isLocked)
        bound <- false
        zapsEntries { _ in Condition(.yes) }
        endsInvalidation
      }
      Step(Self.evicts) {
        Each(HugePage.self) { h in leavesFile(h) }
        gmem <- .released
      }
    }
  }
}
