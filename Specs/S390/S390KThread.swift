import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The deferred teardown of seed 002, as posted in 2021, version 1 to 5; never merged.
public struct S390KThread: Spec {
  public static let name = "s390/kthread"
  public let summary =
    "s390 protected VMs: a thread of the kernel cleans up, from a list of pages (seed 002)"

  let version: Parameter
  let list: SetAsideList
  private var kvm: ProtectedVM { list.kvm }

  public init() {
    version = Parameter("VERSION", 1...5, default: 1, "of the series of 2021")
    list = SetAsideList(version: version)
  }

  public var actions: [Action] {
    kvm.enable(atStart: [], rollback: list.leaves)
    disable
    list.cleaner
    kvm.run
    kvm.runPlain
    kvm.share
    kvm.unshare
    kvm.reclaim
    kvm.hostAccess
    kvm.changeMemslots
    list.exit
    kvm.destroy(SetAsideList.calls, rest: Statements { When(kvm.isProtected) { list.leaves } })
    kvm.uv.fails([
      Ultravisor.createConfig, Ultravisor.createCPU, Ultravisor.destroyCPU,
      Ultravisor.destroyConfig, ProtectedVM.unmaps,
    ])
    kvm.memoryRunsOut([
      ProtectedVM.allocatesStorage, Ultravisor.destroyConfig, SetAsideList.allocatesWork,
      SetAsideList.copiesTable, SetAsideList.createsThread, ProtectedVM.unmaps,
    ])
  }

  private var disable: Action {
    Action(ProtectedVM.disableName, by: HostThread.self, cites: "s390-pv §2.2", "seed 002") {
      kvm.gate
      Holding(kvm.kvmLock) {
        Step("is the VM protected?") { Check(kvm.handle != nil, else: .EINVAL) }
        kvm.unprotectsCPUs
        kvm.refusesDisable
        list.leaves
        kvm.refusesDisable
        Step(ProtectedVM.disableEnds) {}
      }
    }
  }

  public var scopes: [Scope] {
    let ender = ThreadPart(
      "ender",
      calls: [
        ProtectedVM.enableName, ProtectedVM.disableName, ProtectedVM.exitName,
        ProtectedVM.destroyName,
      ])
    let runner = ThreadPart("runner", calls: [ProtectedVM.runName])
    let cleaner = ThreadPart("cleaner", threads: 1, calls: [SetAsideList.cleanerName])
    return [
      Scope(
        "small", "two generations, two pages, a vCPU, one cleaning thread; version 1",
        ["generations": 2, "pages": 2, "vcpus": 1, "threads": 2, "cleaners": 1]),
      Scope(
        "failing", "one page, a call of the Ultravisor may fail, no allocation does",
        [
          "generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "cleaners": 1, "FAULTS": 1,
          "PRESSURE": 0,
        ]),
      Scope(
        "counted", "as small, version 5",
        ["generations": 2, "pages": 2, "vcpus": 1, "threads": 2, "cleaners": 1, "VERSION": 5]),
      Scope(
        "two-cleaners", "two cleaning threads, no allocation fails; version 3",
        [
          "generations": 2, "pages": 2, "vcpus": 1, "threads": 2, "cleaners": 2, "VERSION": 3,
          "PRESSURE": 0,
        ]),
      Scope(
        "decided",
        "two generations, three pages, two vCPUs, one failure, any lack of memory; "
          + "one thread begins and ends guests, one runs them",
        [
          "generations": 2, "pages": 3, "vcpus": 2, "threads": 2, "cleaners": 1, "FAULTS": 1,
        ],
        parts: [ender, runner, cleaner]),
    ]
  }

