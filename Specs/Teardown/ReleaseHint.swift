import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The HKID is released early, by the MMU notifier when the process exits (V15 to V19), and by the
/// ioctl KVM_TDX_RELEASE_VM that V16 adds as a hint (seed 004; kvm-tdx §5.b).
///
/// The hint takes kvm->lock and SRCU, but neither the vCPUs' mutexes nor vm_dead: it is safe only
/// as long as no vCPU is used any more, which nothing makes sure of.
public struct ReleaseHint: Spec {
  public static let name = "teardown/release-hint"
  public let summary =
    "V15–V19: the MMU notifier releases the HKID; HINT=1 adds V16's ioctl (seed 004)"

  static let ioctlName = "KVM_TDX_RELEASE_VM"
  static let exitName = "exit_mm"
  static let destroyName = "kvm_destroy_vm"
  static let waitName = "mmu_notifier_unregister waits for a release that is under way"

  let hint = Parameter("HINT", 0...1, default: 0, "1: KVM_TDX_RELEASE_VM exists (V16)")
  /// The VMM's mm has no user left: no thread of it is left to make an ioctl.
  let mmGone = Var(false, as: "mm_gone")
  /// kvm_destroy_vm has begun.
  let destroying = Var(false)
  /// KVM_TDX_RELEASE_VM has returned 0.
  let released = Ghost(false)
  /// A memslot deletion whose gate was read after that has succeeded.
  let deletedAfterRelease = Ghost(false)
  let kvm: KVMState

  public init() {
    let mmGone = mmGone
    kvm = KVMState(extra: [Self.ioctlName], deadVM: .refusesIoctls, callable: !mmGone)
  }

  public var actions: [Action] {
    kvm.run()
    kvm.preFault
    release
    kvm.gmemClose(withoutHKID: .reclaim)
    kvm.punchHole(withoutHKID: .reclaim)
    slotDelete
    exitMM
    kvm.closeVM
    destroy
    kvm.creation(release: flushShadowAll)
  }

  /// kvm_arch_flush_shadow_all, with the HKID released first: again and again while some vCPU is
  /// associated, under write mmu_lock from VPFLUSHDONE to FREEID.
  private var flushShadowAll: [Statement] {
    kvm.releaseHKID(.beforeVPFlushDone, retrying: true)
  }

  /// V16's hint.
  private var release: Action {
    Action(Self.ioctlName, by: HostThread.self, cites: "seed 004", "kvm-tdx §5.b") {
      kvm.gate(Statements { Require(hint == 1).because("V16 adds the ioctl", "seed 004") })
      Holding(kvm.kvmLock) {
        Holding(kvm.srcu, .read) { flushShadowAll }
      }
      Step("returns 0 to user space") { released <- true }
    }
  }

  /// The last user of the mm goes, a thread of the VMM or somebody else such as a vhost worker:
  /// the MMU notifier's release runs, at any moment relative to the closing of files.
  private var exitMM: Action {
    Action(Self.exitName, by: HostThread.self, cites: "kvm-tdx §2.11", "kvm-tdx §5.b") {
      let registered = Local<Bool>("the notifier is registered")
      Step("the last user of the mm goes") {
        Require(!mmGone && !kvm.inIoctl)
          .because("threads leave their ioctls before they exit", "kvm-tdx §2.11")
        mmGone <- true
        registered <- !destroying
      }
      When(registered) { flushShadowAll }
    }
  }

  /// kvm_destroy_vm, in the context of whoever drops the last reference.
  private var destroy: Action {
    Action(Self.destroyName, by: HostThread.self, cites: "kvm-tdx §4.4") {
      Step("the last reference to the VM goes") {
        Require(!kvm.vmOpen && kvm.filesAreGone)
          .because("every guest_memfd file pins the VM", "kvm-tdx §1.7")
        Require(!destroying)
        destroying <- true
      }
      Step(Self.waitName) {
        Require(!inside(Self.exitName))
      }
      flushShadowAll
    }
  }

  private var slotDelete: Action {
    let late = Local<Bool>("gate read after RELEASE_VM returned")
    return kvm.slotDelete(
      withoutHKID: .reclaim, atGate: Statements { late <- released },
      atSuccess: Statements { When(late) { deletedAfterRelease <- true } })
  }

  public var cost: CostModel? {
    kvm.shutdownCost {
      Do(Self.exitName, answers: .ok)
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
      Do(Self.destroyName, answers: .ok)
    }
  }

  public var scopes: [Scope] {
    TerminateVM.scopes(Self.exitName)
      + [
        Scope(
          "hint", "one of everything, two threads, with V16's ioctl",
          ["vcpus": 1, "pages": 1, "files": 1, "threads": 2, "HINT": 1])
      ]
  }
}

