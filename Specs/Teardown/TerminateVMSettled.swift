import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the discussion of KVM_TDX_TERMINATE_VM settled on (kvm-tdx §5.d, §5.e E5; never posted).
///
/// vm_dead stays, but it refuses vCPU ioctls only, once they hold vcpu->mutex; other ioctls are
/// refused only after a KVM_BUG_ON. Write mmu_lock is taken before TDH.MNG.VPFLUSHDONE. With LINK=1
/// a guest_memfd inode can be linked into a new VM, so that a reboot keeps the memory.
public struct TerminateVMSettled: Spec {
  public static let name = "teardown/terminate-vm-settled"
  public let summary =
    "KVM_TDX_TERMINATE_VM as the discussion settled it; LINK=1 adds the inode link (seed 001)"

  static let linkName = "KVM_LINK_GUEST_MEMFD"
  static let evictName = "the file is gone; the inode only if nobody holds it"
  static let mapName = "the new VM maps the page"

  let link = Parameter("LINK", 0...1, default: 0, "1: an inode can be linked into a new VM")
  /// A file of the new VM holds the inode.
  let linked = Map(File.self, false, as: "linked_to_new_vm")
  /// The page belongs to the new TD.
  let inNewTD = Map(Page.self, false, as: "page_in_new_td")
  /// A KVM_BUG_ON fired in the new VM.
  let newVMBugged = Var(false, as: "new_vm_bugged")
  /// KVM_TDX_TERMINATE_VM has returned 0.
  let terminated = Ghost(false)
  /// A memslot deletion whose gate was read after that has succeeded.
  let deletedAfterTerminate = Ghost(false)
  let kvm: KVMState

  public init() {
    let inNewTD = inNewTD
    kvm = KVMState(
      extra: [TerminateVM.ioctlName], deadVM: .refusesVCPUs, foreign: { p in inNewTD[p] == true })
  }

  public var actions: [Action] {
    terminate
    kvm.run()
    kvm.preFault
    close
    kvm.punchHole(withoutHKID: .reclaim)
    slotDelete
    kvm.closeVM
    linkFile
    mapInNewVM
    kvm.creation(release: kvm.releaseHKID(.beforeVPFlushDone))
  }

  private var terminate: Action {
    Action(
      TerminateVM.ioctlName, by: HostThread.self, cites: "seed 001", "kvm-tdx §5.d", "kvm-tdx §5.e"
    ) {
      kvm.terminates(release: kvm.releaseHKID(.beforeVPFlushDone), terminated)
    }
  }

  /// close(): the inode, and so the memory, stays if the new VM has a file on it.
  private var close: Action {
    Action("close(guest_memfd)", each: File.self, by: HostThread.self, cites: "kvm-tdx §2.9") { f in
      kvm.lastReferenceGoes(f)
      Holding(kvm.slotsLock) {
        Holding(kvm.invalidateLock[f]) { kvm.invalidate(f, withoutHKID: .reclaim) }
      }
      Step(Self.evictName) {
        When(!linked[f]) { kvm.evict(f) }
        kvm.gmem[f] <- .released
      }
    }
  }

  private var slotDelete: Action {
    let late = Local<Bool>("gate read after TERMINATE returned")
    return kvm.slotDelete(
      withoutHKID: .reclaim, atGate: Statements { late <- terminated },
      atSuccess: Statements { When(late) { deletedAfterTerminate <- true } })
  }

  /// The proposed ioctl of the new VM: a file of its own on an inode of the old one.
  private var linkFile: Action {
    Action(
      Self.linkName, each: File.self, by: HostThread.self, cites: "seed 001", "kvm-tdx §5.d"
    ) { f in
      Step("links the inode") {
        Require(link == 1 && !linked[f]).because("a proposal, not in 7.3", "kvm-tdx §5.d")
        Check(kvm.gmem[f] == .open, else: .EBADF)
        linked[f] <- true
      }
    }
  }

