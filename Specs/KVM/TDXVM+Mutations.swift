import SpecLanguage
import TDXModuleSpecs

/// Bugs of KVM's history (kvm-tdx §6), put in one at a time, and locks and steps that it needs.
///
/// What is not here is no bug that mainline could have, and stands where it can be had: B-6, B-19
/// and B-20 are about KVM_TDX_TERMINATE_VM (`teardown/terminate-vm-settled`: B-6, W1, W2), B-14 is
/// about the machine's caches (`tdx/hkid`). KVM_CREATE_VCPU of 7.3 looks for vm_dead at its gate
/// only, as B-6 has it (kvm-tdx §2.4).
extension TDXVM {
  @ListBuilder<Mutation>
  public var mutations: [Mutation] {
    creationBugs
    buildBugs
    lockBugs
    memoryBugs
    bugsAround
    harmless
  }

  @ListBuilder<Mutation>
  private var creationBugs: [Mutation] {
    Mutation(
      "B-1", "a vCPU that KVM_CREATE_VCPU gives up stays on its CPU's list", caughtBy: ["S-19"],
      at: "creation", cites: "kvm-tdx B-1"
    ) { Without(step: "tdx_vcpu_free: off the CPU's list") }
    Mutation(
      "B-9", "a vCPU is loaded once more while it is destroyed", caughtBy: ["S-19"],
      at: "creation", cites: "kvm-tdx B-9"
    ) {
      Replacing(step: "kvm_destroy_vcpus") {
        Step("vcpu_load, without a look at the HKID") {
          Each(VCPU.self) { w in When(vcpu[w] != .absent) { listed[w] <- true } }
        }
        freeVCPUs
      }
    }
    Mutation(
      "B-11", "a vCPU is associated and on no CPU's list", caughtBy: ["S-18", "S-34"],
      at: "creation", cites: "kvm-tdx B-11"
    ) {
      Replacing(step: "the vCPU is INITIALIZED") {
        Step("the vCPU is INITIALIZED") {
          Each(VCPU.self) { w in When(module.associated[w]) { listed[w] <- false } }
          mpRunnable[v] <- true
          vcpu[v] <- .initialized
        }
      }
    }
    Mutation(
      "B-12", "KVM_TDX_INIT_VM frees the TDCS pages and keeps the pointer", caughtBy: ["S-20"],
      at: "creation-faults", cites: "kvm-tdx B-12"
    ) {
      Replacing(step: Self.giveUpName) {
        Step(Self.giveUpName) {
          hkid <- .freed
          tdcsPages <- .dangling
        }
      }
    }
    Mutation(
      "B-21", "the release of the HKID asserts that nobody has the VM",
      caughtBy: ["S-23-refused"], at: "creation-faults", cites: "kvm-tdx B-21"
    ) {
      Replacing(step: "is_hkid_assigned") {
        Step("is_hkid_assigned") { Check(hkid == .assigned, else: .ok) }
        When(vmFile == .open) { kvmBug() }
      }
    }
    Mutation(
      "B-22", "reserved fields of KVM_TDX_INIT_VM are not looked at", caughtBy: ["S-29"],
      at: "arguments", cites: "kvm-tdx B-22"
    ) { Without(check: "i is not reserved", in: "tdx_td_init") }
  }

  @ListBuilder<Mutation>
  private var buildBugs: [Mutation] {
    Mutation(
      "B-7", "a page is mapped in the mirror first and added to the TD later",
      caughtBy: ["S-13"], at: "build-remove", cites: "kvm-tdx B-7"
    ) { premap }
    Mutation(
      "B-8", "a failure of TDH.MR.EXTEND does not kill the VM", caughtBy: ["S-17"],
      at: "build-faults", cites: "kvm-tdx B-8"
    ) { Without(step: "TDX_BUG_ON: a page is not measured") }
    Mutation(
      "B-13", "the source page is taken under invalidate_lock", caughtBy: ["S-22"],
      at: "build", cites: "kvm-tdx B-13"
    ) { sourceInside }
    Mutation(
      "B-18", "the size that KVM_TDX_INIT_MEM_REGION gets may wrap, as in 7.3",
      caughtBy: ["S-29-region"], at: "region-size", cites: "kvm-tdx B-18"
    ) { Without(check: "r is not wrapping or QUEUED is 0", in: "tdx_vcpu_init_mem_region") }
  }

  @ListBuilder<Mutation>
  private var lockBugs: [Mutation] {
    Mutation(
      "B-4", "TDH.VP.INIT without write mmu_lock", caughtBy: ["S-21", "S-23-causes"],
      at: "init-remove", cites: "kvm-tdx B-4"
    ) { Without(lock: mmuLock, in: "tdx_vcpu_init") }
    Mutation(
      "B-5", "VM commands hold kvm->lock only, vCPU commands vcpu->mutex only",
      caughtBy: ["S-21", "S-23-causes"], at: "build-build", cites: "kvm-tdx B-5"
    ) {
      Without(call: "kvm_lock_all_vcpus", in: "KVM_TDX_FINALIZE_VM")
      Without(lock: kvmLock, in: "KVM_TDX_INIT_VCPU")
      Without(lock: slotsLock, in: "KVM_TDX_INIT_VCPU")
    }
  }

