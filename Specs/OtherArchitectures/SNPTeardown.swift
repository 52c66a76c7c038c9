import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// A confidential VM among several that compete for tags.
public enum Guest: Sort {}
/// An address space id, the tag of an SEV guest.
public enum ASID: Sort {
  public static var letter: String { "a" }
}

/// Where an ASID is (s390-pv §4.1).
public enum ASIDState: EnumDomain {
  case free
  case allocated
  /// Given back, and caches may still have lines of it.
  case released
  /// Its guest's context could not be decommissioned.
  case lost
}

/// What caches have of an ASID.
public enum CacheState: EnumDomain {
  case clean
  case dirty
  /// WBINVD has run on all CPUs, DF_FLUSH has not.
  case writtenBack
}

/// The life of a guest as KVM and the firmware have it.
public enum GuestLife: EnumDomain {
  case none
  /// It has an ASID.
  case active
  /// The firmware has a context for it, and has bound the ASID.
  case launched
  case gone
}

/// Teardown of SEV-SNP guests in 7.3: the ASID goes back dirty and is flushed before its reuse;
/// pages leave the RMP with the file, before or after that (s390-pv §4.1).
///
/// Left out: SEV and SEV-ES guests, mirrors and moves, huge pages, VMSA pages.
public struct SNPTeardown: Spec {
  public static let name = "snp/teardown"
  public let summary = "SEV-SNP: decommission, ASIDs that are flushed before reuse, the RMP"

  let guests = Parameter("guests", of: Guest.self, 1...3, default: 2, "VMs")
  let asids = Parameter("asids", of: ASID.self, 1...3, default: 1, "ASIDs for SNP guests")
  let pages = Parameter("pages", of: Page.self, 1...4, default: 2, "pages of all guests")
  let threads = Parameter("threads", of: HostThread.self, 1...3, default: 2, "threads")
  let faults = Parameter("FAULTS", 0...1, default: 1, "calls of the firmware that may fail")
  let guestOf = Constant(Page.self, Guest.self) { page, guests in page % guests }

  let life = Map(Guest.self, GuestLife.none, as: "kvm_sev")
  /// What it has, or had when it was there.
  let asid = Map(Guest.self, ASID?.none, as: "asid")
  let context = Map(Guest.self, false, as: "snp_context")
  let pool = Map(ASID.self, ASIDState.free, as: "asid_pool")
  let cache = Map(ASID.self, CacheState.clean, as: "caches")
  /// The guest's file has the page.
  let folio = Map(Page.self, false, as: "folio")
  /// The RMP gives the page to this ASID.
  let rmp = Map(Page.self, ASID?.none, as: "rmp")
  let fileOpen = Map(Guest.self, true, as: "guest_memfd_open")
  let refuses = Var(false, as: "firmware_refuses")
  let refused = Var(false, as: "firmware_refused")

  let kvmLock = Locks("kvm->lock", each: Guest.self, rank: 10)
  let bitmapLock = Lock("sev_bitmap_lock", rank: 20)
  let deactivateLock = RWLock("sev_deactivate_lock", rank: 30)

  public init() {}

  static let initName = "KVM_SEV_INIT2"
  static let startName = "KVM_SEV_SNP_LAUNCH_START"
  static let runName = "KVM_RUN"
  static let closeName = "close(guest_memfd)"
  static let destroyName = "sev_vm_destroy"
  static let picks = "takes a free ASID"
  static let writesBack = "WBINVD on all CPUs"
  static let flushes = "SNP_DF_FLUSH"
  static let binds = "SNP_ACTIVATE"
  static let decommissions = "SNP_DECOMMISSION"
  static let undoes = "SNP_DECOMMISSION of a context that could not be bound"
  static let givesBack = "the ASID goes back dirty"
  static let chosen = Local<Bool>("an ASID was found")
  static let kept = Local<Bool>("the context stays")

  public var actions: [Action] {
    create
    start
    run
    close
    destroy
    refuse
  }

  private var create: Action {
    Action(
      Self.initName, each: Guest.self, by: HostThread.self, cites: "s390-pv §4.1"
    ) { g in
      Holding(kvmLock[g]) {
        Step("is it active already?") { Check(life[g] == .none, else: .EINVAL) }
        Holding(bitmapLock) {
          allocate(g)
          When(!Self.chosen) {
            Step("is there anything to recycle?") {
              Check(exists(ASID.self) { a in pool[a] == .released }, else: .EBUSY)
            }
            recycle
            allocate(g)
          }
        }
        When(!Self.chosen) { Return(.EBUSY) }
      }
    }
  }

