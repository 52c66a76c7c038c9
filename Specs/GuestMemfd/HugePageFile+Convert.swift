import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Conversion with everything that can fail before everything that cannot (guest-memfd §2.4, §5.1).
///
/// It splits before a page turns shared and merges after the last one has turned private, so that
/// a block with a shared page is never whole. What TDH.MEM.PAGE.DEMOTE needs is allocated first as
/// well; that it can be interrupted and made again is left out. The order of RFC v2 is in
/// `gmem/huge-pages-rfc-v2`.
extension HugePageFile {
  static let convertName = "KVM_SET_MEMORY_ATTRIBUTES2"
  static let collects = "collects what differs, allocates all that will be needed"
  static let unmapsUsers = "unmaps it from all user page tables"
  static let freezesSplit = "freezes the folios that will be split, or none"
  static let freezesMerged = "freezes the folios that turn private or will be merged, or none"
  static let beginsShared =
    "invalidation begins, over whole blocks: the guest loses private pages; TDX demotes"
  static let zapsPrivate = "zaps the guest's private pages"
  static let releasesRMP = "PSMASH, and the pages are the host's in the RMP"
  static let splitsBlocks = "splits the blocks"
  static let storesShared = "stores the shareability: shared"
  static let beginsPrivate = "invalidation begins, over whole blocks: the guest loses shared pages"
  static let storesPrivate = "stores the shareability: private"
  static let mergesBlocks = "merges the blocks without shared pages"
  static let endsConversion = "invalidation ends"

  var convert: Action {
    Action(
      Self.convertName, taking: [p, extent, target], by: HostThread.self,
      cites: "guest-memfd §2.4", "guest-memfd §2.2"
    ) {
      Step(Self.collects) {
        Require(gmem == .open && !isLocked)
        Check(exists(Page.self) { q in differs(q) }, else: .ok)
        Check(memory, else: .ENOMEM).because("nothing has changed")
        Acquire(invalidateLock)
        work <- those(Page.self) { q in differs(q) }
      }
      When(target == .shared) {
        turnsShared
      } else: {
        turnsPrivate
      }
      Step(Self.endsConversion) {
        endsInvalidation
        Release(invalidateLock)
      }
    }
  }

  @StatementBuilder private var turnsShared: [Statement] {
    freezesForSplit
    Step(Self.beginsShared) {
      coversBlocks
      When(protection == HostProtection.tdx) {
        demotes { q in work.contains(q) }
      } else: {
        zapsEntries { q in work.contains(q) || becomesSmall(midOf[q]) }
      }
      .because("entries are no larger than folios", "guest-memfd I-LEVEL")
    }
    When(protection == HostProtection.tdx) {
      Step(Self.zapsPrivate) { losesPrivate }
    }
    When(protection == HostProtection.snp) {
      Step(Self.releasesRMP) { makesShared { q in work.contains(q) } }
    }
    Step(Self.splitsBlocks) { splitsFrozen }
    Step(Self.storesShared) { stores(.shared) }
  }

  @StatementBuilder private var turnsPrivate: [Statement] {
    Step(Self.unmapsUsers) { takesFromUsers }
    freezesOrGivesUp(
      Self.freezesMerged,
      if: forAll(Page.self) { q in work.contains(q) || willMerge(q) ==> !isBusy(q) }
    ) { freezesMerging }
    Step(Self.beginsPrivate) {
      coversBlocks
      losesShared
    }
    Step(Self.storesPrivate) { stores(.private) }
    When(policy == MergePolicy.early) { Step(Self.mergesBlocks) { mergesFrozen } }
  }

  var freezesForSplit: Statement {
    freezesOrGivesUp(
      Self.freezesSplit, if: forAll(Page.self) { q in willSplit(q) ==> !isBusy(q) }
    ) {
      Each(HugePage.self) { h in
        When(exists(Page.self) { q in isIn(q, h) && willSplit(q) }) { block[h] <- .frozen }
      }
    }
  }

