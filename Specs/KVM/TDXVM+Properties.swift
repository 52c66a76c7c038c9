import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// The safety properties of kvm-tdx §7.2 that this spec can state.
  @ListBuilder<Property>
  var safety: [Property] {
    Always("S-4", "a vCPU has run only in a TD that was finalized", cites: "kvm-tdx S-4") {
      forAll(VCPU.self) { w in
        hasRun[w] && kind == .td && !destroyed ==> build == .runnable && vcpu[w] == .initialized
      }
    }
    Always(
      "S-5", "a TD that is built has its HKID, until it is destroyed", cites: "kvm-tdx S-5"
    ) { build != .uninitialized && !destroyed ==> hkid == .assigned }
    Always(
      "S-8", "a page that is mapped has its folio, unless it is being removed",
      cites: "kvm-tdx S-8"
    ) {
      forAll(Page.self) { p in
        mirror[p] && !holding(mmuLock)
          ==> exists(File.self) { g in
            exists(FileIndex.self) { i in fileOf[p] == g && indexOf[p] == i && hasFolio[g, i] }
          }
      }
    }
    Always(
      "S-14", "a page that is mapped is private and has a slot and an open file",
      cites: "kvm-tdx S-14"
    ) {
      forAll(Page.self) { p in
        mirror[p] && !holding(mmuLock)
          ==> isPrivate[p] && slotOf[p] != nil && fileOf[p] != nil && !isReleased(p)
      }
    }
    Always("S-23", "no order of calls reaches KVM_BUG_ON", cites: "kvm-tdx S-23") {
      !bugged || faults == 1
    }
    .expect(.violated, because: "KVM_SET_CPUID2 may give a vCPU another GPA width than the TD's")
    Always("S-23-width", "only a CPUID of another GPA width kills the VM", cites: "kvm-tdx §2.5") {
      bugged && faults == 0
        ==> exists(VCPU.self) { w in (width == .bits52) != (cpuidWidth[w] == .bits52) }
    }
    Always("S-30", "a vCPU of a TD exists only once the TD is initialized", cites: "kvm-tdx S-30") {
      kind == .td && anyVCPU && !destroyed ==> build != .uninitialized
    }
    Possible("runs", "a TD can be built and run", cites: "kvm-tdx §1.3") {
      exists(VCPU.self) { w in hasRun[w] && vcpu[w] == .initialized }
    }
    Possible("ends", "a TD that ran can be destroyed", cites: "kvm-tdx §4.4") {
      destroyed && hkid == .freed && !tdrHeld && !bugged && exists(VCPU.self) { w in hasRun[w] }
    }
  }
}
