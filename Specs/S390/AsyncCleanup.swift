import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// PREPARE and PERFORM of 6.2 and later: user space says when a guest is set aside and when it is
/// cleaned up (s390-pv §1.11).
///
/// A record is the configuration that it was made from, with what `held` says of it.
struct AsyncCleanup: SpecPart {
  let kvm: ProtectedVM
  let enabled = Parameter("ASYNC", 0...1, default: 1, "the module's parameter async_destroy")
  let fast = Parameter(
    "FAST", 0...1, default: 1, "1: the Ultravisor has Destroy Secure Configuration Fast")
  let walk = Parameter(
    "WALK", 0...1, default: 1,
    "what is walked: the mappings of the process (0, before 7.0) or the guest's tables (1)")
  let segment: Parameter
  let low = Parameter("LOW", 0...1, default: 0, "pages of the guest below 2 GiB")
  let isLow = Constant(Page.self, to: Bool.self) { page, sizes in
    page < sizes[Parameter("LOW", 0...1, default: 0)] ? 1 : 0
  }

  /// The one that is set aside.
  let aside = Var(Config?.none, as: "set_aside")
  let notifier = Var(Notifier.none, as: "mmu_notifier")
  /// A fatal signal waits for the caller of PERFORM.
  let signal = Var(false, as: "fatal_signal")
  /// cleanup_all uses the mm.
  let pinned = Var(false, as: "mm_pinned")

  init() {
    segment = Parameter(
      "SEGMENT", 0...1, default: 0,
      "1: the guest has at most 2 GiB, its table is a segment table")
    kvm = ProtectedVM(replacesTables: segment == 0)
  }

  let record = Local<Config?>("the record")
  let interrupted = Local<Bool>("a fatal signal has come")
  let needsWalk = Local<Bool>("something was destroyed")

  static let prepareName = "KVM_PV_ASYNC_CLEANUP_PREPARE"
  static let performName = "KVM_PV_ASYNC_CLEANUP_PERFORM"
  static let allocatesRecord = "allocates the record"
  static let replacesTable = "replaces the top-level table"
  static let cleansLow = "cleans a page below 2 GiB"
  static let setsAside = "sets the configuration aside"
  static let takes = "takes the record"
  static let performs = "PERFORM cleans a page"
  static let looksForSignals = "lets go of mmu_lock, looks for a fatal signal"
  static let requeues = "puts the record on need_cleanup"
  static let begins = "is there anything to clean up?"
  static let collects = "what was set aside is to be cleaned up"
  static let disposes = "disposes of the record"
  static let registers = "registers the MMU notifier"
  static let unregisters = "unregisters the MMU notifier"
  static let calls = [
    ProtectedVM.enableName, ProtectedVM.disableName, prepareName, performName,
  ]
}

// MARK: Setting aside and cleaning up

extension AsyncCleanup {
  /// Whatever fails after the CPUs are gone leaves a VM that is protected and cannot run: user
  /// space must go on with DISABLE (s390-pv §1.11).
  var prepare: Action {
    Action(Self.prepareName, by: HostThread.self, cites: "s390-pv §1.11", "s390-pv §1.9") {
      kvm.gate
      Holding(kvm.kvmLock) {
        Step("is the VM protected?") {
          Check(kvm.handle != nil && enabled == 1, else: .EINVAL)
        }
        kvm.unprotectsCPUs
        When(kvm.failed) { Return(.EIO) }
        Step("can it be set aside?") {
          Check(aside == nil, else: .EINVAL).because("one at a time", "s390-pv SI-14")
          Check(segment == 0, else: .EINVAL).because("the table is shared", "s390-pv B7")
        }
        Step(Self.allocatesRecord) {
          kvm.allocates(.record, [], failing: Statements { Return(.ENOMEM) })
        }
        When(fast == 1) {
          Step(Ultravisor.destroyFast) { destroysFast(Statements { Return(.EIO) }) }
        } else: {
          Step(Self.replacesTable) {
            kvm.allocates(
              .table,
              Statements {
                kvm.replacesTable
                record <- kvm.handle
              }, failing: Statements { Return(.ENOMEM) })
          }
        }
        ForEach(Page.self, where: { p in isLow[p] }) { p in
          Step(Self.cleansLow) { cleansVisited(p) }
        }
        Step(Self.setsAside) {
          Each(Config.self) { h in When(record == h) { kvm.held[h] <- .aside } }
          kvm.handle <- nil
          aside <- record
          Return(.executed)
        }
      }
    }
  }

