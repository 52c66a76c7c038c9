import SpecLanguage
import TDXModuleSpecs

/// Capabilities that KVM_CHECK_EXTENSION is asked for (kvm-tdx §2.1).
public enum Extension: EnumDomain {
  case other, guestMemfd, maxVCPUs, vmTypes, preFault, memoryAttributes, readOnlyMem
  case addressSpaces

  /// What the descriptor of a TD answers, and what /dev/kvm does (kvm-tdx §2.1).
  fileprivate var answers: (td: Outcome, device: Outcome) {
    switch self {
    case .other: (.ok, .ok)
    case .guestMemfd, .preFault: (.value("1"), .value("1"))
    case .maxVCPUs: (.value("cpus"), .value("1024"))
    case .vmTypes: (.value("35"), .value("35"))
    case .memoryAttributes: (.value("8"), .value("8"))
    case .readOnlyMem: (.value("0"), .value("1"))
    case .addressSpaces: (.value("1"), .value("2"))
    }
  }
}

extension Outcome {
  /// A value that a call returns.
  fileprivate static func value(_ text: String) -> Outcome { Outcome(text, kind: .success) }
}

private let asked = NamedArgument<Extension>("cap")

extension TDXVM {
  /// KVM_CHECK_EXTENSION on the VM's descriptor (kvm-tdx §2.1).
  var checkExtension: Action {
    Action(
      "KVM_CHECK_EXTENSION", taking: [caller, asked], by: HostThread.self, cites: "kvm-tdx §2.1"
    ) {
      vmGate
      answers(\.td)
    }
  }

  /// KVM_CHECK_EXTENSION on /dev/kvm, which has no gate (kvm-tdx §2.1).
  var checkDeviceExtension: Action {
    Action(
      "KVM_CHECK_EXTENSION(dev)", taking: [asked], by: HostThread.self, cites: "kvm-tdx §2.1"
    ) { answers(\.device) }
  }

  /// KVM_MEMORY_ENCRYPT_OP is no ioctl of /dev/kvm (kvm-tdx §2.2).
  var commandOnDevice: Action {
    Action("KVM_MEMORY_ENCRYPT_OP(dev)", by: HostThread.self, cites: "kvm-tdx §2.2") {
      Return(.EINVAL)
    }
  }

  private func answers(_ path: KeyPath<(td: Outcome, device: Outcome), Outcome>) -> [Statement] {
    Extension.allCases.flatMap { cap in
      Statements { When(asked == cap) { Return(cap.answers[keyPath: path]) } }
    }
  }
}
