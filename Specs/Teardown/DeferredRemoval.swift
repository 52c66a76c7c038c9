import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The RFC "Defer guest memory removal to decrease shutdown time" (seed 000; kvm-tdx §5.c).
///
/// close(guest_memfd) pins the inode instead of removing its pages; they are reclaimed when the VM
/// is destroyed, after its HKID was released, and only then go back to the host.
public struct DeferredRemoval: Spec {
  public static let name = "teardown/deferred-removal"
  public let summary =
    "the deferred-removal RFC: pages of a closed file are reclaimed at destroy (seed 000)"

  static let destroyName = "kvm_destroy_vm"
  static let evictName = "the file is gone; the inode only if nobody holds it"
  static let iputName = "tdx_vm_destroy: iput of every pinned inode"
  static let linkedPunchName = "fallocate(PUNCH_HOLE) by another file of the inode"

  let room = Parameter("INODES", 0...4, default: 2, "inodes that kvm_tdx can pin; the RFC has 64")
  let link = Parameter("LINK", 0...1, default: 0, "1: an inode can have a second file")
  let kvm = KVMState()
  /// kvm_destroy_vm has begun.
  let destroying = Var(false)
  /// Inodes that kvm_tdx holds a reference to.
  let pinned = Var(SetOf<File>.empty, as: "pinned_inodes")
  /// A memslot was deleted before its file was closed.
  let slotWentFirst = Ghost(false)

  public init() {}

  public var actions: [Action] {
    kvm.run()
    kvm.preFault
    close
    kvm.punchHole(withoutHKID: .bug)
    linkedPunch
    slotDelete
    kvm.closeVM
    destroy
    kvm.creation(release: kvm.releaseHKID(.none))
  }

  /// close(): kvm_gmem_release asks gmem_defer_removal whether to leave the pages where they are.
  private var close: Action {
    Action("close(guest_memfd)", each: File.self, by: HostThread.self, cites: "kvm-tdx §5.c") { f in
      let deferred = Local<Bool>("deferred")
      kvm.lastReferenceGoes(f)
      Holding(kvm.slotsLock) {
        Holding(kvm.invalidateLock[f]) {
          Step("clears the bindings and asks for deferral") {
            deferred <- kvm.hkidAssigned && pinned.count() < room
            When(kvm.hkidAssigned && pinned.count() < room) { pinned <- pinned.inserting(f) }
          }
          .because("the array of inodes may be full: then nothing is deferred", "kvm-tdx §5.c")
          When(!deferred) { kvm.invalidate(f, withoutHKID: .bug) }
        }
      }
      Step(Self.evictName) {
        When(!pinned.contains(f)) { kvm.evict(f) }
        kvm.gmem[f] <- .released
      }
    }
  }

  /// A hole punched by another file of a pinned inode: the bindings that it walks are its own.
  private var linkedPunch: Action {
    Action(
      Self.linkedPunchName, each: Page.self, by: HostThread.self, cites: "kvm-tdx §5.c"
    ) { p in
      Step("the inode has another file") {
        Require(link == 1 && pinned.contains(kvm.fileOf[p]))
          .because("one file an inode today; link proposals add more", "kvm-tdx §5.c")
      }
      Holding(kvm.invalidateLock[kvm.fileOf[p]]) {
        Step("truncates: the folio goes back to the host") { kvm.folio[p] <- false }
      }
    }
  }

  private var slotDelete: Action {
    kvm.slotDelete(
      withoutHKID: .bug, atGate: [], atSuccess: Statements { slotWentFirst <- true })
  }

  /// kvm_destroy_vm: the HKID, then every page that is still mapped, then the pins.
  private var destroy: Action {
    Action(Self.destroyName, by: HostThread.self, cites: "kvm-tdx §4.4", "kvm-tdx §5.c") {
      Step("the last reference to the VM goes") {
        Require(!kvm.vmOpen && kvm.filesAreGone)
          .because("every guest_memfd file pins the VM, an inode does not", "kvm-tdx §1.7")
        Require(!destroying)
        destroying <- true
      }
      kvm.releaseHKID(.none)
      ForEach(ordered: File.self) { f in kvm.zap(f, withoutHKID: .reclaim) }
      Step(Self.iputName) {
        Each(Page.self) { p in
          When(pinned.contains(kvm.fileOf[p])) { kvm.folio[p] <- false }
        }
        pinned <- SetOf<File>.empty
      }
      .because("before the control pages are reclaimed", "kvm-tdx §5.c")
    }
  }

  public var cost: CostModel? {
    kvm.shutdownCost {
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
      Do(Self.destroyName, answers: .ok)
    }
  }

  public var scopes: [Scope] {
    TerminateVM.scopes(Self.destroyName)
      + [
        Scope(
          "link", "one of everything, two threads, an inode may have two files",
          ["vcpus": 1, "pages": 1, "files": 1, "threads": 2, "LINK": 1])
      ]
  }
}

