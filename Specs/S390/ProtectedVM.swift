import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// KVM's side of a protected VM and the address space that its guest lives in, whatever the design
/// of its teardown (s390-pv §1.3).
///
/// One VM in one mm. A guest that reboots is another generation in the same address space, on the
/// same pages. Left out: what the guest computes, dumps, huge pages, busy answers, and the
/// interrupt masks; a vCPU's own storage stands with its CPU.
struct ProtectedVM: SpecPart {
  let uv = Ultravisor()
  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...5, default: 1, "pages of the guest")
  let threads = Parameter("threads", of: HostThread.self, 1...3, default: 2, "threads of the VMM")
  let pressure = Parameter("PRESSURE", 0...1, default: 1, "1: any allocation may fail")
  let sharing = Parameter("SHARE", 0...1, default: 0, "1: the guest shares pages with the host")
  let misc = Parameter(
    "MISC", 0...1, default: 0, "1: an import takes over a page that another guest shared")
  let host = Parameter("HOST", 0...1, default: 1, "1: the VMM accesses pages of its guest")
  let memslots = Parameter(
    "MEMSLOTS", 0...1, default: 0, "1: memslots change while that is allowed")

  let plain = Parameter(
    "PLAIN", 0...1, default: 0, "1: vCPUs also run as ordinary CPUs, for as long as they like")
  let foreign = Parameter(
    "FOREIGN", 0...1, default: 0,
    "1: another process has the VM's descriptors, and closes them while the mm goes")

  /// K.h: the VM is protected while there is one.
  let handle = Var(Config?.none, as: "kvm_handle")
  /// The vCPU runs as a secure CPU, by its SIE block.
  let protected = Map(VCPU.self, false, as: "vcpu_protected")
  /// The page for what the Ultravisor shows KVM of an intercepted instruction (s390-pv §1.9).
  let sida = Map(VCPU.self, false, as: "sida")
  /// Some SIDA page was freed that was not there.
  let freedTwice = Ghost(false)
  let held = Map(Config.self, Holder.none, as: "holder")
  /// The host has given the Ultravisor memory for the configuration and has not got it back.
  let donated = Map(Config.self, false, as: "donated")
  /// mm->context.protected_count, or the flag that preceded it.
  let count = Var(0, in: 0...6, as: "protected_count")
  /// What cleanup_all adds to the count for as long as it runs.
  let transient = Ghost(false)
  /// Configurations that a call without any has counted for ever: the notifier's.
  let keptCount = Ghost(false)
  /// The configuration that designates the guest's top-level table.
  let table = Var(Config?.none, as: "table_of")
  /// The guest's memslots are not as they were when ENABLE read its size.
  let layoutChanged = Ghost(false)
  /// In SIE with a table that was replaced since: that of the configuration.
  let oldTable = Map(VCPU.self, Config?.none, as: "runs_on_old_table_of")
  let place = Map(Page.self, Place.away, as: "page")
  /// PG_arch_1: the page may be secure.
  let flagged = Map(Page.self, false, as: "PG_arch_1")
  /// The guest's tables have an entry for the page.
  let entry = Map(Page.self, false, as: "guest_entry")
  let mm = Var(AddressSpace.alive, as: "mm")
  let vm = Var(VMLife.open, as: "vm")
  /// The next allocation fails.
  let starved = Var(false, as: "out_of_memory")
  /// What cannot be allocated, where that is said beforehand.
  let starvedOf = Var(Allocation.notifier, as: "out_of_memory_for")

  let kvmLock = Lock("kvm->lock", rank: 10)
  let vcpuMutex = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let folio = Locks("folio lock", each: Page.self, rank: 60)

  let v = NamedArgument<VCPU>("v")
  let p = NamedArgument<Page>("p")
  /// Whether protected_count counts; before v5 of the series it was a flag.
  let isCounted: Condition
  let failed = Local<Bool>("a call of the Ultravisor has failed")

  /// Whether the guest's top-level table can be replaced by a copy.
  let replacesTables: Condition

  init(counted: Condition = Condition(.yes), replacesTables: Condition = Condition(.yes)) {
    isCounted = counted
    self.replacesTables = replacesTables
  }

  static let enableName = "KVM_PV_ENABLE"
  static let disableName = "KVM_PV_DISABLE"
  static let runName = "KVM_RUN"
  static let plainRun = "KVM_RUN, an ordinary CPU"
  static let exitName = "exit_mmap"
  static let destroyName = "kvm_destroy_vm"

  /// What a process can be inside of when it exits, or when the last file is closed: nothing.
  func isIdle(_ calls: [String]) -> Condition {
    (calls + [Self.plainRun]).reduce(!inside(Self.runName)) { $0 && !inside($1) }
  }
}

// MARK: What calls have in common

extension ProtectedVM {
  /// The checks before any sub-command (s390-pv §1.10).
  var gate: Statement { gate(if: vm == .open) }

  /// - Parameter begins: where the call can begin.
  func gate(if begins: Condition) -> Statement {
    Step("is it the VM's own mm?") {
      Require(begins).because("the call holds the file")
      Check(mm == .alive, else: .EIO).because("kvm->mm != current->mm", "s390-pv §1.10")
    }
  }

