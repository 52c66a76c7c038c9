import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the versions of KVM_TDX_TERMINATE_VM have in common.
struct TerminateVM: SpecPart {
  let kvm = KVMState()
  let locking: KVMState.ReleaseLocking

  /// KVM_TDX_TERMINATE_VM has returned 0.
  let terminated = Ghost(false)
  /// A memslot deletion whose gate was read after that has succeeded.
  let deletedAfterTerminate = Ghost(false)
  /// A page went back to the host after that.
  let freedAfterTerminate = Ghost(false)

  init(locking: KVMState.ReleaseLocking) { self.locking = locking }

  static var scopes: [Scope] {
    [
      Scope("small", "one of everything, two threads", ["vcpus": 1, "pages": 1, "files": 1]),
      Scope(
        "race", "two of everything",
        ["vcpus": 2, "pages": 2, "files": 2, "threads": 2]),
    ]
  }

  var actions: [Action] {
    [terminate, kvm.run(), kvm.preFault, close, punchHole, slotDelete]
  }

  /// The ioctl, as posted in seed 001.
  private var terminate: Action {
    Action("KVM_TDX_TERMINATE_VM", by: HostThread.self, cites: "seed 001", "kvm-tdx §5.d") {
      kvm.gate
      Holding(kvm.kvmLock) {
        TryAcquireAll(kvm.vcpuMutex, else: .EBUSY)
          .because("kvm_trylock_all_vcpus: a vCPU is in KVM_RUN", "kvm-tdx §5.d T3")
        Step("kvm_vm_dead") { kvm.vmDead <- true }
        ReleaseAll(kvm.vcpuMutex)
        kvm.releaseHKID(locking)
      }
      Step("KVM_TDX_TERMINATE_VM returns 0") { terminated <- true }
    }
  }

  private var close: Action { kvm.gmemClose(withoutHKID: .reclaim) }
  private var punchHole: Action { kvm.punchHole(withoutHKID: .reclaim) }

  private var slotDelete: Action {
    let late = Local("gate read after TERMINATE returned", false)
    return kvm.slotDelete(
      withoutHKID: .reclaim, atGate: { [late <- terminated] }(),
      atSuccess: { When(late) { deletedAfterTerminate <- true } }())
  }
}