extension ReleaseHint {
  @ListBuilder<Property> public var properties: [Property] {
    kvm.removalIsLegal
    kvm.noFreeWhileOwned
    kvm.noBug.expect(
      .violated, when: hint == 1,
      because: """
        nothing keeps a vCPU from mapping a page after the hint: TDH.MEM.PAGE.AUG on a torn down \
        TD is a KVM_BUG_ON (kvm-tdx §5.b)
        """)
    noReload.expect(
      .violated, when: hint == 1, because: "the hint takes no vcpu->mutex (kvm-tdx §5.b)")
    kvm.hkidMirror
    kvm.keyLives
    kvm.td.properties
    kvm.buildProperties.expecting(
      .violated, of: ["S-24"], when: kvm.finaliseRaces, because: KVMState.lateVCPU
    ).expecting(.violated, of: ["S-21"], when: hint == 1, because: "see S-23")
    kvm.memoryCases(releasesEarly: true)
    kvm.coherence(releasesEarly: true)
    kvm.releaseLemmas
    kvm.retryLemmas
    kvm.flushLemmas(in: [Self.exitName, Self.destroyName])
      .expecting(.violated, of: ["H-8"], when: hint == 1, because: "see S-36")
    kvm.memoryLemmas(.reclaim)
      .expecting(.violated, of: ["M-6", "M-10"], when: hint == 1, because: "see S-23")
    lemmas
    noEntryAfterRelease.expect(
      .violated, when: hint == 1,
      because: "the VM is not dead after the hint: KVM_RUN still enters (kvm-tdx §5.b)")
    releaseLoopEnds.expect(
      .violated, when: hint == 1,
      because: """
        a vCPU that runs again and again is associated at every VPFLUSHDONE, and the hint tries \
        for ever with kvm->lock held (kvm-tdx L-8)
        """
    ).expect(
      .vacuous, when: hint == 0 && kvm.td.created == 1,
      because: "without the hint nobody can call it (seed 004)")
    exitEnds.expect(
      .violated, when: hint == 1,
      because: """
        a vCPU that enters the guest again after its flush is associated but on no CPU's list: \
        the loop never flushes it (kvm-tdx B-11)
        """)
    kvm.comparison(reclaims: true, releasesEarly: true)
    kvm.closeEnds
    kvm.slotDeletionEnds.expect(
      .violated, when: hint == 1,
      because: "the hint that never ends is in an SRCU read section (kvm-tdx L-8)")
    Possible(
      "S004-M", "all guest memory is reclaimed after an early release, one SEAMCALL a page",
      cites: "seed 004"
    ) {
      kvm.isBuilt && !kvm.hkidAssigned && !destroying
      forAll(Page.self) { p in !kvm.folio[p] && kvm.td.isFree(p) }
    }
    Possible(
      "S004-Q", "a memslot deletion whose gate is read after RELEASE_VM returned 0 succeeds",
      call: KVMState.slotDeleteName, after: Condition(released.node), cites: "seed 004"
    ) {
      deletedAfterRelease
    }.expect(.vacuous, when: hint == 0, because: "without the hint nobody can call it (seed 004)")
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "lock-late", "write mmu_lock is not taken while the HKID is released at exit",
      caughtBy: ["S-11", "S-8", "S-23"], at: "small", cites: "kvm-tdx §5.b"
    ) { Without(lock: kvm.mmuLock, in: Self.exitName) }
    Mutation(
      "B-11", "the vCPUs are not flushed at exit", caughtBy: ["L-8-exit"], at: "small",
      cites: "kvm-tdx B-11"
    ) { Without(call: "TDH.VP.FLUSH", in: Self.exitName) }
  }

  private var lemmas: [Property] {
    [
      Lemma("X-1", "the HKID is released when no ioctl can be made any more") {
        mmGone || !kvm.vmOpen ==> !kvm.inIoctl
        destroying ==> !kvm.vmOpen
        inside(Self.destroyName) ==> destroying
        inside(Self.exitName) ==> mmGone
        hint == 1 || !inside(Self.ioctlName)
        kvm.isBuilt && (!kvm.td.isRunnable || !kvm.hkidAssigned)
          ==> mmGone || destroying || hint == 1
      },
      Lemma("X-2", "kvm_destroy_vm waits for the release at exit") {
        inside(Self.destroyName) && inside(Self.exitName) ==> at(Self.waitName)
      }
      .expect(.vacuous, at: "race", because: "one thread only ends the VM there"),
      Lemma("X-3", "one thread is the last of the mm, one destroys the VM") {
        forAll(HostThread.self) { t in
          forAll(HostThread.self) { u in
            inside(Self.exitName, t) && inside(Self.exitName, u) ==> t == u
            inside(Self.destroyName, t) && inside(Self.destroyName, u) ==> t == u
          }
        }
      },
    ]
  }

  private var noReload: Property {
    Always(
      "S-36", "no vCPU is loaded again once the module has flushed them all", cites: "kvm-tdx S-36"
    ) { !kvm.td.isRunnable ==> forAll(VCPU.self) { v in !kvm.loaded[v] } }
  }

  private var noEntryAfterRelease: Property {
    Always(
      "S-4-issue", "TDH.VP.ENTER is never issued on a TD that is blocked or torn down",
      cites: "kvm-tdx S-4"
    ) { !kvm.td.isRunnable ==> !at("TDH.VP.ENTER") }
  }

  private var releaseLoopEnds: Property {
    LeadsTo(
      "L-8", "KVM_TDX_RELEASE_VM does not keep kvm->lock", cites: "kvm-tdx L-8",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      holding(kvm.kvmLock)
    } then: {
      !holding(kvm.kvmLock)
    }
  }

  private var exitEnds: Property {
    LeadsTo(
      "L-8-exit", "the release at exit ends and gives the HKID back", cites: "kvm-tdx L-8",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      inside(Self.exitName)
    } then: {
      !inside(Self.exitName)
    }
  }
}
