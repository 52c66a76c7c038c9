import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Conversions and the orders of teardown, call by call, for the first page of the first file.
extension InPlaceTD {
  private static let toShared = Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .ok)
  private static let toPrivate = Do(PageSharing.convertName, 0, 1, 0, 0, 0, answers: .ok)

  private static let unbuilt = "it starts from a finalised TD"

  @ListBuilder<Property> var scenarios: [Property] {
    roundTrip
    fileLast
    fileFirst
    mappingLeft
    mappingPins
    slotFirst
  }

  private func built(_ scenario: Property, usesMapping: Bool = false) -> Property {
    let built = scenario.expect(.violated, when: kvm.td.created == 0, because: Self.unbuilt)
    return usesMapping
      ? built.expect(.violated, unlessMade: ["mmap"], because: Self.nobodyMaps) : built
  }

  private var roundTrip: Property {
    built(
      Scenario(
        "P-CONVERT", "a page turns shared, gets a new folio, and turns private at the first try",
        cites: "guest-memfd P-CONVERT", "guest-memfd B17"
      ) {
        Self.toShared
        Do(Self.punchName, 0, answers: .ok)
        Do("mmap", 0, answers: .ok)
        Do(PageSharing.touchName, 0, answers: .ok)
        Do(Self.sharedFaultName, 0, 0, answers: .ok)
        Self.toPrivate
        Do(PageSharing.touchName, 0, answers: .SIGBUS)
        Do(KVMState.preFaultName, 0, 0, answers: .ok)
      }, usesMapping: true)
  }

  private var fileLast: Property {
    built(
      Scenario(
        "T-VM-FIRST",
        "the VM's descriptors go first: pages still convert, the file's close ends it",
        cites: "guest-memfd §1.7", "guest-memfd §5.3"
      ) {
        Do(Self.closeVMName, answers: .ok)
        Self.toShared
        Self.toPrivate
        Do(Self.closeName, 0, answers: .ok)
        Do(KVMState.destroyName, answers: .ok)
      })
  }

  private var fileFirst: Property {
    built(
      Scenario(
        "T-FILE-FIRST", "the file goes first: private accesses are refused, the VM goes later",
        cites: "guest-memfd §1.7", "guest-memfd §5.3"
      ) {
        Self.toShared
        Do(Self.closeName, 0, answers: .ok)
        Do(KVMState.preFaultName, 0, 0, answers: .EFAULT)
        Do(Self.closeVMName, answers: .ok)
        Do(KVMState.destroyName, answers: .ok)
      })
  }

  private var mappingLeft: Property {
    built(
      Scenario(
        "T-MAPPING", "a mapping outlives the VM's descriptors: munmap lets the file go",
        cites: "guest-memfd §1.7"
      ) {
        Self.toShared
        Do("mmap", 0, answers: .ok)
        Do(Self.closeVMName, answers: .ok)
        Do(PageSharing.touchName, 0, answers: .ok)
        Self.toPrivate
        Do("munmap", 0, answers: .ok)
        Do(Self.closeName, 0, answers: .ok)
        Do(KVMState.destroyName, answers: .ok)
      }, usesMapping: true)
  }

  private var mappingPins: Property {
    ImpossibleScenario(
      "T-MAPPING-PINS", "no file goes while it is mapped", cites: "guest-memfd §1.7"
    ) {
      Do("mmap", 0, answers: .ok)
      Do(Self.closeName, 0, answers: .ok)
    }
  }

  private var slotFirst: Property {
    built(
      Scenario(
        "T-SLOT-FIRST", "the memslot goes first: the file's pages convert without the TD",
        cites: "guest-memfd §1.7", "guest-memfd §5.3"
      ) {
        Do(KVMState.slotDeleteName, 0, answers: .ok)
        Self.toShared
        Do("mmap", 0, answers: .ok)
        Do(PageSharing.touchName, 0, answers: .ok)
        Do("munmap", 0, answers: .ok)
        Do(Self.closeName, 0, answers: .ok)
        Do(Self.closeVMName, answers: .ok)
        Do(KVMState.destroyName, answers: .ok)
      }, usesMapping: true)
  }

  /// With KVM_TDX_TERMINATE_VM. A conversion that has looked at vm_dead before may be the one that
  /// finds the HKID gone.
  @ListBuilder<Property> func terminateScenarios(_ terminated: Ghost<Bool>) -> [Property] {
    scenarios
    Possible(
      "T-RECLAIM", "after KVM_TDX_TERMINATE_VM a conversion has the module reclaim the page",
      cites: "kvm-tdx §5.d", "guest-memfd §2.2"
    ) {
      terminated
      calling("TDH.PHYMEM.PAGE.RECLAIM") || calling("TDH.PHYMEM.PAGE.RECLAIM(2M)")
      inside(PageSharing.convertName)
    }
    built(
      Scenario(
        "T-TERMINATE", "KVM_TDX_TERMINATE_VM, then conversions as if nothing were, then all goes",
        cites: "kvm-tdx §5.d", "guest-memfd §2.2"
      ) {
        Do(KVMState.terminateName, answers: .ok)
        Self.toShared
        Do("mmap", 0, answers: .ok)
        Do(PageSharing.touchName, 0, answers: .ok)
        Self.toPrivate
        Do(KVMState.preFaultName, 0, 0, answers: .EIO)
        Do("munmap", 0, answers: .ok)
        Do(Self.closeName, 0, answers: .ok)
        Do(Self.closeVMName, answers: .ok)
        Do(KVMState.destroyName, answers: .ok)
      }, usesMapping: true
    )
    .expect(.violated, when: gate == 1, because: "the conversion answers EIO")
    built(
      Scenario(
        "T-REFUSED", "after KVM_TDX_TERMINATE_VM a conversion answers EIO",
        cites: "kvm-tdx S-24"
      ) {
        Do(KVMState.terminateName, answers: .ok)
        Do(PageSharing.convertName, 0, 1, 1, 0, 0, answers: .EIO)
        Do(Self.closeName, 0, answers: .ok)
        Do(Self.closeVMName, answers: .ok)
      }
    )
    .expect(
      .violated, when: gate == 0,
      because: "calls on a guest_memfd descriptor do not look at vm_dead (guest-memfd §2.2)")
  }
}
