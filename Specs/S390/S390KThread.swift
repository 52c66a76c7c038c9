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
        When(kvm.failed) { Return(.EIO) }
        list.leaves
        When(kvm.failed) { Return(.EIO) }
        Step(ProtectedVM.disableEnds) {}
      }
    }
  }

  public var scopes: [Scope] { ProtectedVM.scopes }

  @ListBuilder<Property> public var properties: [Property] {
    kvm.pageProperties
    kvm.configProperties()
  }
}
