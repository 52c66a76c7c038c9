import SpecLanguage
import TDXModuleSpecs

/// The orders in which a VMM can let go of a guest's memory (seed 000), and what comes of each.
extension KVMState {
  /// - Parameter releasesEarly: the design can release the HKID while the VM is there.
  package func memoryCases(releasesEarly: Bool) -> [Property] {
    [fileFirst, descriptorsFirst] + (releasesEarly ? [reclaimAfterDescriptors] : [])
      + [
        slotsFirst, inParallel,
        releasesEarly
          ? kept
          : kept.expect(
            .vacuous, because: "the HKID goes with the last reference, and files hold one"),
      ]
  }

  private var fileFirst: Property {
    Possible(
      "S000-1a", "the files go before the VM's descriptors: all memory is back while they are open",
      cites: "seed 000"
    ) {
      vmOpen && isBuilt
      forAll(File.self) { f in gmem[f] == .released }
      forAll(Page.self) { p in !folio[p] && td.isFree(p) }
    }
  }

  private var descriptorsFirst: Property {
    Possible(
      "S000-1b", "the VM's descriptors go before a file: its pages are removed dynamically then",
      cites: "seed 000"
    ) {
      !vmOpen
      calling("TDH.MEM.PAGE.REMOVE")
    }
  }

  private var reclaimAfterDescriptors: Property {
    Possible(
      "S000-1c", "the VM's descriptors go before a file: its pages are reclaimed then",
      cites: "seed 000"
    ) {
      !vmOpen
      calling("TDH.PHYMEM.PAGE.RECLAIM")
    }
  }

  private var slotsFirst: Property {
    Possible(
      "S000-2", "the memslots go first: the pages leave the TD, the files keep the memory",
      cites: "seed 000"
    ) {
      isBuilt && hkidAssigned
      forAll(File.self) { f in slot[f] == .absent && gmem[f] == .open }
      forAll(Page.self) { p in folio[p] && td.isFree(p) }
    }
  }

  /// Write mmu_lock lets one of them take pages at a time.
  private var inParallel: Property {
    Possible(
      "S000-P", "two threads free memory at the same time: both files are being invalidated",
      cites: "seed 000", "kvm-tdx §3.5"
    ) {
      exists(File.self) { f in
        exists(File.self) { g in !(f == g) && invalidating[f] && invalidating[g] }
      }
    }
    .expect(.vacuous, when: files == 1, because: "one file has one invalidate_lock")
    .expect(.vacuous, at: "race", because: "one thread only frees memory there")
  }

  /// A second VM is out of reach here: what it would need of the first.
  private var kept: Property {
    Possible(
      "S000-R", "a reboot could take over the memory: the HKID is back, the files have all folios",
      cites: "seed 000", "seed 001"
    ) {
      isBuilt && !hkidAssigned
      forAll(File.self) { f in gmem[f] == .open }
      forAll(Page.self) { p in folio[p] && td.isFree(p) }
    }
  }
}
