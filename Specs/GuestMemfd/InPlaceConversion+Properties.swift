import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceConversion {
  @ListBuilder<Property> public var properties: [Property] {
    mapping
    invalidation
    conversion
    progress
    scenarios
    lemmas
  }

  @ListBuilder<Property> private var mapping: [Property] {
    Always(
      "I-PTE-KIND", "user space maps only shared pages of files that it has mapped",
      cites: "guest-memfd I-PTE-KIND"
    ) {
      forAll(Page.self) { p in
        sharing.userPTE[p] ==> sharing.attribute[p] == .shared && sharing.mapped[fileOf[p]]
      }
    }
    Always(
      "I-PTE-CACHE", "a page that user space maps is in its file", cites: "guest-memfd I-PTE-CACHE"
    ) { forAll(Page.self) { p in sharing.userPTE[p] ==> sharing.cached[p] } }
    Always(
      "I-SPTE-CACHE", "a page that the guest maps is in its file, and the memslot is there",
      cites: "guest-memfd I-SPTE-CACHE"
    ) {
      forAll(Page.self) { p in
        spte[p] != .none && !invalidating[fileOf[p]]
          ==> sharing.cached[p] && slot[fileOf[p]].in(.active, .invalid)
      }
    }
    Always(
      "I-SPTE-KIND", "the guest maps a page as what it is", cites: "guest-memfd I-SPTE-KIND"
    ) {
      forAll(Page.self) { p in
        spte[p] != .none && !invalidating[fileOf[p]]
          ==> (spte[p] == .private) == (sharing.attribute[p] == .private)
      }
    }
    Always(
      "I-SPTE-RELEASE", "the guest maps nothing of a file that was released",
      cites: "guest-memfd I-SPTE-RELEASE"
    ) {
      forAll(Page.self) { p in gmem[fileOf[p]] == .released ==> spte[p] == .none }
    }
    .expect(.vacuous, unlessMade: [Self.closeName], because: Self.nobodyCloses)
    Always(
      "I-RMP", "a page that is the guest's in the RMP is private, and the host does not map it",
      cites: "guest-memfd I-RMP"
    ) {
      forAll(Page.self) { p in
        assigned[p] ==> sharing.attribute[p] == .private && !sharing.userPTE[p]
          && sharing.pinned != p
      }
    }
    .expect(.vacuous, when: backend == Backend.software, because: "there is no RMP")
  }

  @ListBuilder<Property> private var invalidation: [Property] {
    Always(
      "I-INV-BAL", "an invalidation in progress is that of one call", cites: "guest-memfd I-INV-BAL"
    ) {
      forAll(File.self) { f in
        invalidating[f] ==> holding(invalidateLock[f])
      }
    }
    Always(
      "I-BIND-STABLE", "a binding does not change while an invalidation is in progress",
      cites: "guest-memfd I-BIND-STABLE"
    ) {
      forAll(File.self) { f in !(invalidating[f] && at(Self.unbinds, f)) }
    }
    Always(
      "I-BIND-READY", "a memslot that is bound has its metadata", cites: "guest-memfd I-BIND-READY"
    ) { forAll(File.self) { f in bound[f] ==> slot[f] != .absent } }
    Always(
      "I-BIND-LIVE", "no memslot is bound to a file that was released",
      cites: "guest-memfd I-BIND-LIVE"
    ) { forAll(File.self) { f in gmem[f] == .released ==> !bound[f] } }
    .expect(.vacuous, unlessMade: [Self.closeName], because: Self.nobodyCloses)
  }

  @ListBuilder<Property> private var conversion: [Property] {
    Always(
      "I-CONV-REF", "user space holds no folio of a private page", cites: "guest-memfd I-CONV-REF"
    ) {
      forAll(Page.self) { p in
        sharing.attribute[p] == .private ==> sharing.pinned != p && !sharing.faulting[p]
      }
    }
    Always(
      "I-CONV-ATOMIC", "a conversion that can still fail has stored nothing",
      cites: "guest-memfd I-CONV-ATOMIC"
    ) {
      forAll(File.self) { f in
        at(PageSharing.preallocates, f) || at(PageSharing.looksAtFolio, f)
          || at(PageSharing.counts, f)
          ==> !stored.contains(f)
      }
    }
    Possible("to-shared", "a page turns shared and user space maps it", cites: "guest-memfd §2.2") {
      exists(Page.self) { p in sharing.userPTE[p] }
    }
    Possible(
      "to-private", "a page that the guest had shared is private and mapped again",
      cites: "guest-memfd §2.2"
    ) {
      exists(Page.self) { p in spte[p] == .private && sharing.cached[p] && sharing.mapped[fileOf[p]]
      }
    }
  }

  @ListBuilder<Property> private var progress: [Property] {
    LeadsTo(
      "P-RELEASE", "a file whose last reference has gone is released", each: File.self,
      cites: "guest-memfd P-RELEASE", fairness: [.strong(threadsOf: HostThread.self)]
    ) { f in
      gmem[f] == .closing
    } then: { f in
      gmem[f] == .released
    }
    .expect(.vacuous, unlessMade: [Self.closeName], because: Self.nobodyCloses)
    LeadsTo(
      "P-DELETE", "a memslot deletion ends, whatever vCPUs do", each: File.self,
      cites: "guest-memfd P-DELETE", fairness: [.strong(threadsOf: HostThread.self)]
    ) { f in
      slot[f] == .invalid
    } then: { f in
      slot[f] == .absent
    }
    .expect(.vacuous, unlessMade: [Self.deleteName], because: "no memslot is deleted")
    LeadsTo(
      "P-PUNCH", "a punch hole ends, whoever holds the folio", each: HostThread.self,
      cites: "guest-memfd P-PUNCH", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(Self.punchName, t)
    } then: { t in
      !inside(Self.punchName, t)
    }
  }

  /// The calls of one thread, for the first page of the first file.
  @ListBuilder<Property> private var scenarios: [Property] {
    Scenario(
      "P-CONVERT", "a page that user space has just faulted in turns private at the first try",
      cites: "guest-memfd P-CONVERT", "guest-memfd B17"
    ) {
      Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
      Do("mmap", 0, answers: .ok)
      Do("touch", 0, answers: .ok)
      Do(PageSharing.convertName, 0, 1, 0, 0, 0, answers: .ok)
      Do("touch", 0, answers: .SIGBUS)
    }
    Scenario(
      "G-PIN", "a pinned page stays shared, and turns private once it is unpinned",
      cites: "guest-memfd §8.6"
    ) {
      Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
      Do("mmap", 0, answers: .ok)
      Do("touch", 0, answers: .ok)
      Do("pin_user_pages", 0, answers: .ok)
      Do(PageSharing.convertName, 0, 1, 0, 0, 0, answers: .EAGAIN)
      Do("unpin_user_page", answers: .ok)
      Do(PageSharing.convertName, 0, 1, 0, 0, 0, answers: .ok)
    }
    Scenario(
      "G-PUNCH", "a hole does not change whether a page is shared", cites: "guest-memfd §8.6"
    ) {
      Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
      Do("mmap", 0, answers: .ok)
      Do(Self.punchName, 0, answers: .ok)
      Do("touch", 0, answers: .ok)
    }
    Scenario(
      "G-UNALLOCATED", "pages that were never allocated convert both ways",
      cites: "guest-memfd §8.6"
    ) {
      Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
      Do(PageSharing.convertName, 0, 1, 0, 0, 0, answers: .ok)
    }
  }
}
