import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Calls on the file and on its memslot.
extension HugePageFile {
  static let allocateName = "fallocate"
  static let punchName = "fallocate(PUNCH_HOLE)"
  static let bindName = "KVM_SET_USER_MEMORY_REGION2"
  static let deleteName = "KVM_SET_USER_MEMORY_REGION2(delete)"
  static let closeName = "close(guest_memfd)"

  /// fallocate of a block (guest-memfd §2.4); the answer is ok if it is there already.
  var allocate: Action {
    Action(Self.allocateName, taking: [p], by: HostThread.self, cites: "guest-memfd §2.4") {
      let mustSplit = Local<Bool>("the new block must be split")
      Step("the call") { Require(gmem == .open && block[blockOf(p.element)] == .absent) }
      Holding(invalidateLock, .shared) {
        Check(gmem == .open, else: .EBADF)
        getFolio(mustSplit)
      }
    }
  }

  static let punchTakesUsers = "unmaps the hole from all user page tables"
  static let punchLooks = "does anybody hold a folio of the hole?"
  static let beginsPunch = "invalidation begins: the guest will lose the hole"
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
      Step("the call") {
        Require(gmem == .open && extent.in(.page, .block) && block[h].in(.whole, .split))
      }
      Holding(invalidateLock) {
        Check(gmem == .open, else: .EBADF)
        When(extent == .page) {
          takesHoleFromGuest(h)
          Step(Self.zeroes) {
            When(exists(Page.self) { q in zeroing(q) && !isMeant(q) }) { overreached <- true }
          }
          underMMULock(Self.endsPunch) { endsInvalidation }
        } else: {
          Step(Self.punchTakesUsers) {
            When(hasShared(h)) {
              Each(Page.self) { q in When(isIn(q, h)) { userPTE[q] <- false } }
            }
          }
          Step(Self.punchLooks) {
            Check(!hasShared(h) || !isBusy(h), else: .EAGAIN)
              .because("the block is merged first", "guest-memfd P-PUNCH")
            When(!isBusy(h)) { block[h] <- .frozen }
          }
          takesHoleFromGuest(h)
          Step(Self.truncates) { leavesFile(h) }
          underMMULock(Self.endsPunch) { endsInvalidation }
        }
      }
    }
  }

  @StatementBuilder
  private func takesHoleFromGuest(_ h: Expr<HugePage>) -> [Statement] {
    underMMULock(Self.beginsPunch) { hull <- those(Page.self) { q in isIn(q, h) } }
    When(protection == HostProtection.tdx) {
      underMMULock(Self.demotesEntries) { demotes { q in isMeant(q) } }
    }
    underMMULock("the guest loses the hole") { zapsEntries { q in isMeant(q) } }
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
      Holding(slotsLock) {
        Step("marks the memslot INVALID") {
          Check(bound, else: .EINVAL)
          bound <- false
        }
        Step("synchronize_srcu") { Require(!holding(srcu, .shared)) }
        underMMULock("unmaps the memslot from the guest") { zapsEntries { _ in Condition(.yes) } }
      }
    }
  }

  /// A memslot for the file; M-REBOOT merges what can be merged (guest-memfd §4).
  var createSlot: Action {
    Action(Self.bindName, by: HostThread.self, cites: "guest-memfd §4") {
      Holding(slotsLock) {
        Step("the call") {
          Check(!bound, else: .EINVAL)
          Check(gmem == .open, else: .EBADF)
        }
        When(policy == MergePolicy.reboot) {
          Holding(invalidateLock) {
            Check(gmem == .open, else: .EBADF)
            ForEach(HugePage.self) { h in mergesLate(h) }
          }
        }
        Step("stores the binding") {
          Check(gmem == .open, else: .EBADF)
          bound <- true
        }
      }
    }
  }

  static let beginsRelease = "invalidation begins: the guest loses the file"
  static let endsRelease = "invalidation ends: the file is unbound"
  static let evicts = "evicts the inode"

  /// munmap and close of the last reference: release, then the inode goes (guest-memfd §1.4).
  var close: Action {
    Action(Self.closeName, by: HostThread.self, cites: "guest-memfd §1.4", "guest-memfd §2.4") {
      Step("the last reference goes") {
        Require(gmem == .open && !holding(invalidateLock) && !holding(invalidateLock, .shared))
        gmem <- .closing
        Each(Page.self) { q in userPTE[q] <- false }
      }
      Holding(slotsLock) {
        Holding(invalidateLock) {
          underMMULock(Self.beginsRelease) {
            bound <- false
            hull <- SetOf<Page>.all
            zapsEntries { _ in Condition(.yes) }
          }
          underMMULock(Self.endsRelease) { endsInvalidation }
        }
      }
      Step(Self.evicts) {
        Each(HugePage.self) { h in leavesFile(h) }
        gmem <- .released
      }
    }
  }
}