  var isProtected: Condition { handle != nil }

  /// Any allocation may fail, at any time and again and again.
  ///
  /// - Parameter steps: the steps that allocate.
  func memoryRunsOut(_ steps: [String]) -> Action {
    let standing = steps.dropFirst().reduce(at(steps[0])) { $0 || at($1) }
    return Action("an allocation fails", cites: "s390-pv §3.2") {
      Require(uv.chosen == 0 && pressure == 1 && !starved && standing)
      starved <- true
    }
  }

  /// It is said what cannot be allocated the next time.
  var memoryRunsOutNext: Action {
    let kind = NamedArgument<Allocation>("of")
    return Action("the next allocation fails", taking: [kind], cites: "s390-pv §3.2") {
      Require(uv.chosen == 1 && pressure == 1 && !starved && !kind.in(.buffer, .cleaner))
      starved <- true
      starvedOf <- Expr<Allocation>(kind.node)
    }
  }

  /// One of two ways to go on, by whether an allocation succeeds.
  @StatementBuilder
  func allocates(
    _ kind: Allocation, _ effects: [Statement], failing: [Statement]
  ) -> [Statement] {
    When(starved && (uv.chosen == 0 || starvedOf == kind)) {
      starved <- false
      failing
    } else: {
      effects
    }
  }

  /// Destroy Secure Storage, and export where that fails: one of them succeeds, so that one failure
  /// is not seen. A page that is open stays as it is and loses its flag, too (s390-pv §1.9).
  @StatementBuilder
  func cleans(_ p: Expr<Page>) -> [Statement] {
    When(place[p] != .away) {
      uv.opens(p)
      flagged[p] <- false
    }
  }

  /// kvm_s390_pv_destroy_cpu: the handle goes, whatever the Ultravisor says (s390-pv §1.9).
  @StatementBuilder
  func destroysCPU(_ v: Expr<VCPU>) -> [Statement] {
    When(protected[v]) {
      protected[v] <- false
      freesSIDA(v)
      uv.attempts(
        .destroyCPU,
        Statements { Each(Config.self) { h in When(handle == h) { uv.cpu[h, v] <- false } } },
        refused: Statements { failed <- true })
    }
  }

  @StatementBuilder
  func freesSIDA(_ v: Expr<VCPU>) -> [Statement] {
    When(sida[v]) {
      sida[v] <- false
    } else: {
      freedTwice <- true
    }
  }

  /// The guest gets another top-level table; nobody is waited for who read where the old one is
  /// (s390-pv §1.9).
  @StatementBuilder
  var replacesTable: [Statement] {
    table <- nil
    Each(VCPU.self) { v in When(at(Self.leavesSIE, v)) { oldTable[v] <- handle } }
  }

  /// kvm_s390_cpus_from_pv: one vCPU at a time, on to the end (s390-pv §1.9).
  var unprotectsCPUs: Statement {
    ForEach(VCPU.self) { v in
      Holding(vcpuMutex[v]) { Step(Ultravisor.destroyCPU) { destroysCPU(v) } }
    }
  }

  /// kvm_s390_pv_deinit_vm: everything comes back, or the VM keeps its handle and its table goes
  /// out of use (s390-pv §1.9).
  var destroysConfig: Statement {
    Step(Ultravisor.destroyConfig) { destroysOwn(refused: keepsHandle) }
  }

  func destroysOwn(refused: [Statement]) -> Statement {
    Each(Config.self) { h in
      When(handle == h) { uv.destroys(h, takesBack(h), refused: refused) }
    }
  }

  @StatementBuilder
  private func takesBack(_ h: Expr<Config>) -> [Statement] {
    uv.forgets(h)
    donated[h] <- false
    held[h] <- .none
    handle <- nil
    table <- nil
    uncounts
  }

  /// The configuration is no longer counted.
  @StatementBuilder
  var uncounts: [Statement] { count <- choose(isCounted, count - 1, else: Expr<Int>(0.literal)) }

  /// The old table stays with the Ultravisor, the guest gets a copy if there is memory for one. A
  /// segment table is not replaced (s390-pv §1.9).
  @StatementBuilder
  private var keepsHandle: [Statement] {
    failed <- true
    When(replacesTables) { allocates(.table, Statements { table <- nil }, failing: []) }
  }

  /// A page that is mapped in the mm is destroyed, with a reference to it; one whose owner runs is
  /// left alone (s390-pv §1.16).
  @StatementBuilder
  func cleansMapped(_ p: Expr<Page>) -> [Statement] {
    Require(place[p] != .mapped || !holding(folio[p])).because("an import has all references")
    When(place[p] == .mapped && !uv.isInUse(p)) { cleans(p) }
  }

  /// All pages that the process maps, one by one.
  ///
  /// - Parameter name: of the step.
  func walks(_ name: String) -> Statement {
    ForEach(Page.self) { p in Step(name) { cleansMapped(p) } }
  }

  static let disableFails = "DISABLE fails"

  /// DISABLE gives up, with the codes of the first call of the Ultravisor that failed.
  var refusesDisable: Statement {
    When(failed) { Step(Self.disableFails) { Return(.EIO) } }
  }
}
