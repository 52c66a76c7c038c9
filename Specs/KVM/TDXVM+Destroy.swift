import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// tdx_mmu_release_hkid (kvm-tdx §4.3).
  var releaseHKID: Action {
    let status = Local<Outcome>("status")
    return Action("tdx_mmu_release_hkid", cites: "kvm-tdx §4.3") {
      Step("is_hkid_assigned") { Check(hkid == .assigned, else: .ok) }
      Holding(cpusLock, .read) {
        ForEach(ordered: VCPU.self) { w in
          When(listed[w] && vcpu[w] == .initialized) {
            seamcall(.vpFlush, by: module.vpFlush(w), into: status)
            When(status != .ok && status != .vcpuNotAssociated) { kvmBug(after: status) }
          }
          Step("off the CPU's list") { listed[w] <- false }
        }
        Holding(tdxLock) {
          seamcall(.mngVPFlushDone, by: module.vpFlushDone, into: status)
          When(status == .flushVPNotDone) { Return(.EIO) }
            .because("nobody is told that the HKID is lost", "kvm-tdx §4.3")
          When(status != .ok) {
            kvmBug(after: status)
            Return(.EIO)
          }
          seamcall(.phymemCacheWB, by: module.cacheWB, into: status)
          seamcall(
            .mngKeyFreeID, by: module.keyFreeID, into: status, effect: Statements { hkid <- .freed }
          )
          When(status != .ok) { kvmBug(after: status) }
        }
      }
    }
  }

  /// tdx_reclaim_td_control_pages: the TDCS pages, then the TDR (kvm-tdx §4.4).
  var reclaimControlPages: Action {
    let status = Local<Outcome>("status")
    return Action("tdx_reclaim_td_control_pages", cites: "kvm-tdx §4.4") {
      Step("is there anything to reclaim") {
        Check(tdrHeld && hkid != .assigned, else: .ok)
          .because("with the HKID leaked the pages are leaked too", "kvm-tdx §4.3")
      }
      seamcall(.phymemPageReclaim, by: module.reclaim, into: status)
      When(status != .ok) { Return(.ok) }
      seamcall(.phymemPageWBINVD, by: [], into: status)
      When(status != .ok) {
        kvmBug(after: status)
        Return(.ok)
      }
      Step("frees the TDR and TDCS pages") {
        tdrHeld <- false
        freeTDCSPages
      }
    }
  }

  /// Frees td.tdcs_pages unless the pointer is NULL.
  @StatementBuilder
  private var freeTDCSPages: [Statement] {
    When(tdcsPages == .dangling) { freedTwice <- true }
    tdcsPages <- .null
  }

  /// kvm_destroy_vcpus frees them (kvm-tdx §4.4).
  var freeVCPUs: Statement {
    Step("kvm_destroy_vcpus") { Each(VCPU.self) { w in vcpu[w] <- .absent } }
  }

  /// Nothing holds a reference to the VM (kvm-tdx §1.7).
  var isUnused: Condition {
    vmFile == .closed && !vmCopy && !destroyed
      && forAll(VCPU.self) { w in vcpuFile[w] != .open && !vcpuCopy[w] }
      && forAll(File.self) { g in gmem[g] == .absent || gmemReleased[g] }
  }

  /// kvm_destroy_vm, by whoever drops the last reference (kvm-tdx §4.4).
  @StatementBuilder
  var dropReference: [Statement] {
    let last = Local<Bool>("last reference")
    Step("kvm_put_kvm") {
      last <- isUnused
      When(isUnused) { destroyed <- true }
    }
    When(last) {
      Call(releaseHKID)
      freeVCPUs
      Call(reclaimControlPages)
      Step("tdx_vm_destroy") {
        build <- .uninitialized
        Each(SEPTTable.self) { t in When(hkid != .assigned) { tablePresent[t] <- false } }
        freeTDCSPages
      }
    }
  }

  /// close() of the VM's descriptor (kvm-tdx §2.11).
  var closeVM: Action {
    Action("close(vm)", by: HostThread.self, cites: "kvm-tdx §2.11") {
      Step("kvm_vm_release") {
        Require(vmFile != .absent && !exited && !isUsed(by: Self.vmIoctls))
        Check(vmFile == .open, else: .EBADF)
        vmFile <- .closed
      }
      dropReference
    }
  }

  /// close() of a vCPU's descriptor (kvm-tdx §2.11).
  var closeVCPU: Action {
    Action("close(vcpu)", taking: [v], by: HostThread.self, cites: "kvm-tdx §2.11") {
      Step("kvm_vcpu_release") {
        Require(vcpuFile[v] != .absent && !exited && !isUsed(by: Self.vcpuIoctls))
        Check(vcpuFile[v] == .open, else: .EBADF)
        vcpuFile[v] <- .closed
      }
      dropReference
    }
  }
}
