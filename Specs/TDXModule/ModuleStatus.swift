import SpecLanguage

/// A status of the TDX module: bits 63:32 of RAX (tdx-module §4).
enum ModuleStatus: UInt32, CaseIterable {
  case SUCCESS = 0
  case NON_RECOVERABLE_VCPU = 0x4000_0001
  case INTERRUPTED_RESUMABLE = 0x8000_0003
  case INTERRUPTED_RESTARTABLE = 0x8000_0004
  case NON_RECOVERABLE_TD_NON_ACCESSIBLE = 0x6000_0005
  case NON_RECOVERABLE_TD_WRONG_APIC_MODE = 0xE000_0007
  case OPERAND_INVALID = 0xC000_0100
  case OPERAND_ADDR_RANGE_ERROR = 0xC000_0101
  case OPERAND_BUSY = 0x8000_0200
  case PREVIOUS_TLB_EPOCH_BUSY = 0x8000_0201
  case PAGE_METADATA_INCORRECT = 0xC000_0300
  case TD_ASSOCIATED_PAGES_EXIST = 0xC000_0400
  case TD_FATAL = 0xE000_0604
  case TDCS_NOT_ALLOCATED = 0xC000_0606
  case LIFECYCLE_STATE_INCORRECT = 0xC000_0607
  case OP_STATE_INCORRECT = 0xC000_0608
  case NO_VCPUS = 0xC000_0609
  case TDCX_NUM_INCORRECT = 0xC000_0610
  case VCPU_STATE_INCORRECT = 0xC000_0700
  case VCPU_ASSOCIATED = 0x8000_0701
  case VCPU_NOT_ASSOCIATED = 0x8000_0702
  case MAX_VCPUS_EXCEEDED = 0xC000_0705
  case KEY_GENERATION_FAILED = 0x8000_0800
  case TD_KEYS_NOT_CONFIGURED = 0x8000_0810
  case KEY_CONFIGURED = 0x0000_0815
  case WBCACHE_NOT_COMPLETE = 0x8000_0817
  case HKID_NOT_FREE = 0xC000_0820
  case NO_HKID_READY_TO_WBCACHE = 0x0000_0821
  case WBCACHE_RESUME_ERROR = 0xC000_0823
  case FLUSHVP_NOT_DONE = 0x8000_0824
  case INCONSISTENT_MSR = 0xC000_0920
  case EPT_WALK_FAILED = 0xC000_0B00
  case EPT_ENTRY_NOT_PRESENT = 0xC000_0B03
  case GPA_RANGE_NOT_BLOCKED = 0xC000_0B06
  case GPA_RANGE_ALREADY_BLOCKED = 0x0000_0B07
  case TLB_TRACKING_NOT_DONE = 0xC000_0B08
  case EPT_INVALID_PROMOTE_CONDITIONS = 0xC000_0B09
  case PAGE_ALREADY_ACCEPTED = 0x0000_0B0A
  case PAGE_SIZE_MISMATCH = 0xC000_0B0B
  case EPT_ENTRY_STATE_INCORRECT = 0xC000_0B0D
  case EPT_PAGE_NOT_FREE = 0xC000_0B0E
}

/// What a status speaks of: bits 31:0 of RAX where they name an operand (tdx-module §4).
enum OperandID: UInt32, CaseIterable {
  case RAX = 0
  case RCX = 1
  case RDX = 2
  case R8 = 8
  case R9 = 9
  case XFAM = 65
  case EPTP_CONTROLS = 67
  case MAX_VCPUS = 68
  case TSC_FREQUENCY = 70
  case SEPT_TREE = 146
  case KET = 187
}

extension Outcome {
  /// A status without an operand.
  static func tdx(_ status: ModuleStatus) -> Outcome {
    Outcome("TDX_\(status)", kind: .status, code: UInt64(status.rawValue) << 32)
  }

  /// A status with the operand that it speaks of: `TDX_OPERAND_BUSY|RCX`.
  static func tdx(_ status: ModuleStatus, _ operand: OperandID) -> Outcome {
    Outcome(
      "TDX_\(status)|\(operand)", kind: .status,
      code: UInt64(status.rawValue) << 32 | UInt64(operand.rawValue))
  }

  /// A status with a detail in bits 31:0, such as a level: `TDX_PAGE_SIZE_MISMATCH|level 1`.
  static func tdx(_ status: ModuleStatus, _ what: String, _ detail: UInt32) -> Outcome {
    Outcome(
      "TDX_\(status)|\(what) \(detail)", kind: .status,
      code: UInt64(status.rawValue) << 32 | UInt64(detail))
  }

  /// TDH.VP.ENTER returned because of an exit: the exit reason is in bits 31:0.
  static func tdExit(reason: UInt32) -> Outcome { tdx(.SUCCESS, "exit reason", reason) }

  /// TDH.VP.ENTER has not returned: the vCPU runs.
  static let inGuest = Outcome("IN_GUEST", kind: .status)
  /// The guest goes on, and nothing was returned to anybody.
  static let resumed = Outcome("resumed", kind: .success)
}