  private func allocate(_ g: Expr<Guest>) -> Statement {
    ForEach(ASID.self) { a in
      When(!Self.chosen && pool[a] == .free) {
        Step(Self.picks) {
          pool[a] <- .allocated
          asid[g] <- a
          life[g] <- .active
          Self.chosen <- true
        }
      }
    }
  }

  /// All that were given back, at once; no context ends meanwhile (s390-pv §4.1, E2).
  @StatementBuilder
  private var recycle: [Statement] {
    Holding(deactivateLock, .write) {
      Step(Self.writesBack) {
        Each(ASID.self) { a in When(cache[a] == .dirty) { cache[a] <- .writtenBack } }
      }
      Step(Self.flushes) {
        When(refuses) {
          refuses <- false
        } else: {
          Each(ASID.self) { a in
            When(cache[a] == .writtenBack) { cache[a] <- .clean }
            When(pool[a] == .released) { pool[a] <- .free }
          }
        }
      }
    }
  }

  private var start: Action {
    Action(
      Self.startName, each: Guest.self, by: HostThread.self, cites: "s390-pv §4.1", "s390-pv E3"
    ) { g in
      Holding(kvmLock[g]) {
        Step("creates the context") {
          Check(life[g] == .active, else: .EINVAL)
          context[g] <- true
        }
        Step(Self.binds) {
          When(refuses) {
            refuses <- false
          } else: {
            life[g] <- .launched
          }
        }
        When(life[g] == .active) {
          Step(Self.undoes) {
            context[g] <- false
            Return(.EIO)
          }
        }
      }
    }
  }

  /// The guest touches a page, which becomes its own in the RMP.
  private var run: Action {
    Action(Self.runName, each: Page.self, by: HostThread.self, cites: "s390-pv §4.1") { p in
      Step("RMPUPDATE: the page is the guest's") {
        Each(Guest.self) { g in
          When(guestOf[p] == g) {
            Require(life[g] == .launched && fileOpen[g])
            folio[p] <- true
            rmp[p] <- asid[g]
            Each(ASID.self) { a in When(asid[g] == a) { cache[a] <- .dirty } }
          }
        }
      }
    }
  }

  /// The pages leave the file: the RMP needs no context for that (s390-pv §4.1).
  private var close: Action {
    Action(
      Self.closeName, each: Guest.self, by: HostThread.self, cites: "s390-pv §4.1"
    ) { g in
      Step("the last reference to the file goes") {
        Require(fileOpen[g])
        fileOpen[g] <- false
      }
      ForEach(Page.self, where: { p in guestOf[p] == g }) { p in
        Step(Self.takesBack) { rmp[p] <- nil }
        Step(Self.frees) { folio[p] <- false }
      }
    }
  }

  static let takesBack = "RMPUPDATE: the page is the host's"
  static let frees = "the page goes back to the host"

  private var destroy: Action {
    Action(
      Self.destroyName, each: Guest.self, by: HostThread.self, cites: "s390-pv §4.1"
    ) { g in
      Step("the last reference to the VM goes") {
        Require(life[g].in(.active, .launched) && !holding(kvmLock[g]))
        life[g] <- .gone
      }
      Holding(deactivateLock, .write) {
        Step(Self.decommissions) {
          When(context[g]) {
            When(refuses) {
              refuses <- false
              Self.kept <- true
            } else: {
              context[g] <- false
              Each(ASID.self) { a in When(asid[g] == a) { cache[a] <- .dirty } }
            }
          }
        }
      }
      Step(Self.givesBack) {
        Each(ASID.self) { a in
          When(asid[g] == a) { pool[a] <- choose(Self.kept, ASIDState.lost, else: .released) }
        }
      }
    }
  }

  private var refuse: Action {
    Action("the firmware refuses a call", cites: "s390-pv §4.1") {
      Require(faults == 1 && !refused)
      Require(at(Self.flushes) || at(Self.binds) || at(Self.decommissions))
      refuses <- true
      refused <- true
    }
  }
}