  /// All folios concerned must be the page cache's alone, else EAGAIN (guest-memfd §2.4).
  func freezesOrGivesUp(
    _ name: String, if isFree: Condition, @StatementBuilder _ freezing: () -> [Statement]
  ) -> Statement {
    Step(name) {
      When(isFree, then: freezing) {
        Release(invalidateLock)
        Return(.EAGAIN)
      }
    }
  }

  // MARK: What the steps do

  func differs(_ q: Expr<Page>) -> Condition { isMeant(q) && share[q] != target }

  @StatementBuilder var takesFromUsers: [Statement] {
    Each(Page.self) { q in When(work.contains(q)) { userPTE[q] <- false } }
  }

  @StatementBuilder var coversBlocks: [Statement] {
    hull <- those(Page.self) { q in isTouched(blockOf(q)) }
  }

  @StatementBuilder var losesPrivate: [Statement] {
    destroysContents { q in work.contains(q) }
    zapsEntries { q in work.contains(q) }
  }

  /// A merged block also loses its small private entries, to be faulted larger; not with TDX.
  @StatementBuilder var losesShared: [Statement] {
    Each(Page.self) { q in
      When(
        work.contains(q) || block[blockOf(q)] == .frozen && protection != HostProtection.tdx
      ) { spte[q] <- .none }
    }
    When(protection != HostProtection.tdx) {
      Each(MidPage.self) { m in When(block[blockOf[m]] == .frozen) { midSPTE[m] <- false } }
    }
  }

  @StatementBuilder func stores(_ target: Share) -> [Statement] {
    Each(Page.self) { q in When(work.contains(q)) { share[q] <- target } }
    changed <- true
  }

  @StatementBuilder var splitsFrozen: [Statement] {
    Each(HugePage.self) { h in
      When(block[h] == .frozen) { splits(h) { q in work.contains(q) } }
    }
    changed <- true
  }

  @StatementBuilder var freezesMerging: [Statement] {
    Each(HugePage.self) { h in
      When(
        willMergeWhole(h) || exists(MidPage.self) { m in blockOf[m] == h && willMergePart(m) }
      ) { block[h] <- .frozen }
    }
  }

  /// After the store: parts and blocks without shared pages become whole.
  @StatementBuilder var mergesFrozen: [Statement] {
    Each(HugePage.self) { h in
      When(block[h] == .frozen) {
        When(hasShared(h)) {
          Each(MidPage.self) { m in
            When(blockOf[m] == h && staged == 1 && !hasShared(m)) { midSplit[m] <- false }
          }
          block[h] <- .split
        } else: {
          becomesWhole(h)
        }
      }
    }
  }

  func hasShared(_ m: Expr<MidPage>) -> Condition {
    exists(Page.self) { q in midOf[q] == m && share[q] == .shared }
  }

  /// The page's folio is large, and a page that it covers turns shared.
  func willSplit(_ q: Expr<Page>) -> Condition {
    block[blockOf(q)] == .whole && isTouched(blockOf(q))
      || block[blockOf(q)] == .split && !midSplit[midOf[q]] && isTouched(midOf[q])
  }

  /// The page's folio becomes part of a larger one.
  func willMerge(_ q: Expr<Page>) -> Condition {
    willMergeWhole(blockOf(q)) || willMergePart(midOf[q])
  }

  private func willMergeWhole(_ h: Expr<HugePage>) -> Condition {
    policy == MergePolicy.early && block[h] == .split && isTouched(h)
      && forAll(Page.self) { q in isIn(q, h) && share[q] == .shared ==> work.contains(q) }
  }

  private func willMergePart(_ m: Expr<MidPage>) -> Condition {
    policy == MergePolicy.early && staged == 1 && block[blockOf[m]] == .split && midSplit[m]
      && isTouched(m)
      && forAll(Page.self) { q in midOf[q] == m && share[q] == .shared ==> work.contains(q) }
  }
}
