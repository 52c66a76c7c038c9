import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the versions of KVM_TDX_TERMINATE_VM have in common.
struct TerminateVM: SpecPart {
  let kvm = KVMState(extra: [Self.ioctlName])
  static let ioctlName = KVMState.terminateName
  let locking: KVMState.ReleaseLocking

  /// KVM_TDX_TERMINATE_VM has returned 0.
  let terminated = Ghost(false)
  /// A memslot deletion whose gate was read after that has succeeded.
  let deletedAfterTerminate = Ghost(false)

  /// Of the patch; the last one when a spec has no other.
  let version: Parameter?

  init(locking: KVMState.ReleaseLocking, version: Parameter? = nil) {
    self.locking = locking
    self.version = version
  }

  /// tdx_mmu_release_hkid; before V4 a FLUSHVP_NOT_DONE is an error like any other (whether it is
  /// a WARN or a KVM_BUG_ON is unsure).
  private var release: [Statement] {
    kvm.releaseHKID(locking, isLoud: version.map { $0 < 4 } ?? Condition(.no))
  }

  /// The same when INIT_VM has failed: V2 asserts that the VM has no users or is terminated.
  @StatementBuilder
  private var unwinding: [Statement] {
    if let version { When(version == 2) { kvm.bug } }
    release
  }

  /// - Parameter call: what releases the HKID.
  static func scopes(_ call: String) -> [Scope] {
    [
      Scope(
        "small", "one of everything, two threads",
        ["vcpus": 1, "pages": 1, "files": 1, "threads": 2]),
      Scope(
        "build", "one of everything, two threads, from KVM_CREATE_VM",
        ["vcpus": 1, "pages": 1, "files": 1, "threads": 2, "CREATED": 0, "FAULTS": 1]),
      Scope(
        "build-safe", "the same, with a KVM_TDX_FINALIZE_VM that keeps removals out",
        [
          "vcpus": 1, "pages": 1, "files": 1, "threads": 2, "CREATED": 0, "FAULTS": 1,
          "FINALIZE": 1,
        ]),
      Scope(
        "build-two", "the same with two vCPUs, and an INIT_VM that succeeds",
        [
          "vcpus": 2, "pages": 1, "files": 1, "threads": 2, "CREATED": 0, "FINALIZE": 1,
        ]),
      Scope(
        "run", "two vCPUs and pages of one file, two threads",
        ["vcpus": 2, "pages": 2, "files": 1, "threads": 2]),
      Scope(
        "teardown", "two of everything, two threads",
        ["vcpus": 2, "pages": 2, "files": 2, "threads": 2]),
      Scope(
        "three", "one vCPU, two pages and files, three threads",
        ["vcpus": 1, "pages": 2, "files": 2, "threads": 3]),
      Scope(
        "race", "two of everything; one thread ends the VM, one runs vCPUs, one frees memory",
        ["vcpus": 2, "pages": 2, "files": 2, "threads": 3],
        parts: [
          ThreadPart("ender", calls: [call]),
          ThreadPart("runner", calls: ["KVM_RUN", "KVM_PRE_FAULT_MEMORY"]),
          ThreadPart(
            "remover",
            calls: ["fallocate(PUNCH_HOLE)", "close(guest_memfd)", KVMState.slotDeleteName]),
        ]),
    ]
  }

  var actions: [Action] {
    [terminate, kvm.run(), kvm.preFault, close, punchHole, slotDelete, kvm.closeVM]
      + kvm.creation(release: unwinding)
  }

  /// The ioctl, as posted in seed 001.
  private var terminate: Action {
    Action(Self.ioctlName, by: HostThread.self, cites: "seed 001", "kvm-tdx §5.d") {
      kvm.terminates(release: release, terminated)
    }
  }

  var noReload: Property {
    Always(
      "S-36", "no vCPU is loaded again once the module has flushed them all", cites: "kvm-tdx S-36"
    ) { !kvm.td.isRunnable ==> forAll(VCPU.self) { v in !kvm.loaded[v] } }
  }

  /// The ioctl has killed the VM, or has done more since.
  static func isDead(_ kvm: KVMState) -> Condition {
    between("kvm_vm_dead", "returns 0 to user space")
      || kvm.isBuilt && (!kvm.td.isRunnable || !kvm.hkidAssigned)
  }

