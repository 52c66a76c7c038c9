import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Safety properties, by the ids of guest-memfd §7.1.
extension HugePageFile {
  @ListBuilder<Property> var mappingProperties: [Property] {
    Always(
      "I-PTE-KIND", "user space maps only shared pages", cites: "guest-memfd I-PTE-KIND"
    ) { forAll(Page.self) { p in userPTE[p] ==> share[p] == .shared } }
    .expect(.vacuous, when: users == 0, because: "user space touches nothing")
    Always(
      "I-PTE-CACHE", "what user space maps is a folio of 4 KiB in the file",
      cites: "guest-memfd I-PTE-CACHE"
    ) {
      forAll(Page.self) { p in
        userPTE[p] ==> isSmall(p) || block[blockOf(p)] == .frozen && midSplit[midOf[p]]
      }
    }
    .expect(.vacuous, when: users == 0, because: "user space touches nothing")
    Always(
      "I-SPTE-CACHE", "what the guest maps is in the file, and the memslot is there",
      cites: "guest-memfd I-SPTE-CACHE", "guest-memfd I-FREE"
    ) {
      forAll(Page.self) { p in
        isMapped(p) && !hull.contains(p)
          ==> block[blockOf(p)].in(.whole, .split, .frozen) && (bound || isUnmapping)
      }
    }
    .expect(
      .vacuous, unlessMade: [Self.runName(.private), Self.runName(.shared)],
      because: "no thread runs a vCPU")
    Always(
      "I-SPTE-KIND", "the guest maps a page as what it is", cites: "guest-memfd I-SPTE-KIND"
    ) {
      forAll(Page.self) { p in
        !hull.contains(p)
          ==> (spte[p] == .shared ==> share[p] == .shared)
          && (mapsPrivate(p) ==> share[p] == .private)
      }
    }
    Always(
      "I-HUGE-UNIFORM", "a large entry covers private pages only",
      cites: "guest-memfd I-HUGE-UNIFORM"
    ) {
      forAll(HugePage.self) { h in hugeSPTE[h] && !isInHull(h) ==> !hasShared(h) }
      forAll(MidPage.self) { m in midSPTE[m] && !isInHull(m) ==> !hasShared(m) }
    }
    Always(
      "I-LEVEL", "an entry is no larger than the folio", cites: "guest-memfd I-LEVEL"
    ) {
      forAll(HugePage.self) { h in hugeSPTE[h] && !isInHull(h) ==> block[h].in(.whole, .frozen) }
      forAll(MidPage.self) { m in
        midSPTE[m] && !isInHull(m) ==> block[blockOf[m]].in(.whole, .frozen) || !midSplit[m]
      }
    }
    Always(
      "I-SINGLE", "no page is mapped by two entries", cites: "guest-memfd I-SINGLE"
    ) {
      forAll(Page.self) { p in
        !(hugeSPTE[blockOf(p)] && (midSPTE[midOf[p]] || spte[p] != .none))
          && !(midSPTE[midOf[p]] && spte[p] != .none)
      }
    }
    Always(
      "I-SPTE-RELEASE", "the guest maps nothing of a file that was released",
      cites: "guest-memfd I-SPTE-RELEASE"
    ) { gmem == .released ==> forAll(Page.self) { p in !isMapped(p) } }
    .expect(.vacuous, unlessMade: [Self.closeName], because: "no thread closes the file")
  }

  private var isUnmapping: Condition { inside(Self.deleteName) }

  private func isInHull(_ h: Expr<HugePage>) -> Condition {
    exists(Page.self) { p in isIn(p, h) && hull.contains(p) }
  }

  func isInHull(_ m: Expr<MidPage>) -> Condition {
    exists(Page.self) { p in midOf[p] == m && hull.contains(p) }
  }

