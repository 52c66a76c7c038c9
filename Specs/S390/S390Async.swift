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

  public init() { cleanup = AsyncCleanup(kvm: ProtectedVM()) }

  public var actions: [Action] {
    kvm.enable(
      atStart: [cleanup.registersNotifier], rollback: [kvm.destroysConfig])
    cleanup.prepare
    cleanup.perform
    cleanup.disable
    kvm.run
    kvm.share
    kvm.unshare
    kvm.reclaim
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
    kvm.memoryRunsOut([
      ProtectedVM.allocatesStorage, Ultravisor.destroyConfig, AsyncCleanup.allocatesRecord,
      AsyncCleanup.replacesTable, AsyncCleanup.registers,
    ])
  }

  public var scopes: [Scope] { ProtectedVM.scopes }

  @ListBuilder<Property> public var properties: [Property] {
    kvm.pageProperties
    kvm.configProperties()
  }
}