  /// One page of a walk. The guest's tables are walked under mmu_lock alone, without the page's
  /// lock; what cannot be destroyed there is exported, and a page that is not secure counts as
  /// destroyed (s390-pv §1.9).
  @StatementBuilder
  func cleansVisited(_ p: Expr<Page>) -> [Statement] {
    When(walk == 1) {
      When(kvm.entry[p] && kvm.place[p] == .mapped) {
        When(kvm.uv.security[p] != .open) { kvm.uv.opens(p) }
        kvm.flagged[p] <- false
      }
    } else: {
      kvm.cleansMapped(p)
    }
  }

  /// What a guest has besides its pages, once it is destroyed.
  @StatementBuilder
  func givesBack(_ h: Expr<Config>, leaving held: Holder) -> [Statement] {
    kvm.uv.abandons(h)
    kvm.donated[h] <- false
    kvm.held[h] <- held
    kvm.handle <- nil
    kvm.table <- nil
  }

  /// Everything but the pages comes back, and the pages are nobody's then.
  @StatementBuilder
  private func destroysFast(_ refused: [Statement]) -> [Statement] {
    Each(Config.self) { h in
      When(kvm.handle == h) {
        kvm.uv.destroys(
          h, by: .destroyFast,
          Statements {
            givesBack(h, leaving: .cleaned)
            record <- h
          }, refused: refused)
      }
    }
  }

  /// Takes the record under kvm->lock, and does the rest without (s390-pv §1.12).
  var perform: Action {
    Action(Self.performName, by: HostThread.self, cites: "s390-pv §1.12") {
      kvm.gate
      Step("is it enabled?") { Check(enabled == 1, else: .EINVAL) }
      Holding(kvm.kvmLock) {
        Step(Self.takes) {
          Check(aside != nil, else: .EINVAL)
          record <- aside
          Each(Config.self) { h in When(aside == h) { kvm.held[h] <- .cleaned } }
          aside <- nil
        }
      }
      ForEach(Page.self) { p in
        Step(Self.performs) { When(!interrupted) { cleansVisited(p) } }
        Step(Self.looksForSignals) {
          When(signal) {
            signal <- false
            interrupted <- true
          }
        }
      }
      When(interrupted) {
        Holding(kvm.kvmLock) {
          Step(Self.requeues) {
            Each(Config.self) { h in When(record == h) { kvm.held[h] <- .waiting } }
          }
        }
        Return(.executed)
      }
      Step(Self.disposes) {
        Each(Config.self) { h in
          When(record == h) { disposesOf(h, refused: Statements { Return(.EIO) }) }
        }
      }
    }
  }

  /// kvm_s390_pv_dispose_one_leftover: what a slow destroy leaves behind when it fails is lost, and
  /// stays counted (s390-pv §1.9).
  @StatementBuilder
  func disposesOf(_ h: Expr<Config>, refused: [Statement]) -> [Statement] {
    When(kvm.uv.live[h]) {
      kvm.uv.destroys(
        h,
        Statements {
          kvm.uv.forgets(h)
          kvm.donated[h] <- false
          kvm.held[h] <- .none
          kvm.uncounts
        },
        refused: Statements {
          kvm.held[h] <- .lost
          refused
        })
    } else: {
      kvm.held[h] <- .none
      kvm.uncounts
    }
  }

  var signals: Action {
    Action("a fatal signal comes", cites: "s390-pv §3.4", "s390-pv LP-6") {
      Require(!signal && (kvm.uv.chosen == 1 || at(Self.looksForSignals)))
      signal <- true
    }
  }
}
