import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Conversion and the ways in which pages leave the file.
extension InPlaceSNP {
  static let begins = "invalidation begins: the guest loses what changes"
  static let ends = "invalidation ends"
  static let smashes = "PSMASH of an RMP entry of 2 MiB that is partly covered"
  static let makesShared = "RMPUPDATE: the pages are the host's"
  static let storesPrivate = "stores the attribute of the whole range: private"
  static let storesShared = "stores the attribute of the whole range: shared"

  var f: NamedArgument<File> { sharing.f }

  var convert: Action {
    sharing.convert(
      toPrivate: Statements {
        invalidationBegins(f.element) { p in sharing.changes(p, to: .private) }
        Step(Self.storesPrivate) { sharing.storesAttribute(.private) }
        invalidationEnds(f.element)
      },
      toShared: Statements {
        invalidationBegins(f.element) { p in sharing.changes(p, to: .shared) }
        When(level == 1) { Step(Self.smashes) { smash } }
        Step(Self.makesShared) { updatesRMP }
        Step(Self.storesShared) { stores }
        invalidationEnds(f.element)
      })
  }

  /// The range is a part of the file.
  private var isPart: Condition {
    exists(Page.self) { p in fileOf[p] == f && !sharing.range.contains(p) }
  }

  @StatementBuilder var smash: [Statement] {
    When(isPart) { largeRMP[f] <- false }
  }

  /// RMPUPDATE of a part of a larger entry is taken to fail, with a WARN (unsure; guest-memfd §2.2
  /// says of the hook that it reports no failure).
  @StatementBuilder var updatesRMP: [Statement] {
    When(!(largeRMP[f] && isPart)) {
      largeRMP[f] <- false
      Each(Page.self) { p in When(sharing.range.contains(p)) { assigned[p] <- false } }
    }
  }

  /// The folio is split before a user can map a page of it.
  @StatementBuilder private var stores: [Statement] {
    sharing.storesAttribute(.shared)
    largeFolio[f] <- false
  }

  @StatementBuilder
  func invalidationBegins(_ f: Expr<File>, _ which: (Expr<Page>) -> Condition) -> [Statement] {
    Holding(mmuLock, .write) {
      Step(Self.begins) {
        invalidating[f] <- true
        Each(Page.self) { p in When(which(p)) { spte[p] <- .none } }
        When(exists(Page.self) { p in fileOf[p] == f && which(p) }) { largeSPTE[f] <- false }
      }
    }
  }

  @StatementBuilder
  func invalidationEnds(_ f: Expr<File>) -> [Statement] {
    Holding(mmuLock, .write) {
      Step(Self.ends) {
        invalidating[f] <- false
        overtakesFaults
      }
    }
  }

  @StatementBuilder var overtakesFaults: [Statement] {
    Each(VCPU.self) { v in When(holding(vcpuMutex[v])) { stale[v] <- true } }
  }

  static let dropsVM = "lets go of the VM, which may be destroyed here"
  static let reclaims = "RMPUPDATE: the file's pages are the host's"
  static let frees = "the inode is evicted: its folios go back to the host"

  /// Last reference: the guest loses the file, then the VM may go, then the pages leave the RMP and
  /// the file (guest-memfd §1.9).
  var close: Action {
    Action(Self.closeName, each: File.self, by: HostThread.self, cites: "guest-memfd §1.4") { f in
      Step("the last reference goes") {
        Require(gmem[f] == .open && !sharing.mapped[f] && !holding(fdget[f], .shared))
        gmem[f] <- .closing
      }
      Holding(invalidateLock[f]) {
        invalidationBegins(f) { p in fileOf[p] == f }
        invalidationEnds(f)
      }
      Step(Self.dropsVM) {
        gmem[f] <- .released
        When(!vmOpen && forAll(File.self) { g in g == f || gmem[g] == .released }) {
          destroyed <- true
        }
      }
      Step(Self.reclaims) { reclaim(f) }
      Step(Self.frees) {
        Each(Page.self) { p in
          When(fileOf[p] == f) {
            sharing.cached[p] <- false
            sharing.users.leavesFile(p)
          }
        }
      }
    }
  }

  @StatementBuilder func reclaim(_ f: Expr<File>) -> [Statement] {
    largeRMP[f] <- false
    Each(Page.self) { p in When(fileOf[p] == f) { assigned[p] <- false } }
  }

  /// A call on a vCPU keeps its descriptor open.
  var closeVM: Action {
    Action(Self.closeVMName, cites: "guest-memfd §1.7") {
      Require(
        vmOpen && !inside(Self.faultName(.private)) && !inside(Self.faultName(.shared))
          && !inside(Self.rmpFaultName))
      vmOpen <- false
      When(forAll(File.self) { f in gmem[f] == .released }) { destroyed <- true }
    }
  }
}
