import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Bugs of the design's history, and steps that its rules forbid to move.
extension InPlaceConversion {
  @ListBuilder<Mutation> public var mutations: [Mutation] {
    usersMutations
    guestMutations
    Mutation(
      "B3", "a memslot is unbound without invalidate_lock", caughtBy: ["I-BIND-STABLE"],
      at: "small", cites: "guest-memfd B3"
    ) { Without(lock: invalidateLock[f], in: Self.deleteName) }
    Mutation(
      "B7", "a memslot is bound before its metadata is there", caughtBy: ["I-BIND-READY"],
      at: "small", cites: "guest-memfd B7"
    ) {
      Without(step: Self.prepares)
    }
  }

  /// What a conversion to private has to do about user space.
  @ListBuilder<Mutation> private var usersMutations: [Mutation] {
    Mutation(
      "early-put", "a user fault drops its reference before the page table entry is there",
      caughtBy: ["I-PTE-KIND"], at: "small", cites: "guest-memfd §2.2"
    ) {
      Replacing(step: PageSharing.findsFolio) {
        Step(PageSharing.findsFolio) { sharing.findFolio(keepingReference: false) }
      }
    }
    Mutation(
      "no-unmap", "a conversion to private leaves user page tables alone",
      caughtBy: ["P-CONVERT"], at: "small", cites: "guest-memfd §2.2"
    ) { Without(step: PageSharing.unmaps) }
    Mutation(
      "no-look", "a conversion to private does not look at the folios", caughtBy: ["I-CONV-REF"],
      at: "small", cites: "guest-memfd I-CONV-REF"
    ) {
      Without(step: PageSharing.looksAtFolio)
      Without(step: PageSharing.counts)
    }
    Mutation(
      "mapcount-only", "a conversion to private looks at mappings and not at references",
      caughtBy: ["I-PTE-KIND"], at: "small", cites: "guest-memfd §2.2"
    ) { Without(step: PageSharing.counts) }
    Mutation(
      "early-store", "the attribute is stored before the folios are looked at",
      caughtBy: ["I-CONV-ATOMIC"], at: "small", cites: "guest-memfd I-CONV-ATOMIC"
    ) {
      Without(step: Self.storesPrivate)
      Replacing(step: PageSharing.preallocates) {
        Step(PageSharing.preallocates) {}
        Step(Self.storesPrivate) { storesAttribute(.private) }
      }
    }
    Mutation(
      "B17", "the LRU batches are not drained", caughtBy: ["P-CONVERT"], at: "small",
      cites: "guest-memfd B17"
    ) {
      Replacing(step: PageSharing.looksAtFolio) { Step(PageSharing.looksAtFolio) {} }
    }
  }

  /// What a conversion has to do about the guest, and in which order.
  @ListBuilder<Mutation> private var guestMutations: [Mutation] {
    Mutation(
      "no-begin", "a conversion begins no invalidation", caughtBy: ["I-SPTE-KIND"], at: "small",
      cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.beginsPrivate)
      Without(step: Self.beginsShared)
    }
    Mutation(
      "late-store", "a conversion stores the attribute after the invalidation has ended",
      caughtBy: ["I-SPTE-KIND"], at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Without(step: Self.storesPrivate)
      Without(step: Self.storesShared)
      Replacing(step: Self.ends) {
        Step(Self.ends) { endsInvalidation(f.element) }
        Step(Self.storesShared) { storesAttribute(.shared) }
      }
    }
    Mutation(
      "no-seq", "mmu_invalidate_seq does not move on", caughtBy: ["I-SPTE-KIND"], at: "small",
      cites: "guest-memfd I-INV-SEQ"
    ) {
      Replacing(step: Self.ends) {
        Step(Self.ends) { invalidating[f] <- false }
      }
    }
    Mutation(
      "no-retry", "a guest fault installs whatever it found", caughtBy: ["I-SPTE-KIND"],
      at: "small", cites: "guest-memfd I-FAULT"
    ) {
      Replacing(step: Self.installs(.private)) {
        Step(Self.installs(.private)) { installsSPTE(.private) }
      }
      Replacing(step: Self.installs(.shared)) {
        Step(Self.installs(.shared)) { installsSPTE(.shared) }
      }
    }
    Mutation(
      "late-rmp", "pages turn shared in the RMP after the attribute says so", caughtBy: ["I-RMP"],
      at: "snp", cites: "guest-memfd §2.2"
    ) {
      Without(step: Self.makesShared)
      Replacing(step: Self.storesShared) {
        Step(Self.storesShared) { storesAttribute(.shared) }
        Step(Self.makesShared) { makesPagesShared }
      }
    }
    Mutation(
      "B6", "shared pages are prepared like private ones", caughtBy: ["I-RMP"], at: "snp",
      cites: "guest-memfd B6"
    ) {
      Replacing(step: Self.getsPFN) {
        Step(Self.getsPFN) { getPFN(preparing: Condition(.yes)) }
      }
    }
  }
}