  @ListBuilder<Property> var structureProperties: [Property] {
    Always(
      "I-S", "a block that is whole has no shared page", cites: "guest-memfd I-S"
    ) {
      forAll(HugePage.self) { h in
        block[h] == .whole && !isLocked ==> !hasShared(h)
      }
      forAll(Page.self) { p in
        share[p] == .shared && block[blockOf(p)] == .split && !isLocked
          ==> midSplit[midOf[p]]
      }
    }
    Always(
      "I-COVER", "no block is lost: it is in the file, on its way to the pool, or in it",
      cites: "guest-memfd I-COVER"
    ) { forAll(HugePage.self) { h in block[h] != .lost } }
    Always(
      "I-FROZEN", "a block is out of the file only while a call splits or merges it",
      cites: "guest-memfd I-COVER"
    ) { forAll(HugePage.self) { h in block[h] == .frozen ==> isLocked } }
    Always(
      "I-STASH", "what a hugetlb page was is kept exactly while its block is split",
      cites: "guest-memfd I-STASH"
    ) {
      forAll(HugePage.self) { h in
        (block[h] == .split ==> stash[h]) && (block[h].in(.absent, .whole) ==> !stash[h])
      }
    }
    Always(
      "I-WAIT", "a block goes back to its pool when nobody holds a folio of it",
      cites: "guest-memfd I-WAIT"
    ) { forAll(HugePage.self) { h in block[h] == .absent ==> !isBusy(h) } }
    Always(
      "I-RESV", "the file has no more huge pages than it has blocks", cites: "guest-memfd I-RESV"
    ) { those(HugePage.self) { h in block[h] != .absent }.count() + inHand <= huges }
    Always(
      "I-RESTRUCT-REF", "a folio that is split or merged is nobody's",
      cites: "guest-memfd I-RESTRUCT-REF"
    ) {
      forAll(Page.self) { p in
        block[blockOf(p)] == .frozen && (staged == 0 || !midSplit[midOf[p]]) ==> !isBusy(p)
      }
    }
  }

  @ListBuilder<Property> var invalidationProperties: [Property] {
    Always(
      "I-INV-BAL", "an invalidation in progress is that of one call", cites: "guest-memfd I-INV-BAL"
    ) { exists(Page.self) { p in hull.contains(p) } ==> isLocked }
    Always(
      "I-UNAFFECTED", "nothing is lost outside of the pages that a call is about",
      cites: "guest-memfd I-UNAFFECTED", "guest-memfd I-PUNCH"
    ) { !overreached }
  }

  @ListBuilder<Property> var sharingProperties: [Property] {
    Always(
      "I-CONV-REF", "user space holds no folio of a private page", cites: "guest-memfd I-CONV-REF"
    ) { forAll(Page.self) { p in share[p] == .private ==> pinned != p && !userPTE[p] } }
    Always(
      "I-SEPT-SHARED", "a page that user space maps is in no S-EPT entry",
      cites: "guest-memfd I-SEPT-SHARED"
    ) { forAll(Page.self) { p in userPTE[p] ==> !mapsPrivate(p) } }
    .expect(.vacuous, when: users == 0, because: "user space touches nothing")
    Always(
      "I-RMP", "a page that is the guest's in the RMP is private, and nobody in user space has it",
      cites: "guest-memfd I-RMP"
    ) {
      forAll(Page.self) { p in
        assigned[p] && !isLocked
          ==> share[p] == .private && !userPTE[p] && pinned != p
      }
    }
    .expect(.vacuous, when: protection != HostProtection.snp, because: "there is no RMP")
    Always(
      "I-RMP-LEVEL", "the guest's entries of 2 MiB have RMP entries of 2 MiB",
      cites: "guest-memfd §5.2"
    ) {
      forAll(MidPage.self) { m in
        midSPTE[m] && !isInHull(m) && protection == HostProtection.snp
          ==> midRMP[m] && forAll(Page.self) { p in midOf[p] == m ==> assigned[p] }
      }
    }
    .expect(.vacuous, when: protection != HostProtection.snp, because: "there is no RMP")
    Always(
      "I-RMP-WHOLE", "an RMP entry of 2 MiB has no page of the host's", cites: "guest-memfd §5.2"
    ) {
      forAll(MidPage.self) { m in
        midRMP[m] && !isLocked ==> forAll(Page.self) { p in midOf[p] == m ==> assigned[p] }
      }
    }
    .expect(.vacuous, when: protection != HostProtection.snp, because: "there is no RMP")
  }
}
