import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let vmKind = NamedArgument<VMKind>("type")
private let idClass = NamedArgument<Int>("id", in: 0...7)
private let mappable = NamedArgument<Bool>("flag_mmap")
private let shared = NamedArgument<Bool>("init_shared")

extension GmemMainline {
  /// KVM_CREATE_VM (guest-memfd §1.2).
  var createVM: Action {
    Action(
      "KVM_CREATE_VM", taking: [vmKind, shape], by: HostThread.self, cites: "guest-memfd §1.2"
    ) {
      Step("kvm_create_vm") {
        Require(vmFile == .absent)
        Require(
          types == 2 || shape == .fine && types == 0 && vmKind == .softwareProtected
            || shape == .fine && types == 1 && vmKind == .ordinary)
        Check(
          shape == .fine && vmKind != .td && (privateMemory == 1 || vmKind == .ordinary),
          else: .EINVAL
        ).because("no such type of VM, or not compiled in", "guest-memfd §1.2")
        vmFile <- .open
        kind <- Expr<VMKind>(vmKind.node)
      }
    }
  }

  /// KVM_CREATE_VCPU (kvm-tdx §2.4).
  var createVCPU: Action {
    Action(
      "KVM_CREATE_VCPU", taking: [caller, v, idClass], by: HostThread.self, cites: "kvm-tdx §2.4"
    ) {
      vmGate(trying: arguments == 1 || idClass == 0 && vcpuFile[v] == .absent)
      Step("the id") {
        Check(idClass < 6, else: .EINVAL).because("KVM_MAX_VCPU_IDS", "kvm-tdx §2.4")
      }
      Holding(kvmLock) {
        Step("kvm_arch_vcpu_precreate") {
          Check(vcpuFile[v] == .absent, else: .EEXIST).because("the id is taken", "kvm-tdx §2.4")
          Check(idClass < maxVCPUID, else: .EINVAL)
            .because("KVM_CAP_MAX_VCPU_ID", "kvm-tdx §2.4")
          When(maxVCPUID == 7 && environment == 1) { maxVCPUID <- 6 }
          vcpuFile[v] <- .open
        }
      }
    }
  }

  /// KVM_CREATE_GUEST_MEMFD (guest-memfd §1.4): the file holds a reference to the VM.
  var createGmem: Action {
    Action(
      "KVM_CREATE_GUEST_MEMFD", taking: [caller, f, shape, mappable, shared],
      by: HostThread.self, cites: "guest-memfd §1.4"
    ) {
      vmGate(
        trying: gmem[f] == .absent
          && (arguments == 1
            || shape == .fine && mappable == has(.creationFlags)
              && shared == (has(.creationFlags) && kind == .ordinary))
      )
      Step("kvm_gmem_create") {
        Check(!mappable && !shared || has(.creationFlags), else: .EINVAL)
          .because("the kernel has no creation flags", "guest-memfd §1.8")
        Check(!shared || !hasPrivateMemory, else: .EINVAL)
          .because("INIT_SHARED is refused for VMs with private memory", "guest-memfd §1.2")
        Check(shape == .fine, else: .EINVAL)
          .because("unknown flags; a size of 0, below 0 or not in pages", "guest-memfd §1.4")
        Check(life[f] == .none, else: .EMFILE)
          .because("no free descriptor: another thread took the number", "guest-memfd §1.4")
        life[f] <- .live
        gmem[f] <- .open
        canMap[f] <- Expr<Bool>(mappable.node)
        initShared[f] <- Expr<Bool>(shared.node)
      }
    }
  }
}
