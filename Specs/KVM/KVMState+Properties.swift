import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// No removal is issued while the TD is BLOCKED.
  package var removalIsLegal: Property {
    Always("S-11", "no removal is issued while the TD is BLOCKED", cites: "kvm-tdx S-11") {
      td.isBlocked ==> !td.removing
    }
  }

  /// No page goes back to the host while the module still owns it.
  package var noFreeWhileOwned: Property {
    Always(
      "S-8", "no page is back in the host's allocator while the TD owns it", cites: "kvm-tdx S-8"
    ) { forAll(Page.self) { p in !folio[p] ==> td.isFree(p) } }
    .expect(
      .violated, when: finaliseRaces,
      because: """
        TDH.MR.FINALIZE holds the TDR while a hole is punched: TDH.MEM.RANGE.BLOCK is busy twice, \
        or TDH.MEM.PAGE.REMOVE comes without the TDH.MEM.TRACK that a finalised TD needs \
        (kvm-tdx §3.3)
        """)
  }

  /// What is mapped has a reason to be: its memslot and its folio are there.
  package var mappingIsJustified: Property {
    Always(
      "S-14", "a page that is mapped has a memslot and its folio, unless it is being removed",
      cites: "kvm-tdx S-14"
    ) {
      forAll(Page.self) { p in
        mirror[p] && !holding(mmuLock) ==> slot[fileOf[p]] != .absent && folio[p]
      }
    }
  }

  /// User space cannot make KVM_BUG_ON fire.
  package var noBug: Property {
    Always("S-23", "no order of calls reaches KVM_BUG_ON", cites: "kvm-tdx S-23") { !bugged }
      .expect(
        .violated, when: finaliseRaces,
        because: """
          FINALIZE_VM of a TD without vCPUs gets TDX_NO_VCPUS (kvm-tdx §2.2.3), and a hole that is \
          punched meanwhile fails, see S-8
          """
      ).expect(
        .violated, when: td.created == 0 && faults == 2,
        because: "TDH.MNG.KEY.CONFIG fails, which is a KVM_BUG_ON (kvm-tdx §2.2.2)")
  }

  /// Whatever KVM's threads do, the TD's key lives as the module and the host's pool need it to.
  package var keyLives: Property {
    Refines(
      "R-1", "the TD's key lives as in tdx/hkid-life", HKIDLife(created: Self.created),
      cites: "tdx-module §2.1", "tdx-module §14.3", "kvm-tdx S-1"
    ) { abstract in
      td.keyLife(abstract)
      Maps(abstract.pooled, to: !hkidAssigned)
    }
  }

  /// The HKID mirror: KVM believes the HKID free only when the module agrees.
  package var hkidMirror: Property {
    Always(
      "S-5", "KVM holds the HKID free only after the module freed it", cites: "kvm-tdx S-5"
    ) { !hkidAssigned ==> td.isTornDown || td.isAbsent }
  }
}
