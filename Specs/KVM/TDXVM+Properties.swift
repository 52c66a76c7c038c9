import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// The safety properties of kvm-tdx §7.2 that this spec can state.
  @ListBuilder<Property>
  var safety: [Property] {
    lifeProperties
    vcpuProperties
    memoryProperties
    deathProperties
    objectProperties
    possibilities
    beginnings
  }

  @ListBuilder<Property>
  private var lifeProperties: [Property] {
    Always("S-4", "a vCPU has run only in a TD that was finalized", cites: "kvm-tdx S-4") {
      forAll(VCPU.self) { w in
        hasRun[w] && kind == .td && !destroyed ==> build == .runnable && vcpu[w] == .initialized
      }
    }
    .expect(.vacuous, unlessMade: ["KVM_RUN"], because: "no call of the scope runs a vCPU")
    Always(
      "S-4-entry", "a vCPU is in the guest only while it and the TD can be", cites: "kvm-tdx S-4"
    ) {
      forAll(VCPU.self) { w in
        module.running[w] && isTD
          ==> module.life == .configured && module.opState == .RUNNABLE
          && module.vcpu[w] == .ready
      }
    }
    .expect(.vacuous, unlessMade: ["KVM_RUN"], because: "no call of the scope runs a vCPU")
    Always(
      "S-5", "KVM has an HKID exactly while the module's KOT has it for the TD",
      cites: "kvm-tdx S-5"
    ) {
      isTD && !bugged && !inside("tdx_td_init") && !inside("tdx_mmu_release_hkid")
        ==> (hkid == .assigned) == module.life.in(.assigned, .configured, .blocked)
    }
    Always(
      "S-5-built", "a TD that is built has its HKID, until it is destroyed", cites: "kvm-tdx S-5"
    ) { build != .uninitialized && !destroyed ==> hkid == .assigned }
    Always(
      "S-6", "kvm_tdx.state is the module's OP_STATE, unless it is being changed",
      cites: "kvm-tdx S-6"
    ) {
      isTD && !bugged && !inside("tdx_td_init") && !inside("tdx_td_finalize") && !destroyed
        ==> (build == .initialized) == (module.opState == .INITIALIZED)
        && (build == .runnable) == (module.opState == .RUNNABLE)
    }
    Always(
      "S-11", "pages are touched with the keys configured, and reclaimed in TD_TEARDOWN",
      cites: "kvm-tdx S-11"
    ) { faults == 0 ==> !module.outOfOrder }
    .expect(.vacuous, when: faults == 1, because: Self.afterFault)
    Always(
      "S-16", "TDH.MEM.PAGE.ADD builds, TDH.MEM.PAGE.AUG feeds a TD that runs",
      cites: "kvm-tdx S-16"
    ) { !wrongBuild }
    Always(
      "S-17", "no page that should be measured is in a finalized TD without", cites: "kvm-tdx S-17"
    ) { build == .runnable && !bugged ==> forAll(Page.self) { p in !unmeasured[p] } }
    .expect(
      .vacuous, when: start != 2, unlessMade: ["KVM_TDX_FINALIZE_VM"],
      because: "no call of the scope finalizes the TD")
    Always(
      "S-21", "no SEAMCALL finds the TDR taken where KVM takes that for a bug",
      cites: "kvm-tdx S-21"
    ) { faults == 0 ==> !busyUnhandled }
    .expect(.vacuous, when: faults == 1, because: Self.afterFault)
    Always(
      "S-21-finalize", "no removal fails because the TD is finalized meanwhile",
      cites: "kvm-tdx S-21"
    ) { bugCause != .removalAmidFinalize }
    .expect(
      .violated, when: start == 1 && threads == 2, ifMade: ["fallocate"],
      because: "TDH.MR.FINALIZE has the TDR for itself and comes without mmu_lock (kvm-tdx §3.3)")
    Always(
      "S-29", "KVM_TDX_INIT_VM succeeds only with arguments that it should take",
      cites: "kvm-tdx S-29"
    ) { initDataTaken == .fine }
    Always(
      "S-29-region", "KVM_TDX_INIT_MEM_REGION begins with no size that wraps", cites: "kvm-tdx S-29"
    ) { !wrappedTaken }
    .expect(
      .violated, when: queued == 0 && arguments == 1, ifMade: ["KVM_TDX_INIT_MEM_REGION"],
      because: "7.3 shifts the number of pages before it compares (kvm-tdx B-18)")
  }

  private static let afterFault = "what follows a fault is S-7-failed's and S-34's to tell"
  /// Calls that map private pages.
  private static let mappingCalls = ["KVM_TDX_INIT_MEM_REGION", "KVM_PRE_FAULT_MEMORY", "KVM_RUN"]
  /// Calls that kill the VM as S-23-causes tells.
  private static let killingCalls = ["KVM_TDX_FINALIZE_VM"] + mappingCalls
  private static let nothingMapped = "no call of the scope maps a private page"

  /// The VM is a TD over a module that looks at its state.
  var isTD: Condition { kind == .td && module.standIn == 0 }

  @ListBuilder<Property>
  private var vcpuProperties: [Property] {
    Always("S-18", "a vCPU that is associated is on a CPU's list", cites: "kvm-tdx S-18") {
      forAll(VCPU.self) { w in
        module.associated[w] && isTD && !bugged ==> listed[w] && !module.strayed[w]
      }
    }
    .expect(
      .violated, when: hotplug == 1, ifMade: ["KVM_TDX_INIT_VCPU"], because: "as S-33")
    Always(
      "S-19", "a vCPU that was freed is on no CPU's list and not associated", cites: "kvm-tdx S-19"
    ) {
      forAll(VCPU.self) { w in
        vcpu[w] == .absent && isTD && !bugged ==> !listed[w] && !module.associated[w]
      }
    }
    .expect(
      .violated, when: hotplug == 1, ifMade: ["KVM_TDX_INIT_VCPU"], because: "as S-33")
    Always("S-30", "a vCPU of a TD exists only once the TD is initialized", cites: "kvm-tdx S-30") {
      kind == .td && anyVCPU && !destroyed ==> build != .uninitialized
    }
  }

  @ListBuilder<Property>
  private var memoryProperties: [Property] {
    Always(
      "S-7",
      "no page is back in the host's allocator while the TD owns it, as long as removals work",
      cites: "kvm-tdx S-7"
    ) {
      forAll(Page.self) { p in
        module.sept[p] != .free && !bugged ==> holding(mmuLock) || ownsAFolio(p)
      }
    }
    .expect(.vacuous, unlessMade: Self.mappingCalls, because: Self.nothingMapped)
    Always(
      "S-7-failed", "and not even when its removal failed", cites: "kvm-tdx S-7", "kvm-tdx S-8"
    ) { forAll(Page.self) { p in module.sept[p] != .free ==> holding(mmuLock) || ownsAFolio(p) } }
    .expect(.vacuous, unlessMade: Self.mappingCalls, because: Self.nothingMapped)
    .expect(
      .violated, when: faults == 1 && pins == 0, ifMade: ["fallocate", "close(gmem)"],
      because: "a folio is truncated whether or not its removal succeeded (kvm-tdx B-15)"
    )
    .expect(
      .violated, when: start == 1 && threads == 2, ifMade: ["fallocate"],
      because: "as S-21-finalize")
    Always(
      "S-8", "a page that is mapped has its folio, unless it is being removed",
      cites: "kvm-tdx S-8"
    ) { forAll(Page.self) { p in mirror[p] && !holding(mmuLock) ==> hasItsFolio(p) } }
    .expect(.vacuous, unlessMade: Self.mappingCalls, because: Self.nothingMapped)
    Always(
      "S-13", "the mirror is as the S-EPT, while nobody holds mmu_lock for write",
      cites: "kvm-tdx S-13"
    ) {
      isTD && !bugged && !holding(mmuLock)
        ==> forAll(Page.self) { p in mirror[p] == (module.sept[p] == .mapped) }
    }
    Always(
      "S-14", "a page that is mapped is private and has a slot and an open file",
      cites: "kvm-tdx S-14"
    ) {
      forAll(Page.self) { p in
        mirror[p] && !holding(mmuLock)
          ==> isPrivate[p] && slotOf[p] != nil && fileOf[p] != nil
          && !exists(File.self) { g in fileOf[p] == g && gmemReleased[g] }
      }
    }
    .expect(.vacuous, unlessMade: Self.mappingCalls, because: Self.nothingMapped)
  }

  /// The folio that the TD owns as the page has not gone back to the host.
  private func ownsAFolio(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in
      exists(FileIndex.self) { i in ownedFile[p] == g && ownedIndex[p] == i && hasFolio[g, i] }
    } || pinned[p]
  }

  private func hasItsFolio(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in
      exists(FileIndex.self) { i in fileOf[p] == g && indexOf[p] == i && hasFolio[g, i] }
    } || pinned[p]
  }

  @ListBuilder<Property>
  private var deathProperties: [Property] {
    Always("S-23", "no order of calls reaches KVM_BUG_ON", cites: "kvm-tdx S-23") {
      !bugged || faults == 1
    }
    .expect(
      .violated, when: faults == 0 && start != 2, ifMade: Self.killingCalls,
      because: "S-23-causes: what user space can do to kill the VM"
    )
    .expect(
      .violated, when: hotplug == 1, ifMade: ["KVM_TDX_INIT_VCPU"],
      because: "TDH.VP.WR finds the vCPU associated with another LP, see S-33")
    Always(
      "S-22", "mmap_lock is not taken inside invalidate_lock, which one thread can tell",
      cites: "kvm-tdx S-22", "kvm-tdx §3.2"
    ) { !lockedAround }
    Always(
      "S-23-refused", "refused arguments of KVM_TDX_INIT_VM do not kill the VM",
      cites: "kvm-tdx S-39", "kvm-tdx S-23"
    ) { refusedByModule ==> bugCause != .other }
    .expect(.vacuous, when: faults == 0, because: "the module is never made to refuse")
    .expect(.vacuous, unlessMade: ["KVM_TDX_INIT_VM"], because: "it is about KVM_TDX_INIT_VM")
    Always(
      "S-23-causes",
      "width, vCPUs absent or not initialised, S-21-finalize, S-33: nothing else kills the VM",
      cites: "kvm-tdx §2.5", "kvm-tdx §2.2.3", "kvm-tdx §2.10"
    ) { faults == 0 ==> bugCause != .other }
    .expect(.vacuous, when: faults == 1, because: Self.afterFault)
  }

  @ListBuilder<Property>
  private var objectProperties: [Property] {
    Always(
      "S-20", "control pages are freed once, when the module has let go", cites: "kvm-tdx S-20"
    ) {
      !freedTwice
      isTD && !tdrHeld && !bugged ==> module.life == .free
    }
    Always("S-26", "no memfd is bound to a slot that was freed", cites: "kvm-tdx S-26") {
      !freedBound
    }
  }

  @ListBuilder<Property>
  private var possibilities: [Property] {
    Possible("runs", "a TD can be built and run", cites: "kvm-tdx §1.3") {
      exists(VCPU.self) { w in hasRun[w] && vcpu[w] == .initialized }
    }
    .expect(.vacuous, unlessMade: ["KVM_RUN"], because: "no call of the scope runs a vCPU")
    Possible("ends", "a TD that ran can be destroyed", cites: "kvm-tdx §4.4") {
      destroyed && hkid == .freed && !tdrHeld && !bugged && exists(VCPU.self) { w in hasRun[w] }
    }
    .expect(.vacuous, unlessMade: ["KVM_RUN"], because: "no call of the scope runs a vCPU")
    .expect(
      .vacuous, unlessMade: ["close(vm)", "exit"], because: "no call of the scope closes the VM")
  }
}
