import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// User space, other holders of folios, and memory pressure.
extension HugePageFile {
  static let touchName = "touch"
  static let finds = "finds the folio, or allocates the block"
  static let takesHuge = "takes a huge page from the reservation"
  static let insertsHuge = "puts it into the file, unless another one is there"
  static let splitsNew = "splits the new block"

  /// A user access through a mapping: all of the handler is under invalidate_lock
  /// (guest-memfd §2.4).
  var touch: Action {
    Action(Self.touchName, taking: [p], by: HostThread.self, cites: "guest-memfd §2.4") {
      let mustSplit = Local<Bool>("the new block must be split")
      Step("the access") { Require(gmem == .open && !userPTE[p]) }
      Holding(invalidateLock, .shared) {
        Check(gmem == .open, else: .SIGSEGV)
        Check(share[p] == .shared, else: .SIGBUS).because("private", "guest-memfd §2.4")
        getFolio(mustSplit)
        Step(Self.mapsUser) {
          Check(isSmall(p.element), else: .SIGBUS)
            .because("a WARN: shared pages are folios of 4 KiB", "guest-memfd §2.4")
          userPTE[p] <- true
        }
      }
    }
  }

  static let mapsUser = "installs the page table entry"

  /// The folio of page p: there, or a new huge page from the reservation, split at once if the
  /// block has a shared page (guest-memfd §2.4).
  ///
  /// That a split which fails gives the huge page back is inferred.
  @StatementBuilder
  func getFolio(_ mustSplit: Local<Bool>) -> [Statement] {
    let h = blockOf(p.element)
    switch allocation {
    case .serialised: Step(Self.finds) { allocatesBlock(h, mustSplit) }
    case .racing: raceForBlock(h, mustSplit)
    }
    When(mustSplit) {
      Step(Self.splitsNew) {
        When(memory) {
          splits(h, where: { q in share[q] == .shared })
        } else: {
          block[h] <- .absent
          Return(.ENOMEM)
        }
      }
    }
  }

  @StatementBuilder
  func allocatesBlock(_ h: Expr<HugePage>, _ mustSplit: Local<Bool>) -> [Statement] {
    Require(block[h] != .frozen)
    mustSplit <- (block[h] == .absent && hasShared(h))
    When(block[h] == .absent) {
      block[h] <- choose(hasShared(h), Block.frozen, else: .whole)
    } else: {
      Check(block[h].in(.whole, .split), else: .ENOMEM)
        .because("the reservation has one huge page a block", "guest-memfd I-RESV")
    }
  }

  /// RFC v2: each takes a huge page before it is known who wins (guest-memfd §2.4).
  @StatementBuilder
  func raceForBlock(_ h: Expr<HugePage>, _ mustSplit: Local<Bool>) -> [Statement] {
    let absent = Local<Bool>("the block has no folio")
    Step("looks for the folio") {
      Require(block[h] != .frozen)
      mustSplit <- false
      absent <- (block[h] == .absent)
      Check(block[h].in(.absent, .whole, .split), else: .ENOMEM)
    }
    When(absent) {
      Step(Self.takesHuge) {
        Check(isReserved, else: .ENOMEM).because("the subpool is empty", "guest-memfd §2.4")
        inHand <- inHand + 1
      }
      Step(Self.insertsHuge) {
        Require(block[h] != .frozen)
        inHand <- inHand - 1
        When(block[h] == .absent) {
          mustSplit <- hasShared(h)
          block[h] <- choose(hasShared(h), Block.frozen, else: .whole)
        }
      }
    }
  }

  /// The reservation has a huge page left.
  var isReserved: Condition {
    those(HugePage.self) { h in block[h] != .absent }.count() + inHand < huges
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
      Require(userPTE[p] && pinned == nil)
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
