import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// User space: mappings, accesses and pins.
extension PageSharing {
  /// A user access through a mapping: the fault handler (guest-memfd §2.2).
  ///
  /// invalidate_lock goes before the entry is there; the folio stays locked and referenced.
  var touch: Action {
    Action(Self.touchName, taking: [p], by: HostThread.self, cites: "guest-memfd §2.2") {
      Step("the access") { Require(mapped[files.of[p]] && !userPTE[p]) }
      Holding(mmapLock, .read) {
        Step(Self.findsMapping) { Check(mapped[files.of[p]], else: .SIGSEGV) }
        if files.faultsShareLock {
          Holding(invalidateLock, .shared) {
            Step(Self.findsFolio) { findFolio(keepingReference: true) }
          }
        } else {
          Step(Self.findsFolio) {
            Require(!holding(invalidateLock)).because("it is held shared", "guest-memfd §2.2")
            findFolio(keepingReference: true)
          }
        }
        Step(Self.installsPTE) {
          userPTE[p] <- true
          faulting[p] <- false
          Release(folioLock[p])
        }
      }
    }
  }

  private var invalidateLock: OneLock { files.invalidateLock(files.of[p]) }

  /// - Parameter keepingReference: whether the fault keeps its reference to the folio.
  @StatementBuilder
  func findFolio(keepingReference: Bool) -> [Statement] {
    Check(attribute[p] == .shared, else: .SIGBUS).because("private", "guest-memfd §2.2")
    if let isPoisoned = files.isPoisoned {
      Check(!isPoisoned(p.element), else: .SIGBUS).because("poisoned", "guest-memfd §1.4")
    }
    Acquire(folioLock[p])
    allocates(p.element)
    if keepingReference { faulting[p] <- true }
  }

  /// A new folio comes with a reference of a batch that waits for the LRU (guest-memfd B17).
  @StatementBuilder
  func allocates(_ p: Expr<Page>) -> [Statement] {
    When(!cached[p]) {
      cached[p] <- true
      When(batches == 1) { batched[p] <- true }
    }
  }

  var mmap: Action {
    Action("mmap", each: File.self, by: HostThread.self, cites: "guest-memfd §1.4") { f in
      Step("the call") { Require(files.state[f] == .open && !mapped[f]) }
      Holding(mmapLock, .write) {
        Step("maps the file") {
          Check(files.state[f] == .open, else: .EBADF)
          mapped[f] <- true
        }
      }
    }
  }

  var munmap: Action {
    Action("munmap", each: File.self, by: HostThread.self, cites: "guest-memfd §1.4") { f in
      Step("the call") { Require(mapped[f]) }
      Holding(mmapLock, .write) {
        Step("unmaps the file") {
          mapped[f] <- false
          Each(Page.self) { p in When(files.of[p] == f) { userPTE[p] <- false } }
        }
      }
    }
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

  /// Reclaim, compaction, a walk over page frames: anybody may look at a folio for a moment.
  var takeReference: Action {
    Action("folio_try_get", each: Page.self, cites: "guest-memfd §2.2") { p in
      Require(holders == 1 && held == nil && cached[p])
      held <- p
    }
  }

  var dropReference: Action {
    Action("folio_put", cites: "guest-memfd §2.2") {
      Require(held != nil)
      held <- nil
    }
  }
}
