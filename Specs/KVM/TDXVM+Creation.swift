import SpecLanguage
import TDXModuleSpecs

private let vmKind = NamedArgument<VMKind>("type")
private let capability = NamedArgument<Capability>("cap")
private let idClass = NamedArgument<Int>("id", in: 0...7)
private let x2apic = NamedArgument<Bool>("x2apic")
private let guestWidth = NamedArgument<GPAWidth>("gpaw")
private let noDescriptor = NamedArgument<Bool>("fd_table_full")

extension TDXVM {
  /// KVM_CREATE_VM (kvm-tdx §2.1).
  var createVM: Action {
    Action(
      "KVM_CREATE_VM", taking: [vmKind, shape], by: HostThread.self, cites: "kvm-tdx §2.1"
    ) {
      Step("kvm_create_vm") {
        Require(vmFile == .absent)
        Require(types == 1 || vmKind == .td)
        Check(shape == .fine, else: .EINVAL).because("no such type of VM", "kvm-tdx §2.1")
        vmFile <- .open
        kind <- Expr<VMKind>(vmKind.node)
      }
    }
  }

  /// KVM_ENABLE_CAP (kvm-tdx §2.1).
  var enableCap: Action {
    Action(
      "KVM_ENABLE_CAP", taking: [caller, capability, shape], by: HostThread.self,
      cites: "kvm-tdx §2.1"
    ) {
      vmGate(
        trying: environment == 1 || !capability.in(.exitHypercall, .noHypercallExits))
      Step("flags and argument") {
        Check(shape == .fine && capability != .maxVCPUs, else: .EINVAL)
          .because("flags, or an argument that is out of range", "kvm-tdx §2.1")
      }
      Holding(kvmLock) {
        Step("kvm_vm_ioctl_enable_cap") {
          Check(
            capability != .splitIrqchip || irqchip == .none && !anyVCPU, else: .EEXIST
          ).because("there is an irqchip, or a vCPU", "kvm-tdx §2.1")
          Check(capability != .busCycles || irqchip != .none, else: .ENXIO)
          Check(capability != .busCycles || !anyVCPU, else: .EINVAL)
            .because("there is a vCPU", "Linux, arch/x86/kvm/x86.c")
          When(capability == .splitIrqchip) { irqchip <- .split }
          When(capability == .exitHypercall) { forwardsMapGPA <- true }
          When(capability == .noHypercallExits) { forwardsMapGPA <- false }
        }
      }
    }
  }

  /// KVM_ENABLE_CAP(KVM_CAP_MAX_VCPU_ID) (kvm-tdx §2.4).
  var limitIDs: Action {
    Action(
      "KVM_ENABLE_CAP(MAX_VCPU_ID)", taking: [caller, shape, idClass], by: HostThread.self,
      cites: "kvm-tdx §2.4"
    ) {
      vmGate(trying: environment == 1)
      Step("flags and argument") {
        Check(shape == .fine, else: .EINVAL).because("flags, or too high", "kvm-tdx §2.4")
      }
      Holding(kvmLock) {
        Step("kvm_vm_ioctl_enable_cap") {
          Check(maxVCPUID == 7 || maxVCPUID == idClass, else: .EINVAL)
            .because("set once, at the latest by the first vCPU", "kvm-tdx §2.4")
          maxVCPUID <- Expr<Int>(idClass.node)
        }
      }
    }
  }

  /// Some vCPU was created.
  var anyVCPU: Condition { exists(VCPU.self) { w in vcpu[w] != .absent } }

  /// KVM_CREATE_IRQCHIP (kvm-tdx §2.1).
  var createIrqchip: Action {
    Action(
      "KVM_CREATE_IRQCHIP", taking: [caller], by: HostThread.self, cites: "kvm-tdx §2.1"
    ) {
      vmGate
      Holding(kvmLock) {
        Step("kvm_arch_vm_ioctl") {
          Check(irqchip == .none, else: .EEXIST)
          Check(kind != .td, else: .ENOTTY)
            .because("a TD's EOIs are protected", "kvm-tdx §2.1")
          Check(!anyVCPU, else: .EINVAL).because("there is a vCPU")
          irqchip <- .full
        }
      }
    }
  }

