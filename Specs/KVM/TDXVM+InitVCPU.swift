import SpecLanguage
import TDXModuleSpecs

private let entries = NamedArgument<EntryRoom>("nent")

extension TDXVM {
  /// KVM_TDX_INIT_VCPU (kvm-tdx §2.3.1).
  var initVCPU: Action {
    Action(
      "KVM_TDX_INIT_VCPU", taking: [caller, command, v], by: HostThread.self,
      cites: "kvm-tdx §2.3.1"
    ) {
      vcpuGate(trying: arguments == 1 || command == .fine)
      vcpuCommand
      guarded(tdVCPUInit)
    }
  }

  /// What step U looks at before it takes locks (kvm-tdx §2.3).
  var vcpuCommand: Statement {
    Step("tdx_get_cmd") {
      Check(kind == .td && command != .hardwareError, else: .EINVAL)
        .because("no TD vCPU, or hw_error", "kvm-tdx §2.3")
    }
  }

  /// The TD must be between INIT_VM and FINALIZE_VM (kvm-tdx §2.3).
  var isBeingBuilt: Condition { hkid == .assigned && build != .runnable }

  private var tdVCPUInit: Action {
    let status = Local<Outcome>("status")
    return Action("tdx_vcpu_init", cites: "kvm-tdx §2.3.1") {
      Step("the checks of tdx_vcpu_init") {
        Check(isBeingBuilt, else: .EINVAL).because("the TD's state", "kvm-tdx §2.3")
        Check(command == .fine, else: .EINVAL).because("flags", "kvm-tdx §2.3.1")
        Check(vcpu[v] == .created, else: .EINVAL).because("only once", "kvm-tdx §2.3.1")
        Check(hasX2APIC[v], else: .EINVAL)
          .because("the APIC base needs CPUID's x2APIC", "kvm-tdx §2.3.1")
      }
      allocates()
      loadVCPU
      seamcall(.vpCreate, by: module.vpCreate(v.element), into: status)
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
      seamcall(.vpAddCX, by: module.vpAddCX(v.element), into: status)
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
      Holding(mmuLock, .write) {
        seamcall(.vpInit, by: module.vpInit(v.element), into: status)
      }
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
      loadVCPU
      seamcall(.vpWrite, by: module.vpWrite(v.element), into: status)
      When(status != .ok) { kvmBug(after: status) }
      loadVCPU
      Step("the vCPU is INITIALIZED") {
        mpRunnable[v] <- true
        vcpu[v] <- .initialized
      }
    }
  }

  /// KVM_TDX_FINALIZE_VM (kvm-tdx §2.2.3): flags and data are not looked at.
  var finalizeVM: Action {
    Action(
      "KVM_TDX_FINALIZE_VM", taking: [caller, command], by: HostThread.self,
      cites: "kvm-tdx §2.2.3"
    ) {
      vmGate(trying: arguments == 1 || command == .fine)
      Step("tdx_get_cmd") {
        Check(kind == .td, else: .ENOTTY).because("no TD", "kvm-tdx §2.2")
        Check(command != .hardwareError, else: .EINVAL).because("hw_error", "kvm-tdx §2.2")
      }
      guarded(tdFinalize)
    }
  }

  private var tdFinalize: Action {
    let status = Local<Outcome>("status")
    return Action("tdx_td_finalize", cites: "kvm-tdx §2.2.3") {
      Step("the TD's state") {
        Check(isBeingBuilt, else: .EINVAL)
          .because("INIT_VM first, and only once", "kvm-tdx §2.2.3")
      }
      seamcall(.mrFinalize, by: module.finalise, into: status)
      When(status == .operandBusyTDR) { Return(.EBUSY) }
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
      Step("the TD is RUNNABLE") { build <- .runnable }
    }
  }

  /// KVM_TDX_GET_CPUID (kvm-tdx §2.3.3): through the guard, then under vcpu->mutex again.
  var getCPUID: Action {
    Action(
      "KVM_TDX_GET_CPUID", taking: [caller, command, v, entries], by: HostThread.self,
      cites: "kvm-tdx §2.3.3"
    ) {
      vcpuGate(trying: arguments == 1 || command == .fine && entries == .fine)
      vcpuCommand
      passUnlocked
      holdingVCPU {
        Step("tdx_vcpu_get_cpuid") {
          Check(isBeingBuilt, else: .EINVAL).because("step L", "kvm-tdx §2.3")
          Check(entries != .unreadable, else: .EFAULT).because("no nent", "kvm-tdx §2.3.3")
          Check(entries == .fine, else: .E2BIG).because("nent is too small", "kvm-tdx §2.3.3")
        }
      }
    }
  }

  /// KVM_MEMORY_ENCRYPT_OP on a vCPU with an id that it does not know (kvm-tdx §2.3).
  var otherCommandOnVCPU: Action {
    Action(
      "KVM_MEMORY_ENCRYPT_OP(vcpu)", taking: [caller, command, v], by: HostThread.self,
      cites: "kvm-tdx §2.3"
    ) {
      vcpuGate
      vcpuCommand
      passUnlocked
      Return(.EINVAL)
    }
  }

  /// Step U for an id that it leaves to step L.
  @StatementBuilder
  private var passUnlocked: [Statement] {
    let answer = Local<Outcome>("step U")
    Holding(kvmLock) {
      lockVCPUs
      Holding(slotsLock) {
        Call(
          Action("tdx_vcpu_unlocked_ioctl", cites: "kvm-tdx §2.3") {
            Step("the TD's state") { Check(isBeingBuilt, else: .EINVAL) }
          }, into: answer)
      }
      ReleaseAll(vcpuMutex)
    }
    When(answer != .ok) { Return(answer) }
  }
}
