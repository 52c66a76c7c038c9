import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// KVM_TDX_TERMINATE_VM, version 4, and its predecessors (seed 001; kvm-tdx §5.d).
///
/// The ioctl kills the VM, releases the HKID and leaves the guest's memory to be reclaimed when
/// its guest_memfd files are closed. V4 takes mmu_lock for write *after* TDH.MNG.VPFLUSHDONE.
/// V2 and V3 are told as far as their changelogs go: V2's assertion about the VM's users, and
/// TDX_FLUSHVP_NOT_DONE. Where V2 and V3 take mmu_lock is taken to be the same (unsure).
public struct TerminateVMV4: Spec {
  public static let name = "teardown/terminate-vm-v4"
  public let summary = "KVM_TDX_TERMINATE_VM V4: release the HKID first, then reclaim (seed 001)"
  let version: Parameter
  let design: TerminateVM

  public init() {
    version = Parameter("VERSION", 2...4, default: 4, "of the patch")
    design = TerminateVM(locking: .afterVPFlushDone, version: version)
  }

  public var actions: [Action] { design.actions }
  public var scopes: [Scope] { TerminateVM.scopes(TerminateVM.ioctlName) }
  public var cost: CostModel? { design.cost }

  public var properties: [Property] {
    design.kvm.removalIsLegal.expect(
      .violated,
      because: """
        between VPFLUSHDONE and the write mmu_lock a punch hole or close that is past the \
        hkid check removes pages of a BLOCKED TD (kvm-tdx W1)
        """)
    design.kvm.noFreeWhileOwned.expect(
      .violated, because: "the removal fails and the folio is freed all the same (kvm-tdx §4.6)")
    design.kvm.noBug.expect(.violated, because: "the failed removal is a KVM_BUG_ON (kvm-tdx W1)")
    design.noReload.expect(
      .violated,
      because: """
        a vCPU ioctl that passed the gate before kvm_vm_dead takes the vcpu->mutex after it and \
        loads the vCPU again (kvm-tdx W2)
        """)
    design.kvm.hkidMirror
    design.kvm.keyLives
    design.kvm.td.properties
    design.buildProperties.expecting(
      .violated, of: ["S-21"],
      because: "TDH.MNG.VPFLUSHDONE finds the TDR taken by a removal (kvm-tdx W1)"
    ).expecting(
      .violated, of: ["S-39"], when: version == 2 && design.kvm.td.created == 0,
      because: "V2's KVM_BUG_ON(users_count && !terminate) meets INIT_VM's users (kvm-tdx B-21)")
    design.kvm.memoryCases(releasesEarly: true)
    design.kvm.coherence(releasesEarly: true).expecting(
      .violated, of: ["S-9", "S-35"],
      because: "removals go on in the BLOCKED window, and fail (kvm-tdx W1)")
    design.kvm.releaseLemmas
    design.kvm.comparison(reclaims: true, releasesEarly: true)
    design.slotsAfterTerminate.expect(
      .vacuous, because: "kvm_vm_dead() makes every later VM ioctl answer -EIO (seed 001)")
    design.memoryComesBack
    design.terminateEnds
    design.kvm.closeEnds
    design.kvm.slotDeletionEnds
    design.kvm.memoryComesBackInTheEnd.expect(
      .violated,
      because: """
        a page whose removal fails in the BLOCKED window is never given back by the TD \
        (kvm-tdx W1)
        """)
    design.scenarios
  }
}

/// The twin of V4 that takes mmu_lock for write *before* TDH.MNG.VPFLUSHDONE.
public struct TerminateVMLockFirst: Spec {
  public static let name = "teardown/terminate-vm-lock-first"
  public let summary = "the twin of V4 that takes mmu_lock for write before VPFLUSHDONE"
  let design = TerminateVM(locking: .beforeVPFlushDone)

  public init() {}

  public var actions: [Action] { design.actions }
  public var scopes: [Scope] { TerminateVM.scopes(TerminateVM.ioctlName) }
  public var mutations: [Mutation] { design.kvm.buildMutations }

  public var properties: [Property] {
    design.kvm.removalIsLegal
    design.kvm.noFreeWhileOwned
    design.kvm.noBug
    design.noReload.expect(
      .violated, because: "the order of mmu_lock does nothing about late vCPU ioctls (kvm-tdx W2)")
    design.kvm.hkidMirror
    design.kvm.keyLives
    design.kvm.td.properties
    design.buildProperties
    design.kvm.memoryCases(releasesEarly: true)
    design.kvm.coherence(releasesEarly: true)
    design.kvm.releaseLemmas
    design.kvm.memoryLemmas(.reclaim)
    design.kvm.comparison(reclaims: true, releasesEarly: true)
    TerminateVM.lemmas(design.kvm)
    design.slotsAfterTerminate.expect(
      .vacuous, because: "kvm_vm_dead() makes every later VM ioctl answer -EIO (seed 001)")
    design.memoryComesBack
    design.terminateEnds
    design.kvm.closeEnds
    design.kvm.slotDeletionEnds
    design.kvm.memoryComesBackInTheEnd
  }
}