extension DeferredRemoval {
  @ListBuilder<Property> public var properties: [Property] {
    kvm.removalIsLegal
    kvm.noFreeWhileOwned.expect(
      .violated, when: link == 1,
      because: """
        a hole punched by another file of the inode frees a folio that the deferral left mapped: \
        the closed file's bindings are gone (kvm-tdx §5.c)
        """)
    kvm.noBug
    kvm.hkidMirror
    kvm.keyLives
    pin.expect(.violated, when: link == 1, because: "the pin keeps the inode, not the folio")
    kvm.td.properties
    kvm.buildProperties.expecting(
      .violated, of: ["S-24"], when: kvm.finaliseRaces, because: KVMState.lateVCPU)
    kvm.memoryCases(releasesEarly: false).filter { $0.id != "S000-2" }
    kvm.coherence(releasesEarly: false).expecting(
      .violated, of: ["S-9"], when: link == 1, because: punchedAway)
    kvm.comparison(reclaims: true, releasesEarly: false)
    kvm.releaseLemmas
    kvm.memoryLemmas(.reclaim) { f in at(Self.evictName, f) && !pinned.contains(f) }
      .expecting(
        .violated, of: ["M-8", "M-9", "M-14", "M-19"], when: link == 1, because: punchedAway)
    kvm.destroyLemmas(destroying, Self.destroyName)
    lemmas.expecting(.violated, of: ["P-3"], when: link == 1, because: punchedAway)
    kvm.closeEnds
    kvm.slotDeletionEnds
    destroyCompletes
    comesBackAtClose.expect(
      .violated, when: room > 0,
      because:
        "a deferred file's memory comes back with the last reference to the VM (kvm-tdx L-12)")
    comesBackAtDestroy
    memory
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "no-iput", "the pinned inodes are never put", caughtBy: ["L-12-destroy"], at: "small",
      cites: "kvm-tdx §5.c"
    ) { Without(step: Self.iputName) }
    Mutation(
      "no-reclaim", "what is still mapped at destroy is not reclaimed before the inodes are put",
      caughtBy: ["S-8"], at: "small", cites: "kvm-tdx §5.c"
    ) { Without(call: "TDH.PHYMEM.PAGE.RECLAIM", in: Self.destroyName) }
  }

  private var punchedAway: String { "another file's hole takes the folio, see S-8" }

  private var lemmas: [Property] {
    [
      Lemma("P-1", "an inode has one file") { link == 1 || !inside(Self.linkedPunchName) },
      Lemma("P-2", "an invalidation in progress is somebody's") {
        forAll(File.self) { f in
          kvm.invalidating[f]
            ==> between("invalidation begins", "invalidation ends", f)
            || exists(Page.self) { p in
              kvm.fileOf[p] == f && between("invalidation begins", "invalidation ends", p)
            }
        }
      },
      Lemma("P-3", "what is mapped has its folio, and its file is open or pinned") {
        forAll(Page.self) { p in
          kvm.mirror[p] ==> kvm.folio[p]
          kvm.gmem[kvm.fileOf[p]] == .released && !pinned.contains(kvm.fileOf[p])
            ==> !kvm.mirror[p] && !kvm.folio[p]
        }
      },
      Lemma("P-4", "kvm_destroy_vm has removed the pages it is past") {
        forAll(File.self) { f in
          forAll(Page.self) { p in
            inside(Self.destroyName, f, p) || inside(Self.destroyName, f, taken(p))
              ==> kvm.fileOf[p] == f
            inside(Self.destroyName, f, taken(p))
              ==> !kvm.mirror[p] || at("clears the mirror SPTE", p)
            kvm.fileOf[p] == f && inside(Self.destroyName, taken(f))
              ==> !kvm.mirror[p] || inside(Self.destroyName, f)
          }
        }
        at(Self.iputName) ==> forAll(Page.self) { p in !kvm.mirror[p] }
      },
    ]
  }

  private var pin: Property {
    Always(
      "S-37", "a page that stays mapped after its file was released is pinned by the VM",
      cites: "kvm-tdx S-37"
    ) {
      forAll(Page.self) { p in
        kvm.mirror[p] && kvm.gmem[kvm.fileOf[p]] == .released
          ==> pinned.contains(kvm.fileOf[p]) && kvm.folio[p]
      }
    }
  }

  private var destroyCompletes: Property {
    LeadsTo(
      "L-1", "when the last reference to the VM is gone the HKID goes back to the pool",
      cites: "kvm-tdx L-1",
      fairness: [.strong(threadsOf: HostThread.self), .strong(starting: Self.destroyName)]
    ) {
      !kvm.vmOpen
      kvm.filesAreGone
    } then: {
      !kvm.hkidAssigned
    }
  }

  private var comesBackAtClose: Property {
    LeadsTo(
      "L-12", "the pages of a file that closes go back to the host", each: Page.self,
      cites: "kvm-tdx L-12", fairness: [.strong(threadsOf: HostThread.self)]
    ) { p in
      kvm.gmem[kvm.fileOf[p]] == .closing
    } then: { p in
      !kvm.folio[p]
    }
  }

  private var comesBackAtDestroy: Property {
    LeadsTo(
      "L-12-destroy", "when the last reference to the VM is gone, all memory goes back to the host",
      each: Page.self, cites: "kvm-tdx L-12",
      fairness: [.strong(threadsOf: HostThread.self), .strong(starting: Self.destroyName)]
    ) { _ in
      !kvm.vmOpen
      kvm.filesAreGone
    } then: { p in
      !kvm.folio[p]
    }
  }

  /// Seed 000's cases: when does memory come back, and by which way?
  private var memory: [Property] {
    [
      Possible(
        "S000-1", "the file is closed first: its pages wait for the VM and are reclaimed",
        cites: "seed 000"
      ) {
        destroying && !kvm.hkidAssigned
        exists(Page.self) { p in
          kvm.folio[p] && kvm.mirror[p] && pinned.contains(kvm.fileOf[p])
        }
      },
      Possible(
        "S000-2", "the memslots are removed first: their pages leave the TD one by one",
        cites: "seed 000"
      ) {
        slotWentFirst && kvm.hkidAssigned
        forAll(Page.self) { p in kvm.td.isFree(p) && kvm.folio[p] }
      },
      Possible(
        "S001-M", "all guest memory goes back to the host and the HKID to the pool",
        cites: "seed 001"
      ) {
        kvm.isBuilt && !kvm.hkidAssigned
        forAll(Page.self) { p in !kvm.folio[p] && kvm.td.isFree(p) }
      },
    ]
  }
}
