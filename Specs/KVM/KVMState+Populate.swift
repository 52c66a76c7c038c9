import SpecLanguage
import TDXModuleSpecs

/// Memory, where a scope starts from KVM_CREATE_VM (CREATED=0).
extension KVMState {
  /// File f is made once: a scope has no other.
  var createFile: Action {
    Action(
      "KVM_CREATE_GUEST_MEMFD", each: File.self, by: HostThread.self, cites: "kvm-tdx §2.8"
    ) { f in
      gate(building: true)
      Step("kvm_gmem_create") {
        Check(gmem[f] == .absent, else: .EMFILE)
        gmem[f] <- .open
      }
    }
  }

  var slotCreate: Action {
    Action(Self.slotCreateName, each: File.self, by: HostThread.self, cites: "kvm-tdx §2.6") { f in
      gate(building: true)
      Holding(slotsLock) {
        Step("kvm_set_memory_region") {
          Check(slot[f] == .absent, else: .EINVAL)
            .because("a memslot with a guest_memfd can only be deleted", "kvm-tdx §2.6")
          Check(gmem[f] == .open, else: .EBADF)
          Acquire(fdget[f], .shared)
        }
        Holding(invalidateLock[f]) { Step("kvm_gmem_bind") { slot[f] <- .present } }
        Step("fput") { Release(fdget[f], .shared) }
      }
    }
  }

  var initMemRegion: Action {
    Action(
      "KVM_TDX_INIT_MEM_REGION", each: VCPU.self, Page.self, by: HostThread.self,
      cites: "kvm-tdx §2.3.2"
    ) { v, p in
      gate(of: v, building: true)
      guarded(tdInitMemRegion(v, p))
    }
  }

  /// One page, measured.
  private func tdInitMemRegion(_ v: Expr<VCPU>, _ p: Expr<Page>) -> Action {
    let answer = Local<Outcome>("answer of kvm_gmem_populate")
    return Action("tdx_vcpu_init_mem_region", cites: "kvm-tdx §2.3.2") {
      guardedLoad(v)
      Check(vcpu[v] == .initialized, else: .EINVAL).because("the vCPU", "kvm-tdx §2.3.2")
      Step("kvm_gmem_get_file") {
        Check(slot[fileOf[p]] == .present, else: .EINVAL).because("no slot", "kvm-tdx §2.3.2")
        Check(gmem[fileOf[p]] == .open, else: .EFAULT)
          .because("the last reference to the file is gone", "kvm-tdx §2.3.2")
        Acquire(fdget[fileOf[p]], .shared)
      }
      Call(populate(p), into: answer)
      Step("fput") { Release(fdget[fileOf[p]], .shared) }
      Return(answer)
    }
  }

  private func populate(_ p: Expr<Page>) -> Action {
    let status = Local<Outcome>("status")
    return Action("kvm_gmem_populate", cites: "kvm-tdx §2.3.2") {
      Holding(invalidateLock[fileOf[p]]) {
        Step("the file allocates the folio") {
          if let sharing {
            Check(sharing.isPrivate(p), else: .EINVAL).because("shared", "guest-memfd §1.4")
          }
          folio[p] <- true
        }
        Holding(mmuLock, .read) {
          Step("kvm_tdp_mmu_map_private_pfn") {
            Check(!vmDead, else: .EIO).because("KVM_REQ_VM_DEAD", "kvm-tdx §2.3.2")
            Check(!mirror[p], else: .EIO).because("mapped already", "kvm-tdx §2.3.2")
            mirror[p] <- true
          }
          Repeat(while: status == .operandBusyTDR) { Call(td.pageAdd(p), into: status) }
          When(status != .ok) {
            restore(p)
            Return(.EIO)
          }
        }
        Call(td.mrExtend(p), into: status)
        orBug(status)
      }
    }
  }
}
