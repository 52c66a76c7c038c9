import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// KVM_GMEM_CONVERT_SHARED and KVM_GMEM_CONVERT_PRIVATE as RFC v2 has them (guest-memfd §2.4).
extension HugePagesRFCv2 {
  static let lists = "makes the work list"
  static let begins = "invalidation begins, over whole blocks; nothing is unmapped"
  static let unmapsPrivate = "unmaps the guest's private pages of the items"
  static let unmapsUsers = "unmaps the items from user page tables"
  static let looks = "are the folios of the items the page cache's alone?"
  static let stores = "stores the shareability of the item"
  static let walksBack = "walks back over the blocks of the item"
  static let wraps = "the unsigned index wraps below the first block, the walk goes on for ever"
  static let storesBack = "stores the old shareability"
  static let gaveUp = "invalidation ends, the conversion has failed"
  static let ends = "invalidation ends, the conversion is done"

  var convert: Action {
    Action(
      HugePageFile.convertName,
      taking: [file.p, file.extent, file.target, together], by: HostThread.self,
      cites: "guest-memfd §2.4"
    ) {
      begin
      When(file.target == .shared) {
        Step(Self.unmapsPrivate) { file.losesPrivate }
        converts(to: .shared)
      } else: {
        Step(Self.unmapsUsers) {
          file.takesFromUsers
          When(file.userAddress == 1) {
            Each(Page.self) { q in When(file.work.contains(q)) { file.spte[q] <- .none } }
          }
        }
        .because("the MMU notifier zaps what the memslot's userspace_addr maps; inferred")
        Step(Self.looks) {
          When(exists(Page.self) { q in file.work.contains(q) && file.isBusy(q) }) {
            giveUp(.EAGAIN)
          }
        }
        converts(to: .private)
      }
      Step(Self.ends) {
        forgets
        file.endsInvalidation
        Release(file.invalidateLock)
      }
    }
  }

  /// An allocation that fails ends the list early, and the error is lost (guest-memfd §2.4).
  @StatementBuilder private var begin: [Statement] {
    Step(Self.lists) {
      Require(file.gmem == .open && !file.isLocked)
      Require(!holding(file.invalidateLock, .shared))
      Require(together || file.extent.in(.others, .file))
      When(!file.memory && exists(Page.self) { q in file.differs(q) }) { claimed <- true }
      When(!file.memory || !exists(Page.self) { q in file.differs(q) }) {
        Return(.ok)
      } else: {
        Acquire(file.invalidateLock)
        file.work <- those(Page.self) { q in file.differs(q) }
        failed <- false
        atStart <- (file.extent == .file)
        begun <- SetOf<HugePage>.empty
        done <- SetOf<HugePage>.empty
        wasShared <- those(Page.self) { q in file.share[q] == .shared }
        wasWhole <- those(HugePage.self) { h in file.block[h] == .whole }
      }
    }
    Step(Self.begins) { file.coversBlocks }
  }

  @StatementBuilder
  private func converts(to target: Share) -> [Statement] {
    When(together) { storesOrFails(target) { _ in Condition(.yes) } }
    ForEach(HugePage.self, where: { h in file.isTouched(h) }) { h in
      When(!failed) {
        When(!together) { storesOrFails(target) { q in file.isIn(q, h) } }
        begun <- begun.inserting(h)
        When(!failed) {
          restructures(h, to: target, forced: false)
          When(!failed) { done <- done.inserting(h) }
        }
      }
    }
    When(failed) { unwinds(from: target) }
  }

  private func storesOrFails(
    _ target: Share, _ which: (Expr<Page>) -> Condition
  ) -> Statement {
    Step(Self.stores) {
      When(file.memory) {
        Each(Page.self) { q in
          When(file.work.contains(q) && which(q)) { file.share[q] <- target }
        }
      } else: {
        failed <- true
      }
    }
  }

  /// First the blocks of the item that failed, by force; then all items so far, each in the
  /// other direction. Failures are WARNs.
  @StatementBuilder
  private func unwinds(from target: Share) -> [Statement] {
    let back = target == .shared ? Share.private : .shared
    When(together) {
      ForEach(HugePage.self, where: { h in done.contains(h) }) { h in
        restructures(h, to: back, forced: true)
      }
      When(atStart && exists(HugePage.self) { h in begun.contains(h) }) {
        Step(Self.wraps) { Require(Condition(.no)) }
      }
    }
    ForEach(HugePage.self, where: { h in file.isTouched(h) }) { h in
      When(together || begun.contains(h)) {
        Step(Self.storesBack) {
          When(file.memory) {
            Each(Page.self) { q in
              When(file.work.contains(q) && file.isIn(q, h)) { file.share[q] <- back }
            }
          }
        }
        restructures(h, to: back, forced: false)
      }
    }
    Step(Self.gaveUp) { giveUp(.ENOMEM) }
  }

  @StatementBuilder
  private func giveUp(_ answer: Outcome) -> [Statement] {
    When(
      those(Page.self) { q in file.share[q] == .shared } != wasShared
        || those(HugePage.self) { h in file.block[h] == .whole } != wasWhole
    ) { leftBehind <- true }
    forgets
    file.endsInvalidation
    Release(file.invalidateLock)
    Return(answer)
  }

  @StatementBuilder private var forgets: [Statement] {
    wasShared <- SetOf<Page>.empty
    wasWhole <- SetOf<HugePage>.empty
  }
}