  @ListBuilder<Mutation>
  private var memoryBugs: [Mutation] {
    Mutation(
      "B-2", "a memslot that goes stays bound to a memfd whose last reference is gone",
      caughtBy: ["S-26"], at: "run-close", cites: "kvm-tdx B-2"
    ) { unbindsOnlyLiving }
    Mutation(
      "B-3", "KVM_PRE_FAULT_MEMORY loads the vCPU's root once, before it tries", caughtBy: ["L-4"],
      at: "obsolete-root", cites: "kvm-tdx B-3"
    ) { Without(step: "kvm_mmu_reload: an obsolete root") }
    Mutation(
      "B-10-kick", "nobody is kicked out of the guest after TDH.MEM.TRACK",
      caughtBy: ["S-23-causes"], at: "run-close", cites: "kvm-tdx B-10"
    ) { Without(step: "kicks all vCPUs and waits until they left the guest") }
    Mutation(
      "B-15", "a page that is mapped does not hold its folio, as since 6.19",
      caughtBy: ["S-7-failed"], at: "pins", cites: "kvm-tdx B-15"
    ) { Without(step: "get_page") }
    Mutation(
      "B-10-track", "a removal does without TDH.MEM.TRACK", caughtBy: ["S-23-causes"],
      at: "run-close", cites: "kvm-tdx B-10"
    ) { Without(call: "TDH.MEM.TRACK") }
    Mutation(
      "B-10-read", "leafs are removed under read mmu_lock", caughtBy: ["S-23-causes"],
      at: "run-close", cites: "kvm-tdx B-10"
    ) {
      Shared(mmuLock, in: "fallocate")
      Shared(mmuLock, in: "close(gmem)")
    }
    Mutation(
      "B-16", "kvm_gmem_bind does not notice that the binding was not stored",
      caughtBy: ["S-7", "S-8"], at: "small", cites: "kvm-tdx B-16"
    ) { Without(step: "stores the binding") }
    Mutation(
      "B-17", "faults take no notice of fallocate(PUNCH_HOLE)", caughtBy: ["S-7", "S-8"],
      at: "run-close", cites: "kvm-tdx B-17"
    ) { Without(step: "invalidation begins", in: "fallocate") }
    Mutation(
      "B-23", "faults take no notice of KVM_SET_MEMORY_ATTRIBUTES", caughtBy: ["S-14"],
      at: "run-close", cites: "kvm-tdx B-23"
    ) { Without(step: "invalidation begins", in: "KVM_SET_MEMORY_ATTRIBUTES") }
    Mutation(
      "no-srcu", "a memslot's deletion does not wait for faults that have seen it",
      caughtBy: ["S-14"], at: "run-close", cites: "kvm-tdx §2.6"
    ) { Without(step: "synchronize_srcu") }
  }

  @ListBuilder<Mutation>
  private var bugsAround: [Mutation] {
    Mutation(
      "no-unwinding", "KVM_TDX_INIT_VM keeps the HKID when an allocation fails",
      caughtBy: ["S-39"], at: "no-memory", cites: "kvm-tdx §2.2.2"
    ) { Without(step: Self.giveUpName) }
    Mutation(
      "no-flush-to-move", "a vCPU whose thread moves is not flushed", caughtBy: ["S-18", "S-33"],
      at: "hotplug-run", cites: "kvm-tdx §2.12"
    ) { Without(call: Leaf.vpFlush.name, in: Self.loadName) }
    Mutation(
      "no-cpus-lock", "CPUs go offline while the HKID is released", caughtBy: ["S-21"],
      at: "hotplug-run", cites: "kvm-tdx §4.3"
    ) { Without(lock: cpusLock, in: "tdx_mmu_release_hkid") }
    Mutation(
      "no-put", "the child's end does not drop the VM", caughtBy: ["L-12-left"], at: "exit",
      cites: "kvm-tdx §1.7"
    ) { Without(step: "kvm_put_kvm", in: "exit(child)") }
  }

  @ListBuilder<Mutation>
  private var harmless: [Mutation] {
    Mutation(
      "no-slots-lock", "the last close of a memfd takes no slots_lock: nothing here depends on it",
      caughtBy: [], at: "run-close", cites: "kvm-tdx §3.3"
    ) { Without(lock: slotsLock, in: "close(gmem)") }
    Mutation(
      "no-loop-check", "the run loop does not look for KVM_REQ_VM_DEAD", caughtBy: [],
      at: "run-close", cites: "kvm-tdx §2.5"
    ) { Without(check: "vm_dead is false", in: "KVM_RUN") }
  }
}
