import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension GmemMainline {
  /// guest-memfd §7.2, as far as threads that are scheduled and locks that are handed on go.
  @ListBuilder<Property>
  var progress: [Property] {
    LeadsTo(
      "P-RELEASE", "a file whose last reference went is released, whatever holds the VM",
      each: File.self, cites: "guest-memfd P-RELEASE",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) { g in
      life[g] == .dying
    } then: { g in
      life[g] != .dying
    }
    LeadsTo(
      "P-FREE", "once every reference is dropped the VM is destroyed and the pages are free",
      cites: "guest-memfd P-FREE",
      fairness: [
        .strong(threadsOf: HostThread.self), .strong(starting: Self.releaseName),
        .strong(starting: "kvm_destroy_vm"), .weak("the inode is evicted"),
      ]
    ) {
      vmFile == .closed
      !inside("KVM_CREATE_GUEST_MEMFD") && !inside("KVM_CREATE_VCPU") && !inside("mmap")
      forAll(VCPU.self) { w in vcpuFile[w] != .open }
      forAll(File.self) { g in
        gmem[g] != .open && !copied[g] && !pathHeld[g]
          && !exists(VMA.self) { m in vmaFile[m] == g }
      }
    } then: {
      destroyed
      forAll(File.self) { g in forAll(FileIndex.self) { i in folio[g, i] == .absent } }
    }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
    ends("P-DELETE", "the deletion of a memslot ends", Self.deleteName, "guest-memfd P-DELETE")
      .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
    ends("P-PUNCH", "fallocate ends, whatever is pinned", "fallocate", "guest-memfd P-PUNCH")
  }

  private func ends(
    _ id: String, _ text: String, _ call: String, _ citation: String
  ) -> Property {
    LeadsTo(
      id, text, each: HostThread.self, cites: citation,
      fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(call, t)
    } then: { t in
      !inside(call, t)
    }
  }
}
