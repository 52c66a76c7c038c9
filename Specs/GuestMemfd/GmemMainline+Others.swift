import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Calls on a VM's descriptor that guest memory does not depend on.
public enum VMCall: EnumDomain {
  case splitIrqchip, maxVCPUID, exitHypercall, maxVCPUs, createIrqchip, tscKHz, dirtyLog, command
}

/// Capabilities that KVM_CHECK_EXTENSION is asked for (guest-memfd §1.2).
public enum AskedExtension: EnumDomain {
  case other, one, flags, attributes, vmTypes, maxVCPUs, addressSpaces
}

private let call = NamedArgument<VMCall>("call")
private let idClass = NamedArgument<Int>("id", in: 0...7)
private let asked = NamedArgument<AskedExtension>("cap")
private let access = NamedArgument<VCPUCall>("what")
private let needsChip = NamedArgument<Bool>("needs_irqchip")

extension Outcome {
  /// A value that a call returns.
  fileprivate static func value(_ number: Int) -> Outcome { Outcome("\(number)", kind: .success) }
}

extension GmemMainline {
  private static let extensionName = "KVM_CHECK_EXTENSION"

  /// Calls on the VM's descriptor: capabilities, the irqchip, the dirty log (kvm-tdx §2.1).
  @ListBuilder<Action>
  var vmCalls: [Action] {
    Action(
      "VM call", taking: [caller, call, shape, idClass, s], by: HostThread.self,
      cites: "kvm-tdx §2.1"
    ) {
      vmGate(trying: environment == 1)
      Holding(kvmLock) {
        Step("kvm_arch_vm_ioctl") {
          Check(call != .command, else: .ENOTTY).because("no VM type with commands")
          Check(shape == .fine && call != .maxVCPUs, else: .EINVAL)
            .because("flags, or an argument out of range", "kvm-tdx §2.1")
          Check(call != .dirtyLog || slot[s] == .active && logsDirty[s], else: .ENOENT)
            .because("no memslot, or one without dirty log", "guest-memfd §1.9")
          Check(call != .tscKHz || !anyVCPU, else: .EINVAL).because("there is a vCPU")
          Check(
            !call.in(.splitIrqchip, .createIrqchip) || chip == .none, else: .EEXIST
          ).because("there is an irqchip", "kvm-tdx §2.1")
          Check(call != .splitIrqchip || !anyVCPU, else: .EEXIST)
            .because("there is a vCPU", "kvm-tdx §2.1")
          Check(call != .createIrqchip || !anyVCPU, else: .EINVAL).because("there is a vCPU")
          Check(
            call != .maxVCPUID || maxVCPUID == 7 || maxVCPUID == idClass, else: .EINVAL
          ).because("set once, at the latest by the first vCPU", "kvm-tdx §2.4")
          When(call == .splitIrqchip) { chip <- .split }
          When(call == .createIrqchip) { chip <- .full }
          When(call == .maxVCPUID) { maxVCPUID <- Expr<Int>(idClass.node) }
        }
      }
    }
    Action(
      Self.extensionName, taking: [caller, asked], by: HostThread.self, cites: "guest-memfd §1.2"
    ) {
      vmGate(trying: environment == 1)
      When(asked == .flags && has(.creationFlags) && !hasPrivateMemory) { Return(.value(3)) }
      When(asked == .flags && has(.creationFlags)) { Return(.value(1)) }
      When(asked == .attributes && hasPrivateMemory) { Return(.value(8)) }
      When(asked == .addressSpaces && hasPrivateMemory) { Return(.value(1)) }
      When(asked.in(.flags, .attributes)) { Return(.value(0)) }
      answersForAll
    }
  }

  private var anyVCPU: Condition { exists(VCPU.self) { w in vcpuFile[w] != .absent } }

  @StatementBuilder
  private var answersForAll: [Statement] {
    When(asked == .addressSpaces && smm == 1) { Return(.value(2)) }
    When(asked == .addressSpaces) { Return(.value(0)) }
    When(asked == .vmTypes && privateMemory == 1) { Return(.value(3)) }
    When(asked.in(.one, .vmTypes)) { Return(.value(1)) }
    When(asked == .maxVCPUs) { Return(.value(1024)) }
    Return(.ok)
  }

  /// Calls on /dev/kvm, which has no gate (guest-memfd §1.2).
  @ListBuilder<Action>
  var deviceCalls: [Action] {
    Action(
      "\(Self.extensionName)(dev)", taking: [asked], by: HostThread.self,
      cites: "guest-memfd §1.2"
    ) {
      Step("kvm_dev_ioctl") { Require(environment == 1) }
      When(asked == .flags && has(.creationFlags)) { Return(.value(3)) }
      When(asked == .attributes && privateMemory == 1) { Return(.value(8)) }
      When(asked.in(.flags, .attributes)) { Return(.value(0)) }
      answersForAll
    }
    Action("KVM_MEMORY_ENCRYPT_OP(dev)", by: HostThread.self, cites: "kvm-tdx §2.2") {
      Step("kvm_dev_ioctl") { Require(environment == 1) }
      Return(.EINVAL)
    }
  }

  /// Registers and events of a vCPU (kvm-tdx §2.0).
  @ListBuilder<Action>
  var vcpuCalls: [Action] {
    Action(
      "vCPU call", taking: [caller, v, access, shape, needsChip], by: HostThread.self,
      cites: "kvm-tdx §2.0"
    ) {
      vcpuGate(trying: environment == 1)
      Holding(vcpuMutex[v]) {
        Step("kvm_arch_vcpu_ioctl") {
          Check(access != .command, else: .ENOTTY).because("no VM type with commands")
          Check(access != .lapic || chip != .none, else: .EINVAL)
            .because("the local APIC is user space's")
          Check(!needsChip || chip != .none, else: .EINVAL)
            .because("MP states but RUNNABLE need the local APIC")
          Check(access != .cpuid || !hasRun[v], else: .EINVAL)
            .because("CPUID is fixed once the vCPU has run", "kvm-tdx §2.5")
          Check(shape == .fine, else: .EINVAL).because("the argument")
          When(access == .smi) { smiPending[v] <- true }
          When(access == .zeroSegments) { segmentsZeroed[v] <- true }
        }
      }
    }
  }
}
