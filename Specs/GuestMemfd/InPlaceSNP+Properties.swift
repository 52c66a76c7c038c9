import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceSNP {
  private static let small = "the RMP has entries of 4 KiB only"

  @ListBuilder<Property> public var properties: [Property] {
    owners
    Possible(
      "RMP-ORPHAN", "the VM is destroyed while a page is the guest's in the RMP",
      cites: "guest-memfd §1.9"
    ) {
      destroyed
      exists(Page.self) { p in assigned[p] }
    }
    Possible(
      "RMP-SMASHED", "a part of a large entry turns shared, the rest stays the guest's",
      cites: "guest-memfd §5.2"
    ) {
      level == 1
      at(Self.storesShared)
      exists(Page.self) { p in assigned[p] && spte[p] == .none && !largeRMP[fileOf[p]] }
    }
    .expect(.vacuous, when: level == 0, because: Self.small)
    .expect(.vacuous, when: pages == 1, because: "a range is not empty")
    LeadsTo(
      "P-RELEASE", "a file whose last reference has gone gives all its pages back", each: Page.self,
      cites: "guest-memfd P-RELEASE", fairness: [.strong(threadsOf: HostThread.self)]
    ) { p in
      gmem[fileOf[p]] == .closing
    } then: { p in
      !sharing.cached[p] && !assigned[p]
    }
    LeadsTo(
      "C-END", "a conversion ends, whatever vCPUs and user space do", each: HostThread.self,
      cites: "guest-memfd P-CONVERT", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(PageSharing.convertName, t)
    } then: { t in
      !inside(PageSharing.convertName, t)
    }
    scenarios
  }

  @ListBuilder<Property> private var owners: [Property] {
    Always(
      "I-RMP", "a page that is the guest's in the RMP is private, and the host does not map it",
      cites: "guest-memfd I-RMP"
    ) {
      forAll(Page.self) { p in
        assigned[p]
          ==> sharing.attribute[p] == .private && !sharing.userPTE[p] && sharing.pinned != p
      }
    }
    Always(
      "I-RMP-GUEST", "what the guest maps as private is its in the RMP", cites: "guest-memfd §5.2"
    ) {
      forAll(Page.self) { p in spte[p] == .private || largeSPTE[fileOf[p]] ==> assigned[p] }
    }
    Always(
      "I-RMP-LEVEL", "the guest maps 2 MiB only if the RMP has one entry for it",
      cites: "guest-memfd §5.2"
    ) {
      forAll(File.self) { f in
        largeSPTE[f] && !inside(Self.rmpFaultName) ==> largeRMP[f]
      }
    }
    .expect(.vacuous, when: level == 0, because: Self.small)
    Always(
      "I-FREE", "a page is back with the host only when the RMP says that it is the host's",
      cites: "guest-memfd I-FREE"
    ) { forAll(Page.self) { p in !sharing.cached[p] ==> !assigned[p] && spte[p] == .none } }
    Always(
      "I-PTE-KIND", "user space maps only shared pages of files that it has mapped",
      cites: "guest-memfd I-PTE-KIND"
    ) {
      forAll(Page.self) { p in
        sharing.userPTE[p] ==> sharing.attribute[p] == .shared && sharing.mapped[fileOf[p]]
      }
    }
    Always(
      "I-SPTE-KIND", "the guest maps a page as what it is", cites: "guest-memfd I-SPTE-KIND"
    ) {
      forAll(Page.self) { p in
        (spte[p] != .none || largeSPTE[fileOf[p]]) && !invalidating[fileOf[p]]
          ==> (spte[p] == .shared) == (sharing.attribute[p] == .shared)
      }
    }
    Always(
      "I-ORDER", "the VM is destroyed when its files are released and not mapped",
      cites: "guest-memfd I-ORDER"
    ) {
      destroyed
        ==> !vmOpen
        && forAll(File.self) { f in gmem[f] == .released && !sharing.mapped[f] }
    }
  }

  @ListBuilder<Property> private var scenarios: [Property] {
    Scenario(
      "T-VM-FIRST", "the VM's descriptors go first: pages still convert, the file's close ends it",
      cites: "guest-memfd §1.7"
    ) {
      Do(Self.faultName(.private), 0, 0, answers: .ok)
      Do(Self.closeVMName, answers: .ok)
      Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
      Do("mmap", 0, answers: .ok)
      Do(PageSharing.touchName, 0, answers: .ok)
      Do("munmap", 0, answers: .ok)
      Do(Self.closeName, 0, answers: .ok)
    }
    Scenario(
      "T-FILE-FIRST", "the file goes first: private accesses are refused, the VM goes later",
      cites: "guest-memfd §1.7"
    ) {
      Do(Self.faultName(.private), 0, 0, answers: .ok)
      Do(Self.closeName, 0, answers: .ok)
      Do(Self.faultName(.private), 0, 0, answers: .EFAULT)
      Do(Self.closeVMName, answers: .ok)
    }
    ImpossibleScenario(
      "T-MAPPING-PINS", "no file goes while it is mapped", cites: "guest-memfd §1.7"
    ) {
      Do("mmap", 0, answers: .ok)
      Do(Self.closeName, 0, answers: .ok)
    }
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "late-rmp", "pages turn shared in the RMP after the attribute says so", caughtBy: ["I-RMP"],
      at: "small", cites: "guest-memfd §2.2"
    ) {
      Without(step: Self.makesShared)
      Replacing(step: Self.storesShared) {
        Step(Self.storesShared) { sharing.storesAttribute(.shared) }
        Step(Self.makesShared) { updatesRMP }
      }
    }
    Mutation(
      "early-rmp", "pages turn shared in the RMP while the guest maps them as private",
      caughtBy: ["I-RMP-GUEST"], at: "small", cites: "guest-memfd §2.2"
    ) {
      Without(step: Self.makesShared)
      Replacing(step: PageSharing.preallocates) {
        Step(PageSharing.preallocates) {}
        When(sharing.target == .shared) { Step(Self.makesShared) { updatesRMP } }
      }
    }
    Mutation(
      "no-psmash", "an RMP entry of 2 MiB is not smashed before a part of it turns shared",
      caughtBy: ["I-RMP"], at: "large", cites: "guest-memfd §5.2"
    ) { Without(step: Self.smashes) }
    Mutation(
      "no-zap", "an RMP fault makes small entries and leaves the guest's mapping of 2 MiB",
      caughtBy: ["I-RMP-LEVEL"], at: "large", cites: "guest-memfd §5.2"
    ) { Without(step: Self.zapsRange) }
    Mutation(
      "B6", "shared pages are prepared like private ones", caughtBy: ["I-RMP"], at: "small",
      cites: "guest-memfd B6"
    ) {
      Replacing(step: Self.getsSharedPFN) {
        Step(Self.getsSharedPFN) {
          getsFolio(sharing.p.element)
          makesPrivate(sharing.p.element)
        }
      }
    }
    Mutation(
      "free-first", "folios go back to the host before the RMP says so", caughtBy: ["I-FREE"],
      at: "small", cites: "guest-memfd §1.9"
    ) { Without(step: Self.reclaims) }
  }
}
