import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// In-place conversion of a TD's memory, with teardown as in mainline (guest-memfd §2.2, §5.1;
/// kvm-tdx §5.a).
///
/// Every file pins the VM and every mapping pins its file, so that the HKID goes last, whatever
/// the order of closes: a conversion always finds it assigned.
public struct InPlaceTDX: Spec {
  public static let name = "gmem/in-place-tdx"
  public let summary = "a TD's pages turn shared and private in place; the HKID goes last"

  let td = InPlaceTD(extra: [], deadVM: .refusesIoctls, withoutHKID: .bug)

  public init() {}

  public var actions: [Action] {
    td.actions
    td.kvm.destroyVM(td.destroying, release: td.kvm.releaseHKID(.none))
    td.kvm.creation(release: td.kvm.releaseHKID(.none))
  }

  public var scopes: [Scope] {
    InPlaceTD.scopes(ending: KVMState.destroyName) + InPlaceTD.buildScopes
  }

  public var properties: [Property] {
    td.safety
    td.kvm.removalIsLegal
    td.kvm.noBug
    td.kvm.noSilentLeak(td.destroying)
    td.kvm.coherence(releasesEarly: false)
    td.order
    td.kvm.buildProperties
    td.progress
    td.scenarios
  }

  public var mutations: [Mutation] { td.mutations }
}

/// The same with KVM_TDX_TERMINATE_VM as the discussion settled it (kvm-tdx §5.d, §5.e E5).
///
/// A conversion is no VM ioctl and has no gate (guest-memfd §2.2): it may come before, during and
/// after KVM_TDX_TERMINATE_VM.
public struct InPlaceTDXTerminate: Spec {
  public static let name = "gmem/in-place-tdx-terminate"
  public let summary =
    "a TD's pages turn shared and private in place; KVM_TDX_TERMINATE_VM at any moment"

  /// KVM_TDX_TERMINATE_VM has returned 0.
  let terminated = Ghost(false)
  let td = InPlaceTD(
    extra: [KVMState.terminateName], deadVM: .refusesVCPUs, withoutHKID: .reclaim)

  public init() {}

  public var actions: [Action] {
    td.actions
    terminate
    td.kvm.destroyVM(td.destroying, release: td.kvm.releaseHKID(.beforeVPFlushDone))
    td.kvm.creation(release: td.kvm.releaseHKID(.beforeVPFlushDone))
  }

  private var terminate: Action {
    Action(
      KVMState.terminateName, by: HostThread.self, cites: "seed 001", "kvm-tdx §5.d",
      "kvm-tdx §5.e"
    ) { td.kvm.terminates(release: td.kvm.releaseHKID(.beforeVPFlushDone), terminated) }
  }

  public var scopes: [Scope] { InPlaceTD.scopes(ending: KVMState.terminateName) }

  public var properties: [Property] {
    td.safety
    td.kvm.removalIsLegal
    td.kvm.noBug
    td.kvm.coherence(releasesEarly: true)
    td.order
    td.kvm.buildProperties.expecting(
      .violated, of: ["S-24-key"], when: td.kvm.td.created == 0,
      because: """
        only vCPU ioctls are refused: INIT_VM works in a VM that was terminated before it \
        (kvm-tdx §5.e E5)
        """)
    td.refusal
    td.progress
    td.terminateScenarios(terminated)
  }

  public var mutations: [Mutation] { td.terminateMutations }
}
