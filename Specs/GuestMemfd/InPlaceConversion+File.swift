import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Calls on the file and on its memslot.
extension InPlaceConversion {
  /// fallocate of one page: the attribute stays (guest-memfd I-ATTR-STICKY).
  var allocate: Action {
    Action("fallocate", each: Page.self, by: HostThread.self, cites: "guest-memfd §1.4") { p in
      Step("the call") { Require(gmem[fileOf[p]] == .open && !sharing.cached[p]) }
      Holding(fdget[fileOf[p]], .shared) {
        Check(gmem[fileOf[p]] == .open, else: .EBADF)
        Holding(invalidateLock[fileOf[p]], .shared) {
          Step("allocates") {
            Require(!holding(sharing.folioLock[p]))
            sharing.allocates(p)
          }
        }
      }
    }
  }

  /// fallocate(PUNCH_HOLE) of one page (guest-memfd §1.4).
  var punchHole: Action {
    Action(Self.punchName, each: Page.self, by: HostThread.self, cites: "guest-memfd §1.4") { p in
      Step("the call") { Require(gmem[fileOf[p]] == .open) }
      Holding(fdget[fileOf[p]], .shared) {
        Check(gmem[fileOf[p]] == .open, else: .EBADF)
        Holding(invalidateLock[fileOf[p]]) {
          invalidationBegins(fileOf[p], Self.beginsPunch) { q in q == p }
          Step(Self.truncates) {
            Require(!holding(sharing.folioLock[p]))
            leavesFile(p)
          }
          invalidationEnds(fileOf[p], Self.endsPunch)
        }
      }
    }
  }

  static let beginsPunch = "invalidation begins: the guest loses the page"
  static let endsPunch = "invalidation ends: the page is gone"
  static let punchName = "fallocate(PUNCH_HOLE)"

  @StatementBuilder
  private func leavesFile(_ p: Expr<Page>) -> [Statement] {
    sharing.cached[p] <- false
    sharing.users.leavesFile(p)
    assigned[p] <- false
  }

  /// close() of the last reference; a mapping keeps one (guest-memfd §1.4).
  var close: Action {
    Action(
      Self.closeName, each: File.self, by: HostThread.self, cites: "guest-memfd §1.4"
    ) { f in
      Step("the last reference goes") {
        Require(gmem[f] == .open && !sharing.mapped[f] && !holding(fdget[f], .shared))
        gmem[f] <- .closing
      }
      Holding(slotsLock) {
        Holding(invalidateLock[f]) {
          Step(Self.unbindsAll) { bound[f] <- false }
          invalidationBegins(f, Self.beginsRelease) { p in fileOf[p] == f }
          invalidationEnds(f, Self.endsRelease)
        }
      }
      Step(Self.evicts) {
        Each(Page.self) { p in When(fileOf[p] == f) { leavesFile(p) } }
        gmem[f] <- .released
      }
    }
  }

  static let beginsRelease = "invalidation begins: the guest loses the file"
  static let endsRelease = "invalidation ends: the file is unbound"
  static let evicts = "evicts the inode"
  static let unbindsAll = "the memslots lose their file"

  /// KVM_SET_USER_MEMORY_REGION2: metadata first, then the binding, then the slot is live
  /// (guest-memfd §2.3, B7).
  var createSlot: Action {
    Action(Self.createName, each: File.self, by: HostThread.self, cites: "guest-memfd §2.3") { f in
      Step("the call") { Require(slot[f] == .absent && gmem[f] == .open) }
      Holding(slotsLock) {
        Step(Self.findsNone) { Check(slot[f] == .absent, else: .EEXIST) }
        Holding(fdget[f], .shared) {
          Check(gmem[f] == .open, else: .EBADF)
          Step(Self.prepares) { slot[f] <- .prepared }
          Holding(invalidateLock[f]) { Step(Self.binds) { bound[f] <- true } }
          Step(Self.activates) { slot[f] <- .active }
        }
      }
    }
  }

  static let syncs = "synchronize_srcu"
  static let unmapsSlot = "unmaps the memslot from the guest"
  static let gone = "the memslot is gone"
  static let activates = "the memslot is active"
  static let truncates = "truncates: the folio leaves the file"
  static let findsNone = "there is no such memslot yet"
  static let prepares = "prepares the memslot's metadata"
  static let binds = "stores the binding"
  static let unbinds = "removes the binding"

  /// Deletion: unbinding takes invalidate_lock, of a dying file too (guest-memfd §2.3, B3).
  var deleteSlot: Action {
    Action(Self.deleteName, each: File.self, by: HostThread.self, cites: "guest-memfd §2.3") { f in
      Step("the call") { Require(slot[f] == .active) }
      Holding(slotsLock) {
        Step("marks the memslot INVALID") {
          Check(slot[f] == .active, else: .EINVAL)
          slot[f] <- .invalid
        }
        Step(Self.syncs) { Require(!holding(srcu, .shared)) }
        Holding(mmuLock, .write) {
          Step(Self.unmapsSlot) {
            Each(Page.self) { p in When(fileOf[p] == f) { spte[p] <- .none } }
          }
        }
        Holding(invalidateLock[f]) { Step(Self.unbinds) { bound[f] <- false } }
        Step(Self.gone) { slot[f] <- .absent }
      }
    }
  }
}
