import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Teardown as in mainline 7.3: a guest is set aside by PREPARE, cleaned up by PERFORM, and at exit
/// its pages are destroyed, not exported (s390-pv §1).
public struct S390Async: Spec {
  public static let name = "s390/async"
  public let summary =
    "s390 protected VMs: PREPARE sets a guest aside, PERFORM cleans up (mainline since 6.2)"

  let cleanup: AsyncCleanup
  private var kvm: ProtectedVM { cleanup.kvm }

  public init() { cleanup = AsyncCleanup() }

  public var actions: [Action] {
    kvm.enable(
      atStart: [cleanup.registersNotifier], rollback: [kvm.destroysConfig])
    cleanup.prepare
    cleanup.perform
    cleanup.disable
    kvm.run
    kvm.runPlain
    kvm.share
    kvm.unshare
    kvm.reclaim
    kvm.pageOut
    kvm.hostAccess
    kvm.changeMemslots
    cleanup.exit
    cleanup.destroy
    cleanup.signals
    kvm.uv.fails([
      Ultravisor.createConfig, Ultravisor.createCPU, Ultravisor.destroyCPU,
      Ultravisor.destroyConfig, Ultravisor.destroyFast, AsyncCleanup.disposes,
      AsyncCleanup.notifies,
    ])
    kvm.uv.failsNext
    kvm.memoryRunsOutNext
    kvm.memoryRunsOut([
      ProtectedVM.allocatesStorage, Ultravisor.destroyConfig, AsyncCleanup.allocatesRecord,
      AsyncCleanup.replacesTable, AsyncCleanup.registers,
    ])
  }

  public var scopes: [Scope] {
    ProtectedVM.scopes + [
      Scope(
        "slow", "as small, the Ultravisor has no fast destroy",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FAST": 0]),
      Scope(
        "slow-failing", "the same, a call of the Ultravisor may fail",
        [
          "generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FAST": 0, "FAULTS": 1,
          "PRESSURE": 0,
        ]),
      Scope(
        "slow-shared", "the same, the guest shares pages",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FAST": 0, "SHARE": 1]),
      Scope(
        "ordinary", "as slow, vCPUs also run as ordinary CPUs",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FAST": 0, "PLAIN": 1]),
      Scope(
        "segment", "as small, a guest of 2 GiB at most",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "SEGMENT": 1]),
      Scope(
        "host-walk", "two pages and vCPUs, the mappings of the process are walked (before 7.0)",
        ["generations": 2, "pages": 2, "vcpus": 2, "threads": 2, "WALK": 0]),
      Scope(
        "memslots-host-walk", "memslots change, the mappings of the process are walked",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "MEMSLOTS": 1, "WALK": 0]),
    ]
  }

  public var cost: CostModel? {
    kvm.rebootCost(background: AsyncCleanup.performs) {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(AsyncCleanup.prepareName, answers: .executed)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(AsyncCleanup.performName, answers: .ok)
    }
  }

  public var mutations: [Mutation] { kvm.mutations() + cleanup.mutations }

  public var properties: [Property] { known(asked) }

  @ListBuilder<Property> private var asked: [Property] {
    kvm.pageProperties
    kvm.configProperties(
      leavesNone: cleanup.enabled == 0 || cleanup.segment == 1,
      leavesCPUs: kvm.uv.faults == 1 && cleanup.fast == 0 && cleanup.segment == 0)
    kvm.discipline(
      changes: [
        Ultravisor.createConfig, Ultravisor.destroyFast, AsyncCleanup.replacesTable,
        AsyncCleanup.setsAside, AsyncCleanup.takes, AsyncCleanup.requeues, AsyncCleanup.collects,
        Ultravisor.destroyConfig,
      ], replaces: cleanup.fast == 0 && cleanup.enabled == 1 && cleanup.segment == 0)
    kvm.endProperties()
    cleanup.properties
    cleanup.scenarios
  }

  /// What was found by reading and is confirmed by nobody.
  private func known(_ properties: [Property]) -> [Property] {
    properties
      .expecting(
        .violated, of: ["SI-12"],
        when: cleanup.walk == 1 && kvm.threads >= 2 && kvm.uv.generations >= 2
          && cleanup.enabled == 1 && cleanup.segment == 0,
        because: """
          the walk of the guest's tables takes no lock of the page: it destroys one that a vCPU \
          is about to import, which succeeds where nothing is secure, and clears the flag after \
          the import has set it; unconfirmed (s390-pv §1.9)
          """
      )
      .expecting(
        .violated, of: ["SI-1", "SI-2", "MP-1", "Q-4"],
        when: kvm.foreign == 1 && cleanup.fast == 1,
        because: """
          the VM's end disposes of the record and cannot walk an mm that is going: the count is 0 \
          while its pages are still to be unmapped; unconfirmed (s390-pv §1.13)
          """
      )
      .expecting(
        .violated, of: ["SI-1", "SI-2", "MP-1", "Q-4"],
        when: kvm.memslots == 1 && cleanup.walk == 1 && cleanup.fast == 1,
        because: """
          a memslot may be deleted while a guest is set aside; its pages are secure and no walk \
          finds them; unconfirmed (s390-pv §1.5, §1.14)
          """
      )
      .expecting(
        .violated, of: ["SI-34"],
        when: kvm.plain == 1 && kvm.threads >= 2 && cleanup.fast == 0 && cleanup.enabled == 1
          && cleanup.segment == 0, because: ProtectedVM.noGracePeriod
      )
      .expecting(
        .violated, of: ["SI-21"], when: kvm.memslots == 1,
        because: """
          a memslot may be deleted while a guest is set aside, and its entries are not exported; \
          unconfirmed (s390-pv §1.5, §1.14)
          """)
  }
}
