import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Mutations of what concerns the guest, the host's protection and holes.
extension HugePageFile {
  @ListBuilder<Mutation> var guestMutations: [Mutation] {
    Mutation(
      "B9", "an invalidation covers the pages that change and not their blocks",
      caughtBy: ["I-HUGE-UNIFORM"], at: "small", cites: "guest-memfd B9"
    ) {
      Replacing(step: Self.beginsShared) {
        Step(Self.beginsShared) {
          hull <- work
          zapsEntries { q in work.contains(q) || becomesSmall(midOf[q]) }
        }
      }
    }
    Mutation(
      "no-begin", "a conversion to shared begins no invalidation", caughtBy: ["I-SPTE-KIND"],
      at: "small", cites: "guest-memfd I-INV-ORDER"
    ) {
      Replacing(step: Self.beginsShared) {
        Step(Self.beginsShared) {
          zapsEntries { q in work.contains(q) || becomesSmall(midOf[q]) }
        }
      }
    }
    Mutation(
      "no-seq", "mmu_invalidate_seq does not move on", caughtBy: ["I-SPTE-KIND"], at: "small",
      cites: "guest-memfd I-INV-SEQ"
    ) {
      Replacing(step: Self.endsConversion) {
        Step(Self.endsConversion) {
          hull <- SetOf<Page>.empty
          changed <- false
          Release(invalidateLock)
        }
      }
    }
    Mutation(
      "no-retry", "a guest fault installs whatever it found", caughtBy: ["I-SPTE-KIND"],
      at: "small", cites: "guest-memfd I-FAULT"
    ) {
      Replacing(step: Self.installs(.private)) {
        Step(Self.installs(.private)) {
          fault[v] <- .none
          faultSize[v] <- .small
          install(.private)
        }
      }
    }
    Mutation(
      "no-zap-shared", "a conversion to private leaves the guest's shared entries",
      caughtBy: ["I-SPTE-KIND"], at: "small", cites: "guest-memfd §2.4"
    ) { Replacing(step: Self.beginsPrivate) { Step(Self.beginsPrivate) { coversBlocks } } }
    Mutation(
      "level-by-share", "the size of a mapping is told by what is shared, not by the folio",
      caughtBy: ["I-LEVEL"], at: "never", cites: "guest-memfd §2.4"
    ) {
      Replacing(step: Self.getsPFN(.private)) {
        Step(Self.getsPFN(.private)) { getPFN(.private, by: .share) }
      }
    }
  }

  @ListBuilder<Mutation> var protectionMutations: [Mutation] {
    Mutation(
      "no-demote", "an S-EPT entry that reaches beyond the range is removed as it is",
      caughtBy: ["I-UNAFFECTED"], at: "tdx", cites: "guest-memfd §5.1"
    ) { Replacing(step: Self.beginsShared) { Step(Self.beginsShared) { coversBlocks } } }
    Mutation(
      "zap-early", "pages leave the S-EPT before it is known that the folios are free",
      caughtBy: ["I-ROLLBACK"], at: "tdx", cites: "guest-memfd §5.1"
    ) {
      Replacing(step: Self.freezesSplit) {
        Step(Self.zapsPrivate) { losesPrivate }
        freezesForSplit
      }
    }
    Mutation(
      "no-rmp", "pages that turn shared stay the guest's in the RMP", caughtBy: ["I-RMP"],
      at: "snp", cites: "guest-memfd I-RMP"
    ) { Without(step: Self.releasesRMP) }
    Mutation(
      "no-psmash", "an RMP entry of 2 MiB is not smashed", caughtBy: ["I-RMP-WHOLE"], at: "snp",
      cites: "guest-memfd §5.2"
    ) {
      Replacing(step: Self.releasesRMP) {
        Step(Self.releasesRMP) {
          Each(Page.self) { q in When(work.contains(q)) { assigned[q] <- false } }
        }
      }
    }
    Mutation(
      "B6", "a page is made private in the RMP because the fault was one of a private page",
      caughtBy: ["I-RMP"], at: "snp", cites: "guest-memfd B6"
    ) {
      Replacing(step: Self.getsPFN(.private)) {
        Step(Self.getsPFN(.private)) { getPFN(.private, preparing: Condition(.yes)) }
      }
    }
  }

  @ListBuilder<Mutation> var holeMutations: [Mutation] {
    Mutation(
      "zero-folio", "a hole in a whole block zeroes all of its folio", caughtBy: ["I-UNAFFECTED"],
      at: "small", cites: "guest-memfd §2.4"
    ) {
      Replacing(step: Self.zeroes) {
        Step(Self.zeroes) {
          When(
            exists(Page.self) { q in
              blockOf(q) == blockOf(p.element) && block[blockOf(q)] == .whole && !isMeant(q)
            }
          ) { overreached <- true }
        }
      }
    }
    Mutation(
      "free-held", "a truncated block goes back although somebody holds a folio",
      caughtBy: ["I-WAIT"], at: "small", cites: "guest-memfd I-WAIT"
    ) {
      Replacing(step: Self.truncates) {
        Step(Self.truncates) {
          block[blockOf(p.element)] <- .absent
          stash[blockOf(p.element)] <- false
          Each(MidPage.self) { m in
            When(blockOf[m] == blockOf(p.element)) { midSplit[m] <- false }
          }
        }
      }
    }
  }
}
