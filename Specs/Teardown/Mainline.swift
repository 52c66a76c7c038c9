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

  private static let destroyName = "kvm_destroy_vm"

  /// kvm_destroy_vm, in the context of whoever drops the last reference.
  private var destroy: Action {
    Action(Self.destroyName, by: HostThread.self, cites: "kvm-tdx §4.4") {
      Step("the last reference to the VM goes") {
        Require(!kvm.vmOpen && kvm.filesAreGone)
          .because("every guest_memfd file pins the VM", "kvm-tdx §1.7")
        Require(!destroying)
        destroying <- true
      }
      kvm.releaseHKID(.none)
    }
  }

  public var scopes: [Scope] { TerminateVM.scopes("kvm_destroy_vm") }

  /// Whoever drops the last reference destroys the VM, so that the call is begun.
  private var destroyCompletes: Property {
    LeadsTo(
      "L-1", "when the last reference to the VM is gone the HKID goes back to the pool",
      cites: "kvm-tdx L-1",
      fairness: [.strong(threadsOf: HostThread.self), .weak(starting: Self.destroyName)]
    ) {
      !kvm.vmOpen
      kvm.filesAreGone
    } then: {
      !kvm.hkidAssigned
    }
  }

  /// FLUSHVP_NOT_DONE would be silent: no order of calls gets there.
  private var noSilentLeak: Property {
    Always(
      "S-34", "when kvm_destroy_vm has ended, the HKID was freed or a KVM_BUG_ON fired",
      cites: "kvm-tdx S-34"
    ) { destroying && !inside(Self.destroyName) ==> !kvm.hkidAssigned || kvm.bugged }
  }

  public var mutations: [Mutation] { kvm.mutations + kvm.buildMutations }

  public var cost: CostModel? {
    kvm.shutdownCost {
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
      Do(Self.destroyName, answers: .ok)
    }
  }

  public var properties: [Property] {
    kvm.removalIsLegal
    kvm.noFreeWhileOwned
    kvm.mappingIsJustified
    kvm.noBug
    noSilentLeak
    kvm.hkidMirror
    kvm.keyLives
    kvm.td.properties
    kvm.buildProperties.expecting(
      .violated, of: ["S-24"], when: kvm.finaliseRaces, because: KVMState.lateVCPU)
    kvm.memoryCases(releasesEarly: false)
    kvm.coherence(releasesEarly: false)
    kvm.releaseLemmas
    kvm.listLemmas
    kvm.flushLemmas(in: [Self.destroyName])
    kvm.memoryLemmas(.bug)
    kvm.slotLemmas
    kvm.destroyLemmas(destroying, Self.destroyName)
    destroyCompletes
    kvm.closeEnds
    kvm.slotDeletionEnds
    kvm.memoryComesBackInTheEnd
    kvm.comparison(reclaims: false, releasesEarly: false)
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
}