  static func lemmas(_ kvm: KVMState) -> [Property] {
    let check = "checks that vm_dead is false"
    return [
      Lemma("T-1", "from kvm_vm_dead on no vCPU is past its check for vm_dead") {
        isDead(kvm)
          ==> kvm.vmDead && !between(check, "TD exit")
          && !between(check, "TDH.MEM.PAGE.AUG completes")
      }
    ]
  }

  /// What is asked of the calls that build a TD.
  var buildProperties: [Property] {
    kvm.buildProperties.expecting(
      .violated, of: ["S-24", "S-24-key"], when: kvm.td.created == 0,
      because: """
        KVM_CREATE_VCPU and INIT_VM look for vm_dead at their gates only, and may wait for \
        kvm->lock after that (kvm-tdx W3)
        """)
  }

  /// Seed 001's question.
  var slotsAfterTerminate: Property {
    Possible(
      "S001-Q",
      "a memslot deletion whose gate is read after TERMINATE returned 0 succeeds",
      call: KVMState.slotDeleteName, after: Condition(terminated.node), cites: "seed 001"
    ) { deletedAfterTerminate }
  }

  var memoryComesBack: Property {
    Possible(
      "S001-M", "after TERMINATE returned 0 all guest memory goes back to the host",
      cites: "seed 001"
    ) {
      terminated && kvm.isBuilt
      forAll(Page.self) { p in !kvm.folio[p] && kvm.td.isFree(p) }
    }
  }

  /// The ioctl answers: it lets go of kvm->lock, and past the vCPUs' mutexes it returns 0.
  var terminateEnds: [Property] {
    [
      LeadsTo(
        "L-11-lock", "KVM_TDX_TERMINATE_VM does not keep kvm->lock", cites: "kvm-tdx L-11",
        fairness: [.strong(threadsOf: HostThread.self)]
      ) {
        holding(kvm.kvmLock)
      } then: {
        !holding(kvm.kvmLock)
      },
      LeadsTo(
        "L-11", "KVM_TDX_TERMINATE_VM returns 0 once it has killed the VM", cites: "kvm-tdx L-11",
        fairness: [.strong(threadsOf: HostThread.self)]
      ) {
        inside(Self.ioctlName)
        kvm.vmDead
      } then: {
        terminated
      },
    ]
  }

  /// The vCPUs have left KVM_RUN.
  var cost: CostModel {
    kvm.shutdownCost {
      Do(Self.ioctlName, answers: .ok)
      Do("close(guest_memfd)", 0, answers: .ok)
      Do("close(VM and vCPU descriptors)", answers: .ok)
    }
  }

  /// What user space sees, call by call.
  var scenarios: [Property] {
    [
      Scenario(
        "S001-A", "after TERMINATE every ioctl is refused, but files close and memory comes back",
        cites: "seed 001", "kvm-tdx §5.d"
      ) {
        Do("KVM_RUN", 0, answers: .ok)
        Do(Self.ioctlName, answers: .ok)
        Do(Self.ioctlName, answers: .EIO)
        Do("KVM_RUN", 0, answers: .EIO)
        Do(KVMState.slotDeleteName, 0, answers: .EIO)
        Do("fallocate(PUNCH_HOLE)", 0, answers: .ok)
        Do("close(guest_memfd)", 0, answers: .ok)
        Do("close(VM and vCPU descriptors)", answers: .ok)
      }
      .expect(.violated, when: kvm.td.created == 0, because: "it starts from a finalised TD"),
      ImpossibleScenario(
        "S001-B", "no memslot is deleted after TERMINATE", cites: "seed 001"
      ) {
        Do(Self.ioctlName, answers: .ok)
        Do(KVMState.slotDeleteName, 0, answers: .ok)
      },
    ]
  }

  private var close: Action { kvm.gmemClose(withoutHKID: .reclaim) }
  private var punchHole: Action { kvm.punchHole(withoutHKID: .reclaim) }

  private var slotDelete: Action {
    let late = Local<Bool>("gate read after TERMINATE returned")
    return kvm.slotDelete(
      withoutHKID: .reclaim, atGate: Statements { late <- terminated },
      atSuccess: Statements { When(late) { deletedAfterTerminate <- true } })
  }
}
