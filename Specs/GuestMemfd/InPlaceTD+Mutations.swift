import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Steps that the rules of in-place conversion, of the module and of teardown forbid to move.
extension InPlaceTD {
  @ListBuilder<Mutation> var mutations: [Mutation] {
    removalMutations
    largeMutations
    userMutations
    raceMutations
  }

  @ListBuilder<Mutation> var terminateMutations: [Mutation] {
    Mutation(
      "W1-convert", "write mmu_lock is not taken while the HKID is released",
      caughtBy: ["S-11", "S-7", "I-SEPT-SHARED", "S-23"], at: "small", cites: "kvm-tdx W1"
    ) { Without(lock: kvm.mmuLock, in: KVMState.terminateName) }
    Mutation(
      "no-gate", "a conversion is allowed after KVM_TDX_TERMINATE_VM", caughtBy: ["C-DEAD"],
      at: "gated", cites: "kvm-tdx S-24"
    ) { Without(refusal: .EIO, in: PageSharing.convertName) }
    removalMutations
  }

  /// What has to be done before the host may have the page.
  @ListBuilder<Mutation> private var removalMutations: [Mutation] {
    Mutation(
      "commit-first", "the attribute says shared before the pages are removed",
      caughtBy: ["I-SEPT-SHARED", "S-7"], at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.storesShared)
      Replacing(step: "invalidation begins", in: PageSharing.convertName) {
        Step(Self.storesShared) { stores(.shared) }
        kvm.invalidationBegins(f.element)
      }
    }
    Mutation(
      "no-track", "TDH.MEM.TRACK does nothing: the module keeps the page, the attribute is stored",
      caughtBy: ["S-23", "I-SEPT-SHARED"], at: "small", cites: "kvm-tdx B-10"
    ) { Replacing(step: "TDH.MEM.TRACK completes") { Step("TDH.MEM.TRACK completes") {} } }
    Mutation(
      "no-kick", "nobody is kicked out of the guest after TDH.MEM.TRACK",
      caughtBy: ["S-23", "I-SEPT-SHARED"], at: "small", cites: "kvm-tdx B-10"
    ) { Without(step: "kicks all vCPUs and waits until they left the guest") }
    Mutation(
      "no-wbinvd", "what the TD wrote is not written back", caughtBy: ["I-SEPT-SHARED", "S-9"],
      at: "small", cites: "kvm-tdx S-9"
    ) { Without(call: "TDH.PHYMEM.PAGE.WBINVD") }
    Mutation(
      "no-vma-ref", "a mapping does not keep the file", caughtBy: ["T-MAPPING-PINS"], at: "small",
      cites: "guest-memfd §1.7"
    ) { Without(check: "vma[f] is false", in: Self.closeName) }
  }

  @ListBuilder<Mutation> private var largeMutations: [Mutation] {
    Mutation(
      "late-split", "the folio is split, which can fail, after TDH.MEM.PAGE.DEMOTE",
      caughtBy: ["I-CONV-ATOMIC"], at: "large", cites: "guest-memfd §5.1"
    ) {
      Without(step: Self.freezes)
      Replacing(step: Self.storesShared) {
        Step(Self.freezes) { freezesFolio }
        Step(Self.storesShared) { stores(.shared) }
      }
    }
    Mutation(
      "late-demote", "the pages are removed from the TD before TDH.MEM.PAGE.DEMOTE",
      caughtBy: ["S-23", "I-SEPT-SHARED"], at: "large", cites: "guest-memfd §5.1"
    ) { Without(call: RunnableTD.demoteName) }
    Mutation(
      "no-demote", "the whole leaf of 2 MiB is removed for some of its pages",
      caughtBy: ["I-UNAFFECTED"], at: "large", cites: "guest-memfd I-UNAFFECTED"
    ) {
      Replacing(step: "TDH.MEM.PAGE.DEMOTE completes") {
        Step("TDH.MEM.PAGE.DEMOTE completes") {
          Each(Page.self) { p in
            kvm.td.sept[p] <- .free
            accepted[p] <- false
          }
          taken <- those(Page.self) { _ in Condition(.yes) }
          Each(File.self) { f in large[f] <- false }
        }
      }
    }
  }

  /// What a conversion to private has to do about user space.
  @ListBuilder<Mutation> private var userMutations: [Mutation] {
    Mutation(
      "no-unmap", "a conversion to private leaves user page tables alone",
      caughtBy: ["P-CONVERT"], at: "small", cites: "guest-memfd §2.2"
    ) { Without(step: PageSharing.unmaps) }
    Mutation(
      "B17", "references are counted before the LRU batches are drained",
      caughtBy: ["P-CONVERT"], at: "small", cites: "guest-memfd B17"
    ) { Without(step: PageSharing.looksAtFolio) }
    Mutation(
      "early-put", "a user fault drops its reference before the page table entry is there",
      caughtBy: ["S-7", "I-PTE-KIND"], at: "small", cites: "guest-memfd §2.2"
    ) {
      Replacing(step: PageSharing.findsFolio) {
        Step(PageSharing.findsFolio) {
          Require(!holding(kvm.invalidateLock[kvm.fileOf[sharing.p]]))
          sharing.findFolio(keepingReference: false)
        }
      }
    }
    Mutation(
      "early-store", "the attribute says private while user space still maps the page",
      caughtBy: ["I-PTE-KIND"], at: "small", cites: "guest-memfd §2.2"
    ) {
      Without(step: Self.storesPrivate)
      Replacing(step: PageSharing.preallocates) {
        Step(PageSharing.preallocates) {}
        When(sharing.target == .private) { Step(Self.storesPrivate) { stores(.private) } }
      }
    }
  }

  /// Faults that a conversion overtakes.
  @ListBuilder<Mutation> private var raceMutations: [Mutation] {
    Mutation(
      "no-begin", "a conversion begins no invalidation", caughtBy: ["I-SEPT-SHARED"], at: "small",
      cites: "guest-memfd I-INV-ORDER"
    ) { Without(step: "invalidation begins", in: PageSharing.convertName) }
    Mutation(
      "no-seq", "mmu_invalidate_seq does not move on", caughtBy: ["I-SEPT-SHARED"], at: "small",
      cites: "guest-memfd I-INV-SEQ"
    ) {
      Replacing(step: "invalidation ends") {
        Step("invalidation ends") { Each(File.self) { f in kvm.invalidating[f] <- false } }
      }
    }
    Mutation(
      "late-store", "the attribute is stored after the invalidation has ended",
      caughtBy: ["I-SEPT-SHARED"], at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.storesShared)
      Replacing(step: "invalidation ends", in: PageSharing.convertName) {
        kvm.invalidationEnds(f.element)
        When(sharing.target == .shared) { Step(Self.storesShared) { stores(.shared) } }
      }
    }
  }
}
