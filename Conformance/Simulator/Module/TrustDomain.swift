/// Where a TD is in its life (tdx-module §2.1).
public enum LifecycleState: UInt8, Hashable, Sendable, CaseIterable {
  case TD_HKID_ASSIGNED
  case TD_KEYS_CONFIGURED
  case TD_BLOCKED
  case TD_TEARDOWN
}

/// What a TD is being prepared for or does (tdx-module §2.2). Raw values are the table's.
public enum OperationState: UInt8, Hashable, Sendable, CaseIterable {
  case UNINITIALIZED
  case INITIALIZED
  case RUNNABLE
  case LIVE_EXPORT
  case PAUSED_EXPORT
  case POST_EXPORT
  case MEMORY_IMPORT
  case STATE_IMPORT
  case POST_IMPORT
  case LIVE_IMPORT
  case FAILED_IMPORT

  /// vCPUs may run, so that a removal has to be tracked.
  var needsTracking: Bool { self == .RUNNABLE || self == .LIVE_EXPORT || self == .LIVE_IMPORT }
  /// The TD was initialised.
  var isInitialized: Bool { self != .UNINITIALIZED }
}

/// A TD: the TDR page and, once there are six of them, the control pages.
final class TrustDomain {
  /// The TDR page.
  let address: UInt64
  var lifecycle = LifecycleState.TD_HKID_ASSIGNED
  var isFatal = false
  let hkid: Int
  /// Packages on which the key is configured, a bit each.
  var packages: UInt64 = 0
  var controlPages: [UInt64] = []
  /// 4 KB pages that it owns, without the TDR.
  var children = 0

  var operation = OperationState.UNINITIALIZED
  var operationLock = HostPriorityLock()
  var vcpus = 0
  var maxVcpus = 0
  var associated = 0
  var epoch: UInt64 = 0
  /// Running vCPUs that entered in an even and in an odd epoch.
  var references = [0, 0]
  var epochLock = SharedLock()
  var treeLock = SharedLock()
  var attributes: UInt64 = 0
  /// The level of the entries in the root table: 3 or 4.
  var rootLevel = 3
  /// GPA width: 48 or 52.
  var width = 48
  var root = SecureTable(address: 0)
  /// What was measured so far, as a running hash.
  var measurement: UInt64 = 0

  init(address: UInt64, hkid: Int) {
    self.address = address
    self.hkid = hkid
  }

  /// The control structure is complete enough to be read.
  var hasControl: Bool { controlPages.count >= 6 }
  static let mostControlPages = 9
  /// ATTRIBUTES.DEBUG.
  var isDebug: Bool { attributes & 1 != 0 }
  /// ATTRIBUTES.SEPT_VE_DISABLE.
  var exitsOnPending: Bool { attributes >> 28 & 1 != 0 }
  /// The bit of a GPA that makes it shared.
  var sharedBit: UInt64 { 1 << UInt64(width - 1) }

  func isPrivate(_ gpa: UInt64) -> Bool { gpa & sharedBit == 0 && gpa >> UInt64(width) == 0 }

  /// Whether no vCPU that entered in the epoch or before still runs (tdx-module §14.4).
  func isTracked(_ epoch: UInt64) -> Bool {
    if epoch == self.epoch &- 1 { return references[Int(epoch & 1)] == 0 }
    return epoch < self.epoch &- 1
  }
}

/// What a vCPU may do next (tdx-module §2.7).
public enum VCPUState: UInt8, Hashable, Sendable, CaseIterable {
  case VCPU_UNINITIALIZED = 0
  case VCPU_READY = 2
  case VCPU_ACTIVE = 4
  case VCPU_DISABLED = 8
}

/// A vCPU: the TDVPR page and the pages added to it.
final class VirtualProcessor {
  /// The TDVPR page.
  let address: UInt64
  let owner: TrustDomain
  var state = VCPUState.VCPU_UNINITIALIZED
  /// The LP that may hold its state in caches.
  var lp: Int?
  var epoch: UInt64 = 0
  var pages = 1
  var index = 0
  /// The last exit was trap-like.
  var leftByTrap = false
  static let leastPages = 6
  static let mostPages = 15

  init(address: UInt64, owner: TrustDomain) {
    self.address = address
    self.owner = owner
  }
}
