import SpecLanguage
import TDXModuleSpecs

/// What is asked of the calls that build a TD; where the TD is there already, little is left of it.
extension KVMState {
  @ListBuilder<Property>
  package var buildProperties: [Property] {
    stateMirror
    noConflict
    noLateVCPU
    noLateTD
    retryIsClean
  }

  private var stateMirror: Property {
    Always(
      "S-6", "KVM's state of the TD is the module's, but while INIT_VM or FINALIZE_VM changes it",
      cites: "kvm-tdx S-6"
    ) {
      !inside("KVM_TDX_INIT_VM") && !inside("KVM_TDX_FINALIZE_VM")
        ==> (build == .initialized) == td.isInitialised && (build == .runnable) == td.isFinalised
    }
  }

  private var noConflict: Property {
    Always(
      "S-21", "no SEAMCALL is busy that KVM expects to succeed, at the first or second attempt",
      cites: "kvm-tdx S-21"
    ) { !wasBusy }
    .expect(
      .violated, when: finaliseRaces,
      because: "TDH.MR.FINALIZE holds the TDR while TDH.MEM.RANGE.BLOCK is tried, see S-8")
  }

  /// A vCPU of a dead VM can be neither initialised nor run, but it is there.
  private var noLateVCPU: Property {
    Forbidden("S-24", "a vCPU is created in a VM that is dead", cites: "kvm-tdx S-24") {
      td.created == 0 && vmDead && build == .initialized
      exists(VCPU.self) { v in at(Self.vcpuCreateName, v) && vcpu[v] == .absent }
    }
  }

  /// Where a dead VM refuses calls at their gates only, and FINALIZE_VM may kill it.
  package static let lateVCPU = """
    KVM_CREATE_VCPU was past its gate when FINALIZE_VM of a TD without vCPUs killed the VM \
    (kvm-tdx W3)
    """

  private var noLateTD: Property {
    Forbidden(
      "S-24-key", "a VM that is dead takes an HKID and builds a TD", cites: "kvm-tdx S-24"
    ) {
      td.created == 0 && vmDead && build == .uninitialized
      at("tdx_guest_keyid_alloc")
    }
    .expect(
      .violated, when: td.created == 0 && faults == 2,
      because: "INIT_VM kills the VM, and another INIT_VM was past its gate (kvm-tdx §2.0)")
  }

  private var retryIsClean: Property {
    Always("S-39", "an INIT_VM that fails leaves the VM as it was", cites: "kvm-tdx S-39") {
      !inside("KVM_TDX_INIT_VM")
        ==> isBuilt || !hkidAssigned && td.isAbsent && (faults == 2 || !bugged)
    }
  }
}

extension KVMState {
  /// Bugs of the calls that build a TD.
  @ListBuilder<Mutation>
  package var buildMutations: [Mutation] {
    Mutation(
      "B-4", "TDH.VP.INIT is called without write mmu_lock", caughtBy: ["S-21", "S-23"],
      at: "build-two", cites: "kvm-tdx B-4"
    ) { Without(lock: mmuLock, in: "KVM_TDX_INIT_VCPU") }
    Mutation(
      "B-5-kvm-lock", "the guard takes kvm->lock and nothing else", caughtBy: ["S-21", "S-23"],
      at: "build-safe", cites: "kvm-tdx B-5"
    ) {
      Without(step: "kvm_lock_all_vcpus")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_VM")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_VCPU")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_MEM_REGION")
      Without(lock: slotsLock, in: "KVM_TDX_FINALIZE_VM")
    }
    Mutation(
      "B-5-vcpu-mutex", "INIT_VCPU and INIT_MEM_REGION take no more than their vCPU's mutex",
      caughtBy: ["S-21", "S-23"], at: "build-safe", cites: "kvm-tdx B-5"
    ) {
      Without(lock: kvmLock, in: "KVM_TDX_INIT_VCPU")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_VCPU")
      Without(lock: kvmLock, in: "KVM_TDX_INIT_MEM_REGION")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_MEM_REGION")
      Without(step: "kvm_lock_all_vcpus", in: "KVM_TDX_FINALIZE_VM")
    }
    Mutation(
      "B-21", "the release of the HKID asserts that nobody uses the VM",
      caughtBy: ["S-39", "S-23"],
      at: "build-safe", cites: "kvm-tdx B-21"
    ) {
      Replacing(step: Self.freeName, in: "KVM_TDX_INIT_VM") {
        Step(Self.freeName) {
          hkidAssigned <- false
          bugged <- true
          vmDead <- true
        }
      }
    }
    Mutation(
      "no-vcpu-mutexes", "the guard takes no vcpu->mutex: kvm->lock and slots_lock do it here",
      caughtBy: [], at: "build-safe", cites: "kvm-tdx §3.5"
    ) { Without(step: "kvm_lock_all_vcpus") }
  }
}
