import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Deferred teardown of 2021: a thread of the kernel cleans up behind a guest, and pages of a dead
/// process are set aside on a list (s390-pv §2.2, seed 002).
///
/// Versions 1 to 3 of the series set pages aside, 2 and 3 hold the OOM killer back meanwhile, 4
/// defers at reboot only, 5 counts the guests of an mm. What seed 002 says of version 1 is there;
/// details of the error paths are derived and unconfirmed.
struct SetAsideList: SpecPart {
  let kvm: ProtectedVM
  let version: Parameter
  let cleaners: Parameter
  let lazy = Parameter("LAZY", 0...1, default: 1, "the module's parameter lazy_destroy")
  let block = Parameter(
    "BLOCK", 1...3, default: 1, "pages that a block of the list has room for; 509 in truth")

  /// mm->context: clean up at once.
  let synchronous = Var(false, as: "synchronous")
  /// What is left in the last block of the list.
  let room = Var(0, in: 0...3, as: "room_in_block")
  /// References to the mm that threads of the kernel have.
  let pins = Var(0, in: 0...4, as: "mm_pins")
  /// A reference to the mm is held for ever.
  let pinLost = Var(false, as: "mm_pin_lost")
  /// The thread that cleans up behind the configuration has one of them.
  let withMM = Map(Config.self, false, as: "cleaner_has_mm")

  let deferred = Local<Bool>("a thread is to do it")
  let hasMM = Local<Bool>("the mm is there")
  let stopped = Local<Bool>("nobody else uses the mm")
  let last = Local<Bool>("the last reference to the mm")

  static let cleanerName = "the cleaning thread"
  static let allocatesWork = "allocates the work"
  static let copiesTable = "gives the guest a copy of its top-level table"
  static let createsThread = "creates the thread"
  static let drains = "cleans and frees the pages of the list"
  static let walks = "the thread cleans a mapped page"
  static let calls = [ProtectedVM.enableName, ProtectedVM.disableName]

  init(version: Parameter) {
    self.version = version
    kvm = ProtectedVM(counted: version >= 5)
    cleaners = Parameter("cleaners", of: Cleaner.self, 1...3, default: 1, "cleaning threads")
  }

  var setsPagesAside: Condition { version <= 3 }
}

// MARK: Leaving a guest to a thread

extension SetAsideList {
  /// kvm_s390_pv_deinit_vm_deferred: whatever is missing, it is done at once instead
  /// (s390-pv §2.2, A1).
  @StatementBuilder
  var leaves: [Statement] {
    Step(Self.allocatesWork) {
      kvm.allocates(
        .record, Statements { deferred <- (lazy == 1 && !synchronous) },
        failing: Statements { deferred <- false })
    }
    When(deferred) {
      Step("takes a reference to the mm, if it is there") {
        When(kvm.mm.in(.alive, .kept)) {
          hasMM <- true
          pins <- pins + 1
        } else: {
          deferred <- (setsPagesAside && exists(Page.self) { p in kvm.place[p] == .listed })
        }
      }
    }
    When(deferred) {
      Step(Self.copiesTable) {
        When(hasMM) {
          kvm.allocates(.table, kvm.replacesTable, failing: givesUp)
        } else: {
          kvm.replacesTable
        }
      }
    }
    When(deferred) {
      Step(Self.createsThread) {
        kvm.allocates(
          .cleaner,
          Statements {
            Each(Config.self) { h in
              When(kvm.handle == h) {
                kvm.held[h] <- .aside
                withMM[h] <- hasMM
              }
            }
            kvm.handle <- nil
          }, failing: givesUp)
      }
    }
    When(last) { tearsDown }
    When(kvm.isProtected) {
      When(kvm.mm.in(.alive, .kept)) { kvm.walks(ProtectedVM.cleansPage) }
      kvm.destroysConfig
    }
  }

