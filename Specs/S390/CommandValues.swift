import SpecLanguage

/// struct kvm_pv_cmd: whether it can be read, and written back (s390-pv §1.10).
public enum ArgumentMemory: EnumDomain { case fine, unreadable, readOnly }

/// Who makes a call: a process with the VM's mm, or one that only has the descriptor.
public enum CommandCaller: EnumDomain { case owner, foreign }

/// How far the guest's image is (s390-pv §1.4).
public enum ImageStage: EnumDomain { case fresh, hasParameters, unpacked, runnable }

/// What KVM_PV_SET_SEC_PARMS gets, in the order of its checks (s390-pv §1.11).
public enum SecureHeader: EnumDomain {
  case fine, unreadable, tooLong, empty
  /// What it points to cannot be read.
  case dangling
  /// It was made for another machine.
  case forOther
}

/// What KVM_PV_UNPACK gets (s390-pv §1.11).
public enum UnpackRange: EnumDomain { case fine, unreadable, unaligned, empty }

/// What KVM_PV_INFO is asked (s390-pv §1.11).
public enum InfoRequest: EnumDomain {
  case fine, unreadable
  /// There is no room for the header.
  case tooShort
  case unknown
  /// There is room for the header, and not for the answer.
  case noRoom
  case readOnly
}

/// What KVM_PV_DUMP is asked (s390-pv §1.11).
public enum DumpRequest: EnumDomain {
  case start, state, unalignedState, emptyState, complete, smallComplete, unknown, unreadable
}

/// What KVM_S390_PV_CPU_COMMAND is asked.
public enum CPURequest: EnumDomain { case dump, unknown }

extension Outcome {
  /// SIE cannot enter a guest whose image was not verified.
  static let invalid = Outcome("KVM_EXIT_S390_SIEIC", kind: .status)
}
