/// The upper half of RAX after a SEAMCALL or a TDCALL: what it came to (tdx-module §4).
public enum StatusName: UInt32, Hashable, Sendable, CaseIterable {
  case SUCCESS = 0x0000_0000
  case NON_RECOVERABLE_VCPU = 0x4000_0001
  case NON_RECOVERABLE_TD = 0x6000_0002
  case INTERRUPTED_RESUMABLE = 0x8000_0003
  case INTERRUPTED_RESTARTABLE = 0x8000_0004
  case NON_RECOVERABLE_TD_NON_ACCESSIBLE = 0x6000_0005
  case NON_RECOVERABLE_TD_WRONG_APIC_MODE = 0xE000_0007
  case OPERAND_INVALID = 0xC000_0100
  case OPERAND_ADDR_RANGE_ERROR = 0xC000_0101
  case OPERAND_BUSY = 0x8000_0200
  case PREVIOUS_TLB_EPOCH_BUSY = 0x8000_0201
  case SYS_BUSY = 0x8000_0202
  case OPERAND_BUSY_HOST_PRIORITY = 0x8000_0204
  case PAGE_METADATA_INCORRECT = 0xC000_0300
  case TD_ASSOCIATED_PAGES_EXIST = 0xC000_0400
  case SYS_INIT_NOT_PENDING = 0xC000_0500
  case SYS_LP_INIT_DONE = 0xC000_0503
  case SYS_NOT_READY = 0xC000_0505
  case SYS_SHUTDOWN = 0xC000_0506
  case SYS_KEY_CONFIG_NOT_PENDING = 0xC000_0507
  case SYS_LP_INIT_NOT_PENDING = 0xC000_050B
  case SYS_CONFIG_NOT_PENDING = 0xC000_050C
  case TD_FATAL = 0xE000_0604
  case TD_NON_DEBUG = 0xC000_0605
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
  case INVALID_TDMR = 0xC000_0A00
  case NON_ORDERED_TDMR = 0xC000_0A01
  case TDMR_ALREADY_INITIALIZED = 0x0000_0A03
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

  /// The name as Intel's documents have it: `TDX_OPERAND_BUSY`.
  public var text: String { "TDX_\(self)" }
}

/// What the lower half of RAX points at when it names an operand (tdx-module §4).
public enum OperandID: UInt32, Hashable, Sendable, CaseIterable {
  case RAX = 0
  case RCX = 1
  case RDX = 2
  case R8 = 8
  case R9 = 9
  case ATTRIBUTES = 64
  case XFAM = 65
  case EXEC_CONTROLS = 66
  case EPTP_CONTROLS = 67
  case MAX_VCPUS = 68
  case CPUID_CONFIG = 69
  case TSC_FREQUENCY = 70
  case NUM_L2_VMS = 71
  case TDR = 128
  case SEPT_TREE = 146
  case TD_EPOCH = 169
  case OP_STATE = 172
  case TDMR = 185
  case KOT = 186
  case KET = 187
  case WBCACHE = 188
}

/// All 64 bits of RAX after a call.
public struct ModuleStatus: Error, Hashable, Sendable {
  /// The value of RAX.
  public let code: UInt64

  /// A status with an operand id or another detail in the low half.
  public init(_ name: StatusName, _ detail: UInt32 = 0) {
    code = UInt64(name.rawValue) << 32 | UInt64(detail)
  }

  /// A status about an operand.
  public init(_ name: StatusName, _ operand: OperandID) {
    self.init(name, operand.rawValue)
  }

  /// The status of a value of RAX.
  public init(code: UInt64) {
    self.code = code
  }

  /// What it came to, or nil for a code that the simulator never gives.
  public var name: StatusName? { StatusName(rawValue: UInt32(code >> 32)) }

  /// The low half: an operand id or another detail.
  public var detail: UInt32 { UInt32(truncatingIfNeeded: code) }

  /// Bit 63: the call failed. Statuses such as `KEY_CONFIGURED` have it clear.
  public var isError: Bool { code >> 63 == 1 }
}

extension ModuleStatus: CustomStringConvertible {
  /// `TDX_OPERAND_BUSY|RCX`, `TDX_SUCCESS`.
  public var description: String {
    let base = name?.text ?? "0x" + String(code, radix: 16)
    guard detail != 0 else { return base }
    return base + "|" + (OperandID(rawValue: detail).map { "\($0)" } ?? "\(detail)")
  }
}
