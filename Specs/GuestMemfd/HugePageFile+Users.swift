import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// User space, other holders of folios, and memory pressure.
extension HugePageFile {
  static let touchName = "touch"
  static let allocateName = "fallocate"

  /// A user access through a mapping: all of the handler is under invalidate_lock, so that it is
  /// one step (guest-memfd §2.4).
  var touch: Action {
    Action(Self.touchName, each: Page.self, cites: "guest-memfd §2.4") { p in
      Require(users == 1 && gmem == .open && !userPTE[p] && !holding(invalidateLock))
      Check(share[p] == .shared, else: .SIGBUS).because("private", "guest-memfd §2.4")
      Check(hasFolio(blockOf(p)), else: .ENOMEM)
      Check(isSmall(p) || block[blockOf(p)] == .absent, else: .SIGBUS)
        .because("a WARN: shared pages are folios of 4 KiB", "guest-memfd §2.4")
      allocates(blockOf(p))
      userPTE[p] <- true
    }
  }

  /// fallocate of a block (guest-memfd §2.4).
  var allocate: Action {
    Action(Self.allocateName, each: HugePage.self, cites: "guest-memfd §2.4") { h in
      Require(gmem == .open && block[h] == .absent && !holding(invalidateLock))
      Check(hasFolio(h), else: .ENOMEM)
      allocates(h)
    }
  }

  /// The block has folios, or there is memory for them. Its huge page is reserved; splitting it
  /// needs more (guest-memfd §2.7).
  func hasFolio(_ h: Expr<HugePage>) -> Condition {
    block[h].in(.whole, .split)
      || block[h] == .absent && isReserved && (memory || hugetlb == 0 || !hasShared(h))
  }

  /// The reservation has a huge page left: there is one for each block.
  var isReserved: Condition {
    those(HugePage.self) { h in block[h] != .absent }.count() + inHand < huges
  }

  /// A new block is split at once if it has a shared page (guest-memfd §2.4).
  @StatementBuilder
  func allocates(_ h: Expr<HugePage>) -> [Statement] {
    When(block[h] == .absent) {
      When(hasShared(h)) {
        splits(h) { q in share[q] == .shared }
      } else: {
        block[h] <- .whole
      }
    }
  }

  /// The block gets folios as small as these pages need them.
  @StatementBuilder
  func splits(_ h: Expr<HugePage>, where small: (Expr<Page>) -> Condition) -> [Statement] {
    Each(MidPage.self) { m in
      When(
        blockOf[m] == h && (staged == 0 || exists(Page.self) { q in midOf[q] == m && small(q) })
      ) { midSplit[m] <- true }
    }
    block[h] <- .split
    stash[h] <- true
  }

  /// The block gets one folio.
  @StatementBuilder
  func becomesWhole(_ h: Expr<HugePage>) -> [Statement] {
    Each(MidPage.self) { m in When(blockOf[m] == h) { midSplit[m] <- false } }
    block[h] <- .whole
    stash[h] <- false
  }

  /// GUP: needs the page table entry.
  var pin: Action {
    Action("pin_user_pages", each: Page.self, cites: "guest-memfd §2.2") { p in
      Require(pins == 1 && userPTE[p] && pinned == nil)
      pinned <- p
    }
  }

  var unpin: Action {
    Action("unpin_user_page", cites: "guest-memfd §2.2") {
      Require(pinned != nil)
      pinned <- nil
    }
  }

  /// Anybody may look at a folio for a moment; not at one whose references are frozen.
  var takeReference: Action {
    Action("folio_try_get", each: Page.self, cites: "guest-memfd §2.2") { p in
      Require(holders == 1 && held == nil && block[blockOf(p)].in(.whole, .split))
      held <- p
    }
  }

  var dropReference: Action {
    Action("folio_put", cites: "guest-memfd §2.2") {
      Require(held != nil)
      held <- nil
    }
  }

  var memoryRunsOut: Action {
    Action("memory runs out", cites: "guest-memfd §2.7") {
      Require(pressure == 1 && memory)
      memory <- false
    }
  }

  var memoryReturns: Action {
    Action("memory is there again", cites: "guest-memfd §2.7") {
      Require(!memory)
      memory <- true
    }
  }
}
