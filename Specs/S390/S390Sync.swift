import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Teardown before 6.0: KVM_PV_DISABLE cleans all pages, then destroys the configuration; at exit
/// every page is exported (s390-pv §1.16, §2.2).
///
/// Two repairs of 6.0 are in it: the top-level table of a configuration that could not be
/// destroyed is replaced, and a guest may touch a page of its predecessor.
public struct S390Sync: Spec {
  public static let name = "s390/sync"
  public let summary = "s390 protected VMs: DISABLE cleans all pages before it returns"

  let kvm = ProtectedVM()

  public init() {}

  static let calls = [ProtectedVM.enableName, ProtectedVM.disableName]

  public var actions: [Action] {
    kvm.enable(atStart: [], rollback: [kvm.destroysConfig])
    disable
    kvm.run
    kvm.runPlain
    kvm.share
    kvm.unshare
    kvm.reclaim
    kvm.pageOut
    kvm.hostAccess
    kvm.changeMemslots
    kvm.exit(Self.calls, first: []) { p in kvm.leaves(p) }
    kvm.destroy(Self.calls, rest: ending)
    kvm.uv.fails([
      Ultravisor.createConfig, Ultravisor.createCPU, Ultravisor.destroyCPU,
      Ultravisor.destroyConfig,
    ])
    kvm.uv.failsNext
    kvm.memoryRunsOutNext
    kvm.memoryRunsOut([ProtectedVM.allocatesStorage, Ultravisor.destroyConfig])
  }

  private var disable: Action {
    Action(ProtectedVM.disableName, by: HostThread.self, cites: "s390-pv §1.11", "s390-pv §2.2") {
      kvm.gate
      Holding(kvm.kvmLock) {
        Step("is the VM protected?") { Check(kvm.handle != nil, else: .EINVAL) }
        kvm.unprotectsCPUs
        kvm.refusesDisable
        kvm.walks(ProtectedVM.cleansPage)
        kvm.destroysConfig
        kvm.refusesDisable
        Step(ProtectedVM.disableEnds) {}
      }
    }
  }

  @StatementBuilder
  private var ending: [Statement] {
    When(kvm.isProtected) {
      When(kvm.mm == .alive) { kvm.walks(ProtectedVM.cleansPage) }
      kvm.destroysConfig
    }
  }

  public var scopes: [Scope] { ProtectedVM.scopes }

  public var cost: CostModel? {
    kvm.rebootCost {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.disableName, answers: .ok)
      Do(ProtectedVM.enableName, answers: .ok)
    }
  }

  public var mutations: [Mutation] { kvm.mutations() }

  @ListBuilder<Property> public var properties: [Property] {
    kvm.pageProperties
    kvm.configProperties(leavesNone: Condition(.yes))
    kvm.discipline(
      changes: [Ultravisor.createConfig, Ultravisor.destroyConfig], replaces: Condition(.no))
    kvm.endProperties()
    kvm.scenarios
  }
}