  /// KVM_SET_TSC_KHZ on the VM (kvm-tdx §2.1).
  var setTSC: Action {
    Action(
      "KVM_SET_TSC_KHZ", taking: [caller, shape], by: HostThread.self, cites: "kvm-tdx §2.1"
    ) {
      vmGate
      Holding(kvmLock) {
        Step("kvm_arch_vm_ioctl") {
          Check(shape == .fine && !anyVCPU, else: .EINVAL)
            .because("too fast, or there is a vCPU", "kvm-tdx §2.1")
        }
      }
    }
  }

  /// KVM_GET_DIRTY_LOG: no slot of this spec has a dirty log (kvm-tdx §2.6).
  var dirtyLog: Action {
    Action(
      "KVM_GET_DIRTY_LOG", taking: [caller, shape], by: HostThread.self, cites: "kvm-tdx §2.6"
    ) {
      vmGate
      Step("the memslot's number") {
        Check(shape == .fine, else: .EINVAL)
          .because("no memslot can have the number", "Linux, virt/kvm/kvm_main.c")
      }
      Return(.ENOENT)
    }
  }

  /// KVM_CREATE_VCPU (kvm-tdx §2.4).
  var createVCPU: Action {
    Action(
      "KVM_CREATE_VCPU", taking: [caller, v, idClass, noDescriptor], by: HostThread.self,
      cites: "kvm-tdx §2.4"
    ) {
      vmGate(
        trying: (arguments == 1 || idClass == 0) && (environment == 1 || !noDescriptor))
      Step("the id") {
        Check(idClass < 6, else: .EINVAL)
          .because("KVM_MAX_VCPU_IDS", "kvm-tdx §2.4")
      }
      Holding(kvmLock) {
        Step("kvm_arch_vcpu_precreate") {
          Check(
            kind != .td || those(VCPU.self) { w in vcpu[w] != .absent }.count() < cpus,
            else: .EINVAL
          ).because("max_vcpus is the number of CPUs", "kvm-tdx §1.1")
          Check(vcpu[v] == .absent, else: .EEXIST).because("the id is taken", "kvm-tdx §2.4")
          Check(idClass < maxVCPUID, else: .EINVAL)
            .because("KVM_CAP_MAX_VCPU_ID", "kvm-tdx §2.4")
          When(maxVCPUID == 7) { maxVCPUID <- 6 }
        }
        allocates()
        Step("tdx_vcpu_create") {
          Check(kind != .td || build == .initialized, else: .EIO)
            .because("between INIT_VM and FINALIZE_VM only", "kvm-tdx §2.4")
          Check(kind != .td || irqchip == .split, else: .EINVAL)
            .because("a TD needs the split irqchip", "kvm-tdx §2.4")
          vcpu[v] <- .created
          listed[v] <- hkid == .assigned
          mpRunnable[v] <- idClass == 0
        }
        When(noDescriptor) {
          Step("tdx_vcpu_free: off the CPU's list") { listed[v] <- false }
          Step("frees the vCPU") {
            vcpu[v] <- .absent
            mpRunnable[v] <- false
          }
          Return(.EMFILE)
        }
        Step("the vCPU's descriptor") { vcpuFile[v] <- .open }
      }
    }
  }

  /// KVM_SET_CPUID2 (kvm-tdx §2.3.1, §2.5).
  var setCPUID: Action {
    Action(
      "KVM_SET_CPUID2", taking: [caller, v, x2apic, guestWidth], by: HostThread.self,
      cites: "kvm-tdx §2.3.1", "kvm-tdx §2.5"
    ) {
      vcpuGate
      holdingVCPU {
        Step("kvm_vcpu_ioctl_set_cpuid2") {
          Check(
            !hasRun[v] || hasX2APIC[v] == x2apic && cpuidWidth[v] == guestWidth, else: .EINVAL
          ).because("CPUID is fixed once the vCPU has run")
          hasX2APIC[v] <- Expr<Bool>(x2apic.node)
          cpuidWidth[v] <- Expr<GPAWidth>(guestWidth.node)
          rootLoaded[v] <- hasRun[v] && rootLoaded[v]
        }
      }
    }
  }
}
