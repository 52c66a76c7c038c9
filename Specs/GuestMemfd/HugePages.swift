import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Huge pages in guest_memfd: split and merge of RFC v2 and its policies as variants, in an order
/// that can be unwound (guest-memfd §2.4, §4).
///
/// Nothing of this is in mainline or queued for 7.4. A conversion allocates and freezes first, and
/// then nothing fails any more. RFC v2's own order is `gmem/huge-pages-rfc-v2`.
public struct HugePages: Spec {
  public static let name = "gmem/huge-pages"
  public let summary =
    "guest_memfd: huge pages are split and merged by policy, failures come first (a proposal)"

  let file = HugePageFile()

  public init() {}

  public var actions: [Action] {
    file.convert
    file.mergeOnDemand
    file.mergeLater
    file.actions(touch: file.touch, zeroing: { q in file.isMeant(q) })
  }

  @ListBuilder<Property> public var properties: [Property] {
    file.mappingProperties
    file.structureProperties
    file.invalidationProperties
    file.sharingProperties
    conversion
    progress
    scenarios
    file.lemmas
  }

  @ListBuilder<Property> private var conversion: [Property] {
    Always(
      "I-ROLLBACK", "a conversion that can still fail has changed nothing",
      cites: "guest-memfd I-ROLLBACK", "guest-memfd I-CONV-ATOMIC"
    ) {
      at(HugePageFile.unmapsUsers) || at(HugePageFile.freezesSplit)
        || at(HugePageFile.freezesMerged) ==> !file.changed
    }
    Always(
      "P-MERGE", "merging early: a split block has a shared page, but within a call",
      cites: "guest-memfd P-MERGE"
    ) {
      forAll(HugePage.self) { h in
        file.policy == MergePolicy.early && file.block[h] == .split
          && !holding(file.invalidateLock) ==> file.hasShared(h)
      }
    }
    .expect(
      .vacuous, when: file.policy != MergePolicy.early, because: "blocks stay split for a while")
  }

  @ListBuilder<Property> private var progress: [Property] {
    LeadsTo(
      "P-CONVERT", "a conversion ends, whoever holds the folios", each: HostThread.self,
      cites: "guest-memfd P-NOSPIN", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(HugePageFile.convertName, t)
    } then: { t in
      !inside(HugePageFile.convertName, t)
    }
  }

  public var scopes: [Scope] { HugePageFile.scopes }
  public var mutations: [Mutation] { file.mutations }
}
