import SpecLanguage

/// A virtual CPU of the TD; stands for the logical processor it runs on as well.
public enum VCPU: Sort {}
/// A private 4 KiB page of guest memory.
public enum Page: Sort {}

/// Where a TD is in its life, as the module sees it (tdx-module §2.1).
public enum LifeCycle: EnumDomain {
  /// The only state in which the TD's pages and vCPUs may be touched.
  case TD_KEYS_CONFIGURED
  /// After TDH.MNG.VPFLUSHDONE: no key use, no page reclaim.
  case TD_BLOCKED
  /// After TDH.MNG.KEY.FREEID: pages may be reclaimed.
  case TD_TEARDOWN
  /// After TDH.MNG.CREATE: no key yet.
  case TD_HKID_ASSIGNED
  /// The module has no TDR: before TDH.MNG.CREATE, and once the TDR was reclaimed.
  case absent
}

/// A Secure-EPT leaf, with how far its TLB tracking has come (tdx-module §2.6, §14.4).
public enum SEPT: EnumDomain {
  case free
  case mapped
  /// Blocked in the current TD epoch: needs a TDH.MEM.TRACK.
  case blocked
  /// Blocked one epoch ago: needs the vCPUs of that epoch to leave.
  case trackedOnce
  /// Blocked two or more epochs ago.
  case tracked
}

extension Outcome {
  /// The explicit TDR operand is locked by another SEAMCALL or a running vCPU.
  public static let operandBusyTDR = Outcome("TDX_OPERAND_BUSY|TDR", kind: .status)
  public static let tdKeysNotConfigured = Outcome("TDX_TD_KEYS_NOT_CONFIGURED", kind: .status)
  public static let lifecycleIncorrect = Outcome("TDX_LIFECYCLE_STATE_INCORRECT", kind: .status)
  public static let flushVPNotDone = Outcome("TDX_FLUSHVP_NOT_DONE", kind: .status)
  public static let vcpuNotAssociated = Outcome("TDX_VCPU_NOT_ASSOCIATED", kind: .status)
  public static let wbcacheNotComplete = Outcome("TDX_WBCACHE_NOT_COMPLETE", kind: .status)
  public static let noHKIDReady = Outcome("TDX_NO_HKID_READY_TO_WBCACHE", kind: .status)
  public static let entryStateIncorrect = Outcome("TDX_EPT_ENTRY_STATE_INCORRECT", kind: .status)
  public static let rangeNotBlocked = Outcome("TDX_GPA_RANGE_NOT_BLOCKED", kind: .status)
  public static let trackingNotDone = Outcome("TDX_TLB_TRACKING_NOT_DONE", kind: .status)
  public static let previousEpochBusy = Outcome("TDX_PREVIOUS_TLB_EPOCH_BUSY", kind: .status)
  public static let keyGenerationFailed = Outcome("TDX_KEY_GENERATION_FAILED", kind: .status)
  public static let operandInvalid = Outcome("TDX_OPERAND_INVALID", kind: .status)
  public static let entryNotPresent = Outcome("TDX_EPT_ENTRY_NOT_PRESENT", kind: .status)
  public static let eptWalkFailed = Outcome("TDX_EPT_WALK_FAILED", kind: .status)
  public static let noVCPUs = Outcome("TDX_NO_VCPUS", kind: .status)
  public static let metadataIncorrect = Outcome("TDX_PAGE_METADATA_INCORRECT", kind: .status)
}
