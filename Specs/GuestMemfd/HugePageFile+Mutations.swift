import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What RFC v2 does differently, bugs of the past, and steps that must not be left out.
extension HugePageFile {
  @ListBuilder<Mutation> var mutations: [Mutation] {
    structureMutations
    guestMutations
    protectionMutations
    holeMutations
  }

  @ListBuilder<Mutation> private var structureMutations: [Mutation] {
    Mutation(
      "no-look", "a conversion to private does not look at the folios",
      caughtBy: ["I-CONV-REF", "I-RESTRUCT-REF"], at: "small", cites: "guest-memfd I-CONV-REF"
    ) { Replacing(step: Self.freezesMerged) { Step(Self.freezesMerged) { freezesMerging } } }
    Mutation(
      "items-only", "only the folios of the range are looked at, not those merged with them",
      caughtBy: ["I-RESTRUCT-REF"], at: "small", cites: "guest-memfd §2.4"
    ) {
      Replacing(step: Self.freezesMerged) {
        freezesOrGivesUp(
          Self.freezesMerged, if: forAll(Page.self) { q in work.contains(q) ==> !isBusy(q) }
        ) { freezesMerging }
      }
    }
    Mutation(
      "no-freeze", "a split does not look at who holds the folio", caughtBy: ["I-RESTRUCT-REF"],
      at: "small", cites: "guest-memfd I-RESTRUCT-REF"
    ) {
      Replacing(step: Self.freezesSplit) {
        Step(Self.freezesSplit) {
          Each(HugePage.self) { h in
            When(exists(Page.self) { q in isIn(q, h) && willSplit(q) }) { block[h] <- .frozen }
          }
        }
      }
    }
    Mutation(
      "forced-merge", "a merge does not ask whether another page is shared", caughtBy: ["I-S"],
      at: "small", cites: "guest-memfd §2.4"
    ) {
      Replacing(step: Self.freezesMerged) {
        freezesOrGivesUp(
          Self.freezesMerged,
          if: forAll(Page.self) { q in isTouched(blockOf(q)) ==> !isBusy(q) }
        ) {
          Each(HugePage.self) { h in
            When(block[h] == .split && isTouched(h)) { block[h] <- .frozen }
          }
        }
      }
      Replacing(step: Self.mergesBlocks) {
        Step(Self.mergesBlocks) {
          Each(HugePage.self) { h in When(block[h] == .frozen) { becomesWhole(h) } }
        }
      }
    }
    Mutation(
      "no-merge", "a conversion puts the small folios back", caughtBy: ["P-MERGE"], at: "small",
      cites: "guest-memfd P-MERGE"
    ) {
      Replacing(step: Self.mergesBlocks) {
        Step(Self.mergesBlocks) {
          Each(HugePage.self) { h in When(block[h] == .frozen) { block[h] <- .split } }
        }
      }
    }
    Mutation(
      "no-split", "a conversion to shared leaves the block whole", caughtBy: ["I-S"], at: "small",
      cites: "guest-memfd I-S"
    ) {
      Replacing(step: Self.splitsBlocks) {
        Step(Self.splitsBlocks) {
          Each(HugePage.self) { h in When(block[h] == .frozen) { becomesWhole(h) } }
        }
      }
    }
    Mutation(
      "no-put-back", "a split leaves the block out of the file", caughtBy: ["I-FROZEN"],
      at: "small", cites: "guest-memfd I-COVER"
    ) { Without(step: Self.splitsBlocks) }
    Mutation(
      "no-unmap", "a conversion to private leaves user page tables alone", caughtBy: ["S3-3"],
      at: "small", cites: "guest-memfd §2.4"
    ) { Without(step: Self.unmapsUsers) }
    Mutation(
      "merge-busy", "a merge on demand does not look at who holds the folios",
      caughtBy: ["I-RESTRUCT-REF"], at: "demand", cites: "guest-memfd §4"
    ) { Replacing(step: Self.looksAtBlock) { Step(Self.looksAtBlock) { freezes(merged.element) } } }
  }
}
