import SpecLanguage
import TDXModuleSpecs

/// Bugs of KVM's history that can be told in this model, and changes that matter to nobody.
extension KVMState {
  @ListBuilder<Mutation>
  package var mutations: [Mutation] {
    Mutation(
      "B-10-kick", "nobody is kicked out of the guest after TDH.MEM.TRACK", caughtBy: ["S-23"],
      at: "small", cites: "kvm-tdx B-10"
    ) { Without(step: "kicks all vCPUs and waits until they left the guest") }
    Mutation(
      "B-10-track", "TDH.MEM.TRACK does nothing", caughtBy: ["S-23"], at: "small",
      cites: "kvm-tdx B-10"
    ) { Replacing(step: "TDH.MEM.TRACK completes") { Step("TDH.MEM.TRACK completes") {} } }
    Mutation(
      "B-10-read", "leafs are removed under read mmu_lock", caughtBy: ["S-23"], at: "three",
      cites: "kvm-tdx B-10"
    ) {
      Shared(mmuLock, in: "fallocate(PUNCH_HOLE)")
      Shared(mmuLock, in: "close(guest_memfd)")
    }
    Mutation(
      "B-11", "vcpu_load takes the vCPU off its CPU's list", caughtBy: ["S-34", "L-1"], at: "small",
      cites: "kvm-tdx B-11"
    ) {
      Replacing(step: "vcpu_load") {
        Step("vcpu_load") { Each(VCPU.self) { v in loaded[v] <- false } }
      }
    }
    Mutation(
      "B-17", "faults take no notice of an invalidation under way", caughtBy: ["S-8", "S-14"],
      at: "small", cites: "kvm-tdx B-17"
    ) { Without(step: "invalidation begins") }
    Mutation(
      "B-23", "an invalidation ends unnoticed by faults that began before it",
      caughtBy: ["S-8", "S-14"], at: "small", cites: "kvm-tdx B-23"
    ) {
      Replacing(step: "invalidation ends") {
        Step("invalidation ends") { Each(File.self) { f in invalidating[f] <- false } }
      }
    }
    Mutation(
      "no-srcu", "a memslot deletion does not wait for faults that have seen the memslot",
      caughtBy: ["S-14"], at: "small", cites: "kvm-tdx §2.6"
    ) { Without(step: "synchronize_srcu") }
    Mutation(
      "no-slots-lock", "close(guest_memfd) takes no slots_lock: nothing here depends on it",
      caughtBy: [], at: "small", cites: "kvm-tdx §3.3"
    ) { Without(lock: slotsLock, in: "close(guest_memfd)") }
    Mutation(
      "no-loop-check", "the run loop does not look for KVM_REQ_VM_DEAD", caughtBy: [], at: "small",
      cites: "kvm-tdx §2.5"
    ) { Without(check: "vm_dead is false", in: "KVM_RUN") }
  }
}
