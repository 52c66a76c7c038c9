import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceTD {
  /// What holds whatever the design of teardown.
  @ListBuilder<Property> var safety: [Property] {
    reach
    kvm.noFreeWhileOwned
    kvm.mappingIsJustified
    kvm.hkidMirror
    kvm.keyLives
    kvm.td.properties
    mapping
    conversion
  }

  private static let failedRemoval = """
    TDH.MR.FINALIZE holds the TDR while the conversion removes the page: the removal fails, and \
    the attribute is stored all the same (kvm-tdx §3.3, §4.2)
    """

  static let nobodyMaps = "nobody maps the file"

  /// Who can get at a page.
  @ListBuilder<Property> private var reach: [Property] {
    Always(
      "S-7", "the host reaches no page that the TD owns", cites: "kvm-tdx S-7",
      "guest-memfd I-PTE-KIND"
    ) {
      forAll(Page.self) { p in
        sharing.userPTE[p] || direct[p] || sharing.pinned == p ==> kvm.td.isFree(p)
      }
    }
    .expect(.vacuous, unlessMade: ["mmap"], because: Self.nobodyMaps)
    .expect(.violated, when: kvm.finaliseRaces, because: Self.failedRemoval)
    Always(
      "I-SEPT-SHARED", "a shared page is in no S-EPT leaf, and what the TD wrote is written back",
      cites: "guest-memfd I-SEPT-SHARED", "kvm-tdx S-9"
    ) {
      forAll(Page.self) { p in
        sharing.attribute[p] == .shared ==> kvm.td.isFree(p) && !kvm.td.dirty[p]
      }
    }
    .expect(.violated, when: kvm.finaliseRaces, because: Self.failedRemoval)
    Always(
      "I-PTE-KIND", "user space maps only shared pages of files that it has mapped",
      cites: "guest-memfd I-PTE-KIND"
    ) {
      forAll(Page.self) { p in
        sharing.userPTE[p] ==> sharing.attribute[p] == .shared && sharing.mapped[kvm.fileOf[p]]
      }
    }
    .expect(.vacuous, unlessMade: ["mmap"], because: Self.nobodyMaps)
    Always(
      "I-FREE", "what is mapped, by the guest or by user space, is in its file",
      cites: "guest-memfd I-FREE", "guest-memfd I-PTE-CACHE"
    ) {
      forAll(Page.self) { p in
        sharing.userPTE[p] || direct[p] && !kvm.invalidating[kvm.fileOf[p]] ==> sharing.cached[p]
      }
    }
    .expect(.vacuous, unlessMade: ["mmap"], because: Self.nobodyMaps)
  }

  @ListBuilder<Property> private var mapping: [Property] {
    Always(
      "I-SPTE-KIND", "the guest maps a page as what it is", cites: "guest-memfd I-SPTE-KIND"
    ) {
      forAll(Page.self) { p in
        (direct[p] || kvm.mirror[p]) && !kvm.invalidating[kvm.fileOf[p]]
          ==> direct[p] == (sharing.attribute[p] == .shared)
      }
    }
    Always(
      "I-SPTE-RELEASE", "the guest maps nothing of a file that was released",
      cites: "guest-memfd I-SPTE-RELEASE"
    ) {
      forAll(Page.self) { p in
        kvm.gmem[kvm.fileOf[p]] == .released ==> !direct[p] && !kvm.mirror[p]
      }
    }
    Always(
      "I-ERRPG", "a page that has failed is mapped by nobody", cites: "guest-memfd I-ERRPG"
    ) {
      forAll(Page.self) { p in
        poisoned[p] && !inside(Self.failName)
          ==> !sharing.userPTE[p] && !direct[p] && !kvm.mirror[p]
      }
    }
    .expect(.vacuous, when: poison == 0, because: "no memory fails")
  }

  /// Steps at which a conversion can still fail.
  private func canFail(_ f: Expr<File>) -> Condition {
    at(PageSharing.preallocates, f) || at(PageSharing.looksAtFolio, f)
      || at(PageSharing.counts, f) || at(Self.freezes, f)
  }

  @ListBuilder<Property> private var conversion: [Property] {
    Always(
      "I-CONV-ATOMIC", "a conversion that can still fail has split, removed and stored nothing",
      cites: "guest-memfd I-CONV-ATOMIC", "guest-memfd §5.1"
    ) {
      forAll(File.self) { f in
        canFail(f) && kvm.slot[f] == .present
          ==> !begun.contains(f)
          && forAll(Page.self) { p in kvm.fileOf[p] == f ==> !taken.contains(p) }
      }
    }
    Always(
      "I-UNAFFECTED", "a conversion takes no contents outside its range",
      cites: "guest-memfd I-UNAFFECTED", "guest-memfd §5.1"
    ) {
      forAll(Page.self) { p in
        at(Self.storesShared, kvm.fileOf[p]) && !at(Self.storesShared, among(p))
          && kvm.slot[kvm.fileOf[p]] == .present && kvm.hkidAssigned
          ==> !taken.contains(p)
      }
    }
    .expect(.vacuous, when: kvm.pages == 1, because: "a range is not empty")
    Always(
      "I-CONV-REF", "user space holds no folio of a private page", cites: "guest-memfd I-CONV-REF"
    ) {
      forAll(Page.self) { p in
        sharing.attribute[p] == .private ==> sharing.pinned != p && !sharing.faulting[p]
      }
    }
    Possible(
      "ZAP", "a page that has left the TD is back, and empty until the guest accepts it",
      cites: "guest-memfd §5.1", "tdx-module §13.1"
    ) {
      kvm.isBuilt
      exists(Page.self) { p in
        kvm.td.sept[p] == .mapped && !accepted[p]
      }
    }
    Possible("to-shared", "user space and the guest map a page", cites: "guest-memfd §2.2") {
      exists(Page.self) { p in sharing.userPTE[p] && direct[p] }
    }
    .expect(.vacuous, unlessMade: ["mmap"], because: Self.nobodyMaps)
    Possible(
      "C-DESCRIPTORS", "a page turns shared when no descriptor of the VM is open",
      cites: "guest-memfd §1.3"
    ) {
      !kvm.vmOpen
      at(Self.storesShared)
    }
    Possible(
      "C-DEMOTE", "a part of a large mapping is about to turn shared, the rest stays",
      cites: "guest-memfd §5.1"
    ) {
      level == 1
      at(Self.storesShared)
      exists(Page.self) { p in accepted[p] && kvm.mirror[p] && !large[kvm.fileOf[p]] }
    }
    .expect(.vacuous, when: level == 0, because: "all mappings are of 4 KiB")
  }

  /// Teardown waits for files, files wait for mappings.
  var order: Property {
    Always(
      "I-ORDER", "the VM is destroyed when its files are released and not mapped",
      cites: "guest-memfd I-ORDER", "guest-memfd I-REF-KVM"
    ) {
      destroying
        ==> kvm.filesAreGone && forAll(File.self) { f in !sharing.mapped[f] }
    }
  }

  /// What a design that wants a dead VM left alone would need.
  var refusal: Property {
    Always(
      "C-DEAD", "a conversion that finds the VM dead changes nothing", cites: "kvm-tdx S-24"
    ) {
      forAll(File.self) { f in
        at(Self.storesPrivate, f) || at(Self.storesShared, f) ==> !late.contains(f)
      }
    }
    .expect(
      .violated, when: gate == 0,
      because: "calls on a guest_memfd descriptor do not look at vm_dead (guest-memfd §2.2)")
  }

  @ListBuilder<Property> var progress: [Property] {
    kvm.closeEnds
    kvm.slotDeletionEnds
    kvm.memoryComesBackInTheEnd
    kvm.destroyCompletes
    LeadsTo(
      "C-END", "a conversion ends, whatever vCPUs and user space do", each: HostThread.self,
      cites: "guest-memfd P-CONVERT", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(PageSharing.convertName, t)
    } then: { t in
      !inside(PageSharing.convertName, t)
    }
  }
}