  /// A private fault of the new VM: TDH.MEM.PAGE.AUG, which the module refuses while the page
  /// belongs to the old TD.
  private var mapInNewVM: Action {
    Action(Self.mapName, each: Page.self, by: HostThread.self, cites: "kvm-tdx §2.10") { p in
      Step("TDH.MEM.PAGE.AUG for the new TD") {
        Require(linked[kvm.fileOf[p]] && kvm.folio[p] && !inNewTD[p] && !newVMBugged)
        When(kvm.td.isFree(p)) {
          inNewTD[p] <- true
        } else: {
          newVMBugged <- true
        }
      }
      .because("PAGE_METADATA_INCORRECT is a KVM_BUG_ON", "kvm-tdx §4.6")
    }
  }

  public var cost: CostModel? {
    kvm.shutdownCost {
      Do(TerminateVM.ioctlName, answers: .ok)
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
    }
  }

  public var scopes: [Scope] {
    TerminateVM.scopes(TerminateVM.ioctlName)
      + [
        Scope(
          "link", "one of everything, two threads, a new VM can link the inode",
          ["vcpus": 1, "pages": 1, "files": 1, "threads": 2, "LINK": 1])
      ]
  }
}

extension TerminateVMSettled {
  @ListBuilder<Property> public var properties: [Property] {
    kvm.removalIsLegal
    kvm.noFreeWhileOwned
    kvm.noBug.expect(
      .violated, when: link == 1,
      because: "the old VM can still fault a page that the new TD already has (kvm-tdx §5.d)")
    noReload
    kvm.hkidMirror
    kvm.keyLives
    kvm.td.properties
    kvm.buildProperties.expecting(
      .violated, of: ["S-24-key"], when: kvm.td.created == 0,
      because: """
        only vCPU ioctls are refused: INIT_VM works in a VM that was terminated before it \
        (kvm-tdx §5.e E5)
        """)
    kvm.memoryCases(releasesEarly: true)
    kvm.coherence(releasesEarly: true)
    kvm.releaseLemmas
    kvm.flushLemmas(in: [TerminateVM.ioctlName])
    kvm.memoryLemmas(.reclaim) { f in at(Self.evictName, f) }
      .expecting(
        .violated, of: ["M-10"], when: link == 1, because: "the page may be in the new TD")
    TerminateVM.lemmas(kvm)
    lemmas
    oneOwner
    newVMIsSafe.expect(
      .violated, when: link == 1,
      because: """
        nothing makes the new VM wait until the old VM's file is closed: the page still belongs to \
        the old TD (kvm-tdx §5.d)
        """)
    kvm.comparison(reclaims: true, releasesEarly: true)
    slotsAfterTerminate
    memoryComesBack
    reuse.expect(.vacuous, when: link == 0, because: "7.3 cannot link an inode (kvm-tdx §5.d)")
    kvm.closeEnds
    kvm.slotDeletionEnds
    comesBackInTheEnd
    scenarios
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "W1", "write mmu_lock is not taken while the HKID is released",
      caughtBy: ["S-11", "S-8", "S-23"], at: "small", cites: "kvm-tdx W1"
    ) { Without(lock: kvm.mmuLock, in: TerminateVM.ioctlName) }
    Mutation(
      "W2", "KVM_REQ_VM_DEAD is not looked for under vcpu->mutex", caughtBy: ["S-36"], at: "small",
      cites: "kvm-tdx W2"
    ) { Without(check: "vm_dead is false") }
    Mutation(
      "no-trylock", "TERMINATE does not try the vCPUs' mutexes", caughtBy: ["S-23", "S-36"],
      at: "small", cites: "kvm-tdx §5.d T3"
    ) { Without(locks: kvm.vcpuMutex, in: TerminateVM.ioctlName) }
    Mutation(
      "B-6", "KVM_CREATE_VCPU looks for vm_dead at its gate only", caughtBy: ["S-24"],
      at: "build-safe", cites: "kvm-tdx B-6"
    ) { Without(check: "vm_dead is false", in: "KVM_CREATE_VCPU") }
    kvm.buildMutations
  }

  private var lemmas: [Property] {
    [
      Lemma("N-1", "without the link the new VM has no page of the old one") {
        link == 1
          || forAll(File.self) { f in !linked[f] } && forAll(Page.self) { p in !inNewTD[p] }
      },
      Lemma("N-2", "from kvm_vm_dead on no vCPU is about to be loaded") {
        TerminateVM.isDead(kvm) ==> !at("vcpu_load")
      },
    ]
  }

  private var noReload: Property {
    Always(
      "S-36", "no vCPU is loaded again once the module has flushed them all", cites: "kvm-tdx S-36"
    ) { !kvm.td.isRunnable ==> forAll(VCPU.self) { v in !kvm.loaded[v] } }
  }

  private var oneOwner: Property {
    Always("S-7", "no page belongs to two TDs", cites: "kvm-tdx S-7") {
      forAll(Page.self) { p in !(inNewTD[p] && !kvm.td.isFree(p)) }
    }
  }

  private var newVMIsSafe: Property {
    Always("S-23-new", "no order of calls reaches KVM_BUG_ON in the new VM", cites: "kvm-tdx S-23")
    {
      !newVMBugged
    }
  }

  private var slotsAfterTerminate: Property {
    Possible(
      "S001-Q", "a memslot deletion whose gate is read after TERMINATE returned 0 succeeds",
      call: KVMState.slotDeleteName, after: Condition(terminated.node), cites: "seed 001"
    ) { deletedAfterTerminate }
  }

  private var memoryComesBack: Property {
    Possible(
      "S001-M", "after TERMINATE returned 0 all guest memory goes back to the host",
      cites: "seed 001"
    ) {
      terminated && kvm.isBuilt
      forAll(Page.self) { p in !kvm.folio[p] && kvm.td.isFree(p) }
    }
  }

  private var reuse: Property {
    Possible(
      "S001-R", "a reboot keeps the memory: every page goes from the old TD to the new one",
      cites: "seed 001", "kvm-tdx §5.d"
    ) {
      terminated && !newVMBugged
      forAll(Page.self) { p in kvm.folio[p] && inNewTD[p] }
      forAll(File.self) { f in kvm.gmem[f] == .released }
    }
  }

  private var comesBackInTheEnd: Property {
    LeadsTo(
      "L-12", "the pages of a file that closes leave the TD, and go back unless they are linked",
      each: Page.self, cites: "kvm-tdx L-12", fairness: [.strong(threadsOf: HostThread.self)]
    ) { p in
      kvm.gmem[kvm.fileOf[p]] == .closing
    } then: { p in
      kvm.td.isFree(p) && (linked[kvm.fileOf[p]] || !kvm.folio[p])
    }
    .expect(
      .violated, when: kvm.finaliseRaces,
      because: "a removal fails while the TD is finalised, see S-8")
  }

  private var scenarios: [Property] {
    [
      Scenario(
        "S001-A", "after TERMINATE vCPU ioctls are refused, memslots can be deleted",
        cites: "seed 001", "kvm-tdx §5.e"
      ) {
        Do("KVM_RUN", 0, answers: .ok)
        Do(TerminateVM.ioctlName, answers: .ok)
        Do(TerminateVM.ioctlName, answers: .ok)
        Do("KVM_RUN", 0, answers: .EIO)
        Do(KVMState.slotDeleteName, 0, answers: .ok)
        Do("close(guest_memfd)", 0, answers: .ok)
        Do("close(VM and vCPU descriptors)", answers: .ok)
      }
      .expect(.violated, when: kvm.td.created == 0, because: "it starts from a finalised TD")
    ]
  }
}