  /// Before version 5 the reference to the mm was kept (s390-pv D-A1).
  @StatementBuilder
  private var givesUp: [Statement] {
    deferred <- false
    When(hasMM) {
      pins <- pins - 1
      When(version < 5) {
        pinLost <- true
      } else: {
        last <- isLastUser
        When(isLastUser) { kvm.mm <- .exiting }
      }
    }
  }

  /// The thread: the list first, then what is mapped, then the configuration (s390-pv §2.2, A2).
  var cleaner: Action {
    Action(Self.cleanerName, each: Config.self, by: Cleaner.self, cites: "s390-pv §2.2") { h in
      Step("begins") {
        Require(kvm.held[h] == .aside)
        kvm.held[h] <- .cleaned
        hasMM <- withMM[h]
        withMM[h] <- false
      }
      Repeat(while: exists(Page.self) { p in kvm.place[p] == .listed }) {
        Step(Self.drains) {
          Each(Page.self) { p in
            When(kvm.place[p] == .listed) {
              kvm.cleans(p)
              kvm.place[p] <- .away
            }
          }
        }
      }
      When(hasMM) {
        ForEach(Page.self) { p in
          Step(Self.walks) {
            When(isLastUser) {
              synchronous <- true
              stopped <- true
            }
            When(!stopped && !isLastUser) { kvm.cleansMapped(p) }
          }
        }
        Step("drops its reference to the mm") {
          pins <- pins - 1
          last <- isLastUser
          When(isLastUser) { kvm.mm <- .exiting }
        }
        When(last) { tearsDown }
      }
      Step(Ultravisor.destroyConfig) { disposes(h) }
    }
  }

  /// Nobody but the thread uses the mm.
  private var isLastUser: Condition { kvm.mm == .kept && pins == 1 && !pinLost }

  @StatementBuilder
  private func disposes(_ h: Expr<Config>) -> [Statement] {
    kvm.uv.destroys(
      h,
      Statements {
        kvm.uv.forgets(h)
        kvm.donated[h] <- false
        kvm.held[h] <- .none
        kvm.uncounts
      }, refused: Statements { kvm.held[h] <- .lost })
  }

  // MARK: The end of the process

  /// The process dies; its mm goes with it unless a cleaning thread uses it still.
  var exit: Action {
    Action(ProtectedVM.exitName, by: HostThread.self, cites: "s390-pv §1.13", "s390-pv §2.2") {
      Step("the process drops its mm") {
        Require(kvm.mm == .alive && kvm.isIdle(Self.calls))
        Require(kvm.foreign == 1 || kvm.vm != .destroying).because("who closes files has an mm")
        kvm.mm <- choose(pins == 0 && !pinLost, AddressSpace.exiting, else: .kept)
        last <- (pins == 0 && !pinLost)
      }
      When(last) { tearsDown }
    }
  }

  @StatementBuilder
  private var tearsDown: [Statement] {
    ForEach(Page.self) { p in
      When(kvm.place[p] == .mapped) { Step(ProtectedVM.unmaps) { unmaps(p) } }
    }
    Step("the mm is gone") { kvm.mm <- .gone }
  }

  /// Every block of the list costs one page, which is cleaned first (s390-pv §2.2, A3).
  @StatementBuilder
  private func unmaps(_ p: Expr<Page>) -> [Statement] {
    When(!setsPagesAside || synchronous || kvm.count == 0) {
      kvm.leaves(p)
    } else: {
      kvm.entry[p] <- false
      When(room == 0) {
        kvm.uv.attempts(
          .destroyConfig,
          Statements {
            kvm.uv.opens(p)
            kvm.flagged[p] <- false
            kvm.place[p] <- .away
            kvm.allocates(.cleaner, Statements { room <- Expr<Int>(block.node) }, failing: [])
          }, refused: Statements { kvm.place[p] <- .lost })
      } else: {
        kvm.place[p] <- .listed
        room <- room - 1
      }
    }
  }
}
