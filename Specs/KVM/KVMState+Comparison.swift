import SpecLanguage
import TDXModuleSpecs

/// What tells the designs of teardown apart, asked of each in the same words (kvm-tdx §5.f).
extension KVMState {
  /// Reached or not; which is which depends on the design, so a spec says what it expects.
  package func comparison(reclaims: Bool, releasesEarly: Bool) -> [Property] {
    let key =
      releasesEarly
      ? keyBeforeDescriptors
      : keyBeforeDescriptors.expect(
        .vacuous, because: "the HKID stays as long as anybody can reach the VM (kvm-tdx §5.f)")
    let memory =
      reclaims
      ? keyBeforeMemory
      : keyBeforeMemory.expect(
        .vacuous, when: !finaliseRaces,
        because: "every page is removed while the HKID is there (kvm-tdx §5.f)")
    return [removalWhileRunning] + (reclaims ? [reclaimInTeardown] : []) + [key, memory]
  }

  private var removalWhileRunning: Property {
    Possible(
      "F-1", "a page is removed dynamically from a TD that runs", cites: "kvm-tdx §5.f"
    ) {
      calling("TDH.MEM.PAGE.REMOVE")
      td.isRunnable && td.isFinalised
    }
  }

  private var reclaimInTeardown: Property {
    Possible("F-2", "a guest page is reclaimed in TD_TEARDOWN", cites: "kvm-tdx §5.f") {
      calling("TDH.PHYMEM.PAGE.RECLAIM")
      td.isTornDown
    }
  }

  private var keyBeforeDescriptors: Property {
    Possible(
      "F-3", "the HKID is back in the pool while the VM's descriptors are open",
      cites: "kvm-tdx §5.f"
    ) {
      isBuilt && !hkidAssigned
      vmOpen
    }
  }

  private var keyBeforeMemory: Property {
    Possible(
      "F-4", "the HKID is back in the pool while the TD still owns guest memory",
      cites: "kvm-tdx §5.f"
    ) {
      !hkidAssigned
      exists(Page.self) { p in !td.isFree(p) }
    }
  }
}
