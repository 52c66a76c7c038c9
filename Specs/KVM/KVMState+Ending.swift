import SpecLanguage
import TDXModuleSpecs

/// How a VM ends: by its last reference, or by KVM_TDX_TERMINATE_VM before that.
extension KVMState {
  package static var destroyName: String { "kvm_destroy_vm" }

  /// kvm_destroy_vm, in the context of whoever drops the last reference.
  ///
  /// - Parameter destroying: it has begun.
  package func destroyVM(_ destroying: Var<Bool>, release: [Statement]) -> Action {
    Action(Self.destroyName, by: HostThread.self, cites: "kvm-tdx §4.4") {
      Step("the last reference to the VM goes") {
        Require(!vmOpen && filesAreGone)
          .because("every guest_memfd file pins the VM", "kvm-tdx §1.7")
        Require(!destroying)
        destroying <- true
      }
      release
    }
  }

  /// Whoever drops the last reference destroys the VM, so that the call is begun.
  package var destroyCompletes: Property {
    LeadsTo(
      "L-1", "when the last reference to the VM is gone the HKID goes back to the pool",
      cites: "kvm-tdx L-1",
      fairness: [.strong(threadsOf: HostThread.self), .weak(starting: Self.destroyName)]
    ) {
      !vmOpen
      filesAreGone
    } then: {
      !hkidAssigned
    }
  }

  /// FLUSHVP_NOT_DONE would be silent: no order of calls gets there.
  package func noSilentLeak(_ destroying: Var<Bool>) -> Property {
    Always(
      "S-34", "when kvm_destroy_vm has ended, the HKID was freed or a KVM_BUG_ON fired",
      cites: "kvm-tdx S-34"
    ) { destroying && !inside(Self.destroyName) ==> !hkidAssigned || bugged }
  }

  /// The body of KVM_TDX_TERMINATE_VM: kills the VM and releases the HKID.
  ///
  /// - Parameter terminated: it has returned 0.
  @StatementBuilder
  package func terminates(release: [Statement], _ terminated: Ghost<Bool>) -> [Statement] {
    gate()
    Holding(kvmLock) {
      TryAcquireAll(vcpuMutex, else: .EBUSY)
        .because("kvm_trylock_all_vcpus: a vCPU is in KVM_RUN", "kvm-tdx §5.d T3")
      Step("kvm_vm_dead") { vmDead <- true }
      ReleaseAll(vcpuMutex)
      release
    }
    Step("returns 0 to user space") { terminated <- true }
  }

  package static var terminateName: String { "KVM_TDX_TERMINATE_VM" }
}
