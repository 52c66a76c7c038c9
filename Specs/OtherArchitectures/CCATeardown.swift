import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// A realm as KVM has it (s390-pv §4.2).
public enum RealmState: EnumDomain {
  case none
  case new
  case active
  case dying
  case dead
}

/// What the monitor says of a granule that backs a page of the guest.
public enum Granule: EnumDomain {
  /// The host's.
  case undelegated
  /// The realm world's, in no use.
  case delegated
  /// Data of the realm.
  case data
}

/// How the stage 2 tables map the guest's memory.
public enum StageTwo: EnumDomain {
  case none
  /// By one block.
  case block
  /// By a table, page by page.
  case table
}

/// Teardown of an Arm CCA realm by KVM: RECs, then data, then tables, then the realm; what cannot
/// go leaks all that is above it (s390-pv §4.2).
///
/// The host's driver is not in 7.3 and may change; the monitor is RMM 1.0. One realm, one block of
/// memory that is mapped at once or by pages; devices are left out.
public struct CCATeardown: Spec {
  public static let name = "cca/teardown"
  public let summary = "Arm CCA: RECs, data, tables, realm; a block is split before it goes"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 2, "virtual CPUs, one REC each")
  let pages = Parameter("pages", of: Page.self, 1...5, default: 2, "pages of the block")
  let threads = Parameter("threads", of: HostThread.self, 1...3, default: 2, "threads")
  let pressure = Parameter("PRESSURE", 0...1, default: 1, "1: an allocation of a table may fail")
  let faults = Parameter("FAULTS", 0...1, default: 1, "calls of the monitor that may fail")
  let blocks = Parameter("BLOCKS", 0...1, default: 1, "1: the guest is mapped by a block at first")

  let realm = Var(RealmState.none, as: "realm_state")
  /// The monitor has a realm descriptor.
  let descriptor = Var(false, as: "rd")
  let rec = Map(VCPU.self, false, as: "rec")
  let running = Map(VCPU.self, false, as: "rec_running")
  let stageTwo = Var(StageTwo.none, as: "rtt")
  let granule = Map(Page.self, Granule.undelegated, as: "granule")
  let folio = Map(Page.self, false, as: "folio")
  let vmOpen = Var(true, as: "vm_open")
  let starved = Var(false, as: "out_of_memory")
  let refuses = Var(false, as: "rmm_refuses")
  let refused = Var(false, as: "rmm_refused")
  /// The realm could not be destroyed; what it has is lost.
  let leaked = Var(false, as: "realm_leaked")

  public init() {}

  static let createName = "KVM_ARM_RMI_REALM_CREATE"
  static let runName = "KVM_RUN"
  static let destroyName = "kvm_destroy_realm"
  static let recDestroy = "RMI_REC_DESTROY"
  static let split = "splits the block: RMI_RTT_CREATE"
  static let dataDestroy = "RMI_DATA_DESTROY"
  static let undelegate = "RMI_GRANULE_UNDELEGATE"
  static let tableDestroy = "RMI_RTT_DESTROY"
  static let realmDestroy = "RMI_REALM_DESTROY"
  static let frees = "the page goes back to the host"
  static let splitFails = "the block cannot be split"
  static let gaveUp = Local<Bool>("it has given up")

  public var actions: [Action] {
    create
    run
    destroy
    close
    allocationFails
    refuse
  }

  private var create: Action {
    Action(Self.createName, by: HostThread.self, cites: "s390-pv §4.2") {
      Step("creates the realm, its RECs and its tables, and activates it") {
        Require(vmOpen)
        Check(realm == .none, else: .EEXIST)
        descriptor <- true
        realm <- .active
        stageTwo <- choose(blocks == 1, StageTwo.block, else: .table)
        Each(VCPU.self) { v in rec[v] <- true }
        Each(Page.self) { p in
          granule[p] <- .data
          folio[p] <- true
        }
      }
    }
  }

  private var run: Action {
    Action(Self.runName, each: VCPU.self, by: HostThread.self, cites: "s390-pv §4.2") { v in
      Step("RMI_REC_ENTER") {
        Require(vmOpen && !running[v])
        Check(realm == .active && rec[v], else: .ENXIO)
        running[v] <- true
      }
      Step("the REC exits") { running[v] <- false }
    }
  }

  /// The last reference to the VM goes, then the realm, in the order that the monitor asks for.
  private var destroy: Action {
    Action(Self.destroyName, by: HostThread.self, cites: "s390-pv §4.2") {
      Step("the last reference to the VM goes") {
        Require(vmOpen && !inside(Self.runName)).because("a vCPU's file pins the VM")
        vmOpen <- false
      }
      ForEach(VCPU.self) { v in
        Step(Self.recDestroy) { When(rec[v]) { attempts(Statements { rec[v] <- false }) } }
      }
      When(realm == .active) {
        Step("the realm is dying") { realm <- .dying }
        unmaps
        When(Self.gaveUp) {
          leaks
        } else: {
          Step(Self.realmDestroy) { destroysRealm }
        }
      }
    }
  }

  /// RMM refuses as long as there are RECs or tables.
  @StatementBuilder
  private var destroysRealm: [Statement] {
    When(stageTwo != .none || exists(VCPU.self) { v in rec[v] }) {
      leaked <- true
    } else: {
      When(refuses) {
        refuses <- false
        leaked <- true
      } else: {
        descriptor <- false
        realm <- .dead
      }
    }
  }

  private var leaks: Statement {
    Step("WARN: the realm leaks") { leaked <- true }
  }

  /// Data goes page by page: a block needs a table first, and that needs memory.
  @StatementBuilder
  private var unmaps: [Statement] {
    When(stageTwo == .block) {
      Step(Self.split) {
        When(starved) {
          starved <- false
          Self.gaveUp <- true
        } else: {
          stageTwo <- .table
        }
      }
    }
    When(Self.gaveUp) { Step(Self.splitFails) {} }
    ForEach(Page.self) { p in
      When(!Self.gaveUp) {
        Step(Self.dataDestroy) { attempts(Statements { granule[p] <- .delegated }) }
        Step(Self.undelegate) {
          When(granule[p] == .delegated) {
            attempts(Statements { granule[p] <- .undelegated })
          }
        }
      }
    }
    When(!Self.gaveUp) {
      Step(Self.tableDestroy) {
        When(forAll(Page.self) { p in granule[p] != .data }) { stageTwo <- .none }
      }
    }
  }

  /// A call of the monitor that may fail.
  @StatementBuilder
  private func attempts(_ effects: [Statement]) -> [Statement] {
    When(refuses) {
      refuses <- false
    } else: {
      effects
    }
  }

  /// Only what is undelegated is freed; the rest is lost (s390-pv §4.2).
  private var close: Action {
    Action(Self.frees, each: Page.self, cites: "s390-pv §4.2") { p in
      Require(folio[p] && granule[p] == .undelegated)
      folio[p] <- false
    }
  }

  private var allocationFails: Action {
    Action("an allocation fails", cites: "s390-pv §4.2") {
      Require(pressure == 1 && !starved && at(Self.split))
      starved <- true
    }
  }

  private var refuse: Action {
    Action("the monitor refuses a call", cites: "s390-pv §4.2") {
      Require(faults == 1 && !refused && inside(Self.destroyName))
      refuses <- true
      refused <- true
    }
  }
}