  public var cost: CostModel? {
    kvm.rebootCost(background: SetAsideList.walks) {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.disableName, answers: .ok)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(SetAsideList.cleanerName, 0, answers: .ok)
    }
  }

  public var mutations: [Mutation] { kvm.mutations(at: "counted") + list.mutations }

  @ListBuilder<Property> public var properties: [Property] {
    kvm.pageProperties
      .expecting(
        .violated, of: ["SI-1", "SI-2"], when: version < 5,
        because: """
          the first guest that is cleaned up clears the flag that says that the mm is protected, \
          another one runs (s390-pv §2.1, v5)
          """)
    kvm.configProperties(leavesCPUs: kvm.uv.faults == 1)
      .expecting(
        .vacuous, of: ["SI-15"], when: version < 5, because: "it is a flag (s390-pv §2.1)")
    kvm.discipline(
      changes: [Ultravisor.createConfig, SetAsideList.createsThread], replaces: list.lazy == 1
    )
    .expecting(
      .violated, of: ["SI-10"], when: version < 5,
      because: "a page that was reclaimed while it was secure comes back to another guest, see SI-2"
    )
    .expecting(
      .violated, of: ["SI-34"], when: kvm.plain == 1 && list.lazy == 1,
      because: ProtectedVM.noGracePeriod)
    kvm.endProperties(
      background: isAtWork,
      fairness: [.strong(threadsOf: HostThread.self), .strong(threadsOf: Cleaner.self)],
      losesPages: (
        list.setsPagesAside && list.lazy == 1 && kvm.pages >= 2
          || version < 5 && kvm.uv.faults == 1,
        "pages are left on the list, see D-A2, or are unmapped while they are secure, see SI-2"
      ))
    threadProperties
    list.scenarios
  }
}

extension S390KThread {
  /// A thread cleans up, or is about to.
  private var isAtWork: Condition {
    inside(SetAsideList.cleanerName)
      || exists(Config.self) { h in kvm.held[h].in(.aside, .cleaned) }
  }

  private var isListed: Condition { exists(Page.self) { p in kvm.place[p] == .listed } }

  /// What the discussion of seed 002 is about.
  @ListBuilder<Property> private var threadProperties: [Property] {
    Always(
      "MP-4", "no page is kept that nobody maps: reclaim could not get it",
      cites: "s390-pv MP-4", "seed 002"
    ) { !isListed }
    .expect(
      .violated, when: list.setsPagesAside && list.lazy == 1 && kvm.pages >= 2,
      because: """
        pages that are set aside have a reference and no mapping, however large the guest was \
        (seed 002)
        """)
    Always(
      "S002-OOM", "whenever pages are set aside, the OOM killer waits for them",
      cites: "seed 002", "s390-pv §2.2"
    ) {
      isListed ==> version >= 2 && at(SetAsideList.drains)
    }
    .expect(
      .violated, when: list.setsPagesAside && list.lazy == 1 && kvm.pages >= 2,
      because: """
        version 1 has no notifier, and that of version 2 is there while a thread drains the list: \
        the list begins when the process exits, the thread when the VM is destroyed \
        (s390-pv §2.2)
        """
    )
    .expect(
      .vacuous, when: version >= 4 || kvm.pages == 1,
      because: "no page is set aside: the first one is cleaned (s390-pv §2.1, §2.2)")
    Always(
      "D-A1", "an mm that outlives its process is there for a thread that will drop it",
      cites: "s390-pv D-A1"
    ) { kvm.mm == .kept ==> list.pins > 0 }
    .expect(
      .violated, when: version < 5 && kvm.pressure == 1,
      because: """
        what was taken is kept when the thread or its table cannot be had; unconfirmed \
        (s390-pv D-A1)
        """)
    Always(
      "D-A2", "pages on the list have a thread that will clean them, or a VM that will start it",
      cites: "s390-pv D-A2"
    ) { isListed ==> isAtWork || kvm.vm != .gone }
    .expect(
      .violated, when: list.setsPagesAside && list.lazy == 1 && kvm.pages >= 2,
      because: """
        the process exits when the last thread has looked at the list; or the VM's end has no \
        memory for the work and cleans up at once, but only what is mapped; unconfirmed \
        (s390-pv §2.2)
        """
    )
    .expect(
      .vacuous, when: version >= 4 || kvm.pages == 1,
      because: "no page is set aside: the first one is cleaned (s390-pv §2.1, §2.2)")
    Always(
      "SI-29-page", "a page is lost only because it could not be exported", cites: "s390-pv SI-29"
    ) {
      !exists(Page.self) { p in kvm.place[p] == .lost }
        || kvm.uv.faults == 1 && kvm.uv.failure == .spent
    }
  }
}
