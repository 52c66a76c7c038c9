import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Teardown as in mainline 7.3 (kvm-tdx §5.a): memory first, page by page, the HKID last.
///
/// Every guest_memfd file pins the VM, so the HKID is released when nobody can reach the TD.
public struct TeardownMainline: Spec {
  public static let name = "teardown/mainline"
  public let summary = "mainline: every page is removed dynamically, the HKID goes last"

  let kvm = KVMState()
  /// kvm_destroy_vm has begun.
  let destroying = Var(false)
  /// A KVM_RUN has returned and none has begun since.
  let runEnded = Ghost(false)
  /// A memslot deletion whose gate was read after the last KVM_RUN has succeeded.
  let deletedAfterRun = Ghost(false)

  public init() {}

  public var actions: [Action] {
    kvm.run(begin: Statements { runEnded <- false }, end: Statements { runEnded <- true })
    kvm.preFault
    kvm.gmemClose(withoutHKID: .bug)
    kvm.punchHole(withoutHKID: .bug)
    slotDelete
    kvm.closeVM
    destroy
    kvm.creation(release: kvm.releaseHKID(.none))
  }

  private var slotDelete: Action {
    let late = Local<Bool>("gate read after the last KVM_RUN")
    return kvm.slotDelete(
      withoutHKID: .bug, atGate: Statements { late <- runEnded },
      atSuccess: Statements { When(late && runEnded) { deletedAfterRun <- true } })
  }

  private var destroy: Action { kvm.destroyVM(destroying, release: kvm.releaseHKID(.none)) }

  public var scopes: [Scope] { TerminateVM.scopes(KVMState.destroyName) }

  public var mutations: [Mutation] { kvm.mutations + kvm.buildMutations }

  public var cost: CostModel? {
    kvm.shutdownCost {
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
      Do(KVMState.destroyName, answers: .ok)
    }
  }

  public var properties: [Property] {
    kvm.removalIsLegal
    kvm.noFreeWhileOwned
    kvm.mappingIsJustified
    kvm.noBug
    kvm.noSilentLeak(destroying)
    kvm.hkidMirror
    kvm.keyLives
    kvm.td.properties
    kvm.buildProperties.expecting(
      .violated, of: ["S-24"], when: kvm.finaliseRaces, because: KVMState.lateVCPU)
    kvm.memoryCases(releasesEarly: false)
    kvm.coherence(releasesEarly: false)
    kvm.releaseLemmas
    kvm.listLemmas
    kvm.flushLemmas(in: [KVMState.destroyName])
    kvm.memoryLemmas(.bug)
    kvm.slotLemmas
    kvm.destroyLemmas(destroying, KVMState.destroyName)
    kvm.destroyCompletes
    kvm.closeEnds
    kvm.slotDeletionEnds
    kvm.memoryComesBackInTheEnd
    kvm.comparison(reclaims: false, releasesEarly: false)
    questions
    Possible(
      "S001-Q", "a memslot deletion whose gate is read after the last KVM_RUN succeeds",
      call: KVMState.slotDeleteName, after: Condition(runEnded.node), cites: "seed 001"
    ) { deletedAfterRun }
    Possible(
      "S001-M", "all guest memory goes back to the host and the HKID to the pool",
      cites: "seed 001"
    ) {
      kvm.isBuilt && !kvm.hkidAssigned
      forAll(Page.self) { p in !kvm.folio[p] && kvm.td.isFree(p) }
    }
  }

  /// In the words of the other architectures (s390-pv §4.3).
  @ListBuilder<Property> private var questions: [Property] {
    TeardownQuestions.keyComesBackEarly {
      kvm.isBuilt && !kvm.hkidAssigned
      kvm.vmOpen
    }
    .expect(.vacuous, because: "the HKID stays as long as anybody can reach the VM (kvm-tdx §5.a)")
    TeardownQuestions.pagesOutliveOwner {
      !kvm.hkidAssigned
      exists(Page.self) { p in !kvm.td.isFree(p) }
    }
    .expect(
      .vacuous, when: !kvm.finaliseRaces,
      because: "every page is removed while the HKID is there (kvm-tdx §5.a)")
    TeardownQuestions.noReuse { forAll(Page.self) { p in !kvm.folio[p] ==> kvm.td.isFree(p) } }
      .expect(.violated, when: kvm.finaliseRaces, because: "see S-8")
  }
}
