import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Bugs of guest_memfd's history that can be told in this model (guest-memfd §6), and locks and
/// steps that it needs.
extension GmemMainline {
  @ListBuilder<Mutation>
  var bugs: [Mutation] {
    history
    locks
    steps
  }

  @ListBuilder<Mutation>
  private var history: [Mutation] {
    Mutation(
      "B2", "a memslot that goes while its file dies stays in the bindings",
      caughtBy: ["I-BIND-LIVE"], at: "race", cites: "guest-memfd B2"
    ) {
      Replacing(step: Self.unbindsDying) {
        Step(Self.unbindsDying) { slotFile[s] <- nil }
      }
    }
    Mutation(
      "B4", "a binding does not look at what is bound", caughtBy: ["I-BIND-EXCL"], at: "slots",
      cites: "guest-memfd B4"
    ) { Replacing(step: Self.binds) { Step(Self.binds) { intoBindings } } }
    Mutation(
      "B8", "only some of a memslot's pages get into the bindings", caughtBy: ["I-BIND-TOTAL"],
      at: "small", cites: "guest-memfd B8"
    ) {
      Replacing(step: Self.activates) {
        Step(Self.activates) {
          slot[s] <- .active
          Each(FileIndex.self) { i in When(bindings[f, i] == s) { bindings[f, i] <- nil } }
        }
      }
    }
    Mutation(
      "B13", "a page is handed out before it is zeroed", caughtBy: ["I-ZERO"], at: "small",
      cites: "guest-memfd B13"
    ) { Without(step: Self.getsFolio, in: "KVM_PRE_FAULT_MEMORY") }
  }

  @ListBuilder<Mutation>
  private var locks: [Mutation] {
    Mutation(
      "no-srcu", "a deletion does not wait for faults that have seen the memslot",
      caughtBy: ["I-SPTE-CACHE"], at: "race", cites: "guest-memfd §1.4"
    ) { Without(step: Self.syncs) }
    Mutation(
      "no-folio-lock", "user faults do not lock the page", caughtBy: ["I-PTE-CACHE"],
      at: "race-shared", cites: "guest-memfd §1.4"
    ) { Without(locks: folioLock, in: "touch") }
    Mutation(
      "no-mmap-lock", "munmap does not wait for user faults", caughtBy: ["I-PTE-KIND"],
      at: "race-shared", cites: "guest-memfd §1.6"
    ) { Without(lock: mmapLock, in: "munmap") }
    Mutation(
      "no-invalidate-lock", "a hole is punched without invalidate_lock",
      caughtBy: ["I-SPTE-CACHE"], at: "race", cites: "guest-memfd §1.5"
    ) { Without(lock: invalidateLock[f], in: "fallocate") }
    Mutation(
      "no-kvm-lock", "KVM_CREATE_VCPU takes no kvm->lock: its check and effect are one step here",
      caughtBy: [], at: "race", cites: "kvm-tdx §2.4"
    ) { Without(lock: kvmLock, in: "KVM_CREATE_VCPU") }
  }

  @ListBuilder<Mutation>
  private var steps: [Mutation] {
    Mutation(
      "no-sequence", "an invalidation ends unnoticed by faults that began before it",
      caughtBy: ["I-SPTE-CACHE"], at: "race", cites: "guest-memfd I-INV-SEQ"
    ) {
      Replacing(step: Self.ends) {
        Step(Self.ends) {
          When(inProgress == 1) { hull <- .empty }
          inProgress <- inProgress - 1
        }
      }
    }
    Mutation(
      "no-retry", "a fault takes no notice of invalidations", caughtBy: ["I-SPTE-CACHE"],
      at: "race", cites: "guest-memfd I-FAULT"
    ) { Without(refusal: .EAGAIN, in: "kvm_mmu_faultin_pfn") }
    Mutation(
      "punch-keeps-spte", "a hole is punched without an invalidation",
      caughtBy: ["I-SPTE-CACHE"], at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.begins, in: "fallocate")
      Without(step: Self.ends, in: "fallocate")
    }
    Mutation(
      "punch-keeps-pte", "a hole is punched under what user space has mapped",
      caughtBy: ["I-PTE-CACHE"], at: "shared", cites: "guest-memfd §1.4"
    ) {
      Replacing(step: Self.truncation) {
        Step("truncates") {
          Each(FileIndex.self) { i in
            When(extent.contains(i)) {
              folio[f, i] <- .absent
              content[f, i] <- nil
            }
          }
        }
      }
    }
    Mutation(
      "attribute-keeps-spte", "an attribute changes under what the guest has mapped",
      caughtBy: ["I-SPTE-KIND"], at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.begins, in: "KVM_SET_MEMORY_ATTRIBUTES")
      Without(step: Self.ends, in: "KVM_SET_MEMORY_ATTRIBUTES")
    }
    Mutation(
      "release-keeps-spte", "the last close of a file leaves what the guest has mapped",
      caughtBy: ["I-SPTE-RELEASE"], at: "small", cites: "guest-memfd I-SPTE-RELEASE"
    ) {
      Without(step: Self.begins, in: Self.releaseName)
      Without(step: Self.ends, in: Self.releaseName)
    }
    Mutation(
      "error-keeps-spte", "the guest keeps a page whose memory failed", caughtBy: ["I-ERRPG"],
      at: "poison", cites: "guest-memfd I-ERRPG"
    ) {
      Without(step: Self.begins, in: Self.failureName)
      Without(step: Self.ends, in: Self.failureName)
    }
    Mutation(
      "file-holds-nothing", "files hold no reference to the VM", caughtBy: ["I-REF-KVM"],
      at: "small", cites: "guest-memfd I-REF-KVM"
    ) {
      Without(
        check: "for every File f, gmem_file[f] is none or released or evicted",
        in: "kvm_destroy_vm")
    }
    Mutation(
      "slot-holds-file", "a memslot holds a reference to its file", caughtBy: ["I-WEAK"],
      at: "small", cites: "guest-memfd I-WEAK"
    ) {
      Replacing(step: Self.lastReference) {
        Step(Self.lastReference) { Require(Condition(.no)) }
      }
    }
  }
}
