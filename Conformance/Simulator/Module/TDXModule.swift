/// Where the module's own life is (tdx-module §2.4).
public enum SystemState: UInt8, Hashable, Sendable, CaseIterable {
  case SYSINIT_PENDING
  case SYSINIT_DONE
  case SYSCONFIG_DONE
  case SYS_READY
  case SYS_SHUTDOWN
}

/// A TDX module with the machine it runs on, written from tdx-module §2 to §14.
///
/// A leaf runs on the calling thread and hands the baton on before each lock and each visible
/// effect, so that leaves of several LPs interleave as they do in the module. Migration, service
/// TDs and nested VMs are not there: their leaves are unknown ones.
public final class TDXModule: @unchecked Sendable {
  public let platform: ModulePlatform
  let baton: Baton
  var fault: ActiveFaults
  let hasFault: Bool

  var system: SystemState
  var globalLock = SharedLock()
  var globalHKID: Int
  var globalPackages: UInt64
  var initializedPackages = 0
  var keys: KeyTable
  var writeBacks: [WriteBackRecord]
  var regions: [MemoryRegion]
  var lps: [LogicalProcessor]

  /// Goes on where time passes that a guest can use to get far.
  var clock = 0

  let metadata = PageMetadataTable()
  var domains: [UInt64: TrustDomain] = [:]
  var vcpus: [UInt64: VirtualProcessor] = [:]
  var tables: [UInt64: SecureTable] = [:]
  var memory: PhysicalMemory
  /// TD_PARAMS in the host's memory by address.
  public var parameters: [UInt64: DomainParameters] = [:]
  /// What the module stopped with; every later call fails.
  public internal(set) var stop: String?

  /// - Parameters:
  ///   - platform: the machine.
  ///   - faults: mistakes to make.
  ///   - survey: told of the places that faults can be at.
  ///   - baton: how threads take turns.
  public init(
    _ platform: ModulePlatform, faults: [Fault] = [], survey: FaultSurvey? = nil,
    baton: Baton = Baton()
  ) {
    self.platform = platform
    self.baton = baton
    self.fault = ActiveFaults(faults, survey)
    hasFault = self.fault.isActive
    system = platform.isReady ? .SYS_READY : .SYSINIT_PENDING
    globalHKID = platform.moduleHKID
    globalPackages = platform.isReady ? platform.allPackages : 0
    keys = KeyTable(platform.hkids)
    writeBacks = Array(repeating: WriteBackRecord(), count: platform.packages)
    memory = PhysicalMemory(packages: platform.packages)
    lps = platform.packageOfLP.map { LogicalProcessor(package: $0) }
    regions = []
    if platform.isReady { makeReady() }
  }

  private func makeReady() {
    keys[globalHKID].state = .HKID_RESERVED
    regions = platform.regions.map {
      MemoryRegion(base: $0.base, size: $0.size, initialized: $0.base + $0.size)
    }
    initializedPackages = platform.packages
    for package in 0..<platform.packages { memory.configure(globalHKID, package: package) }
    for lp in lps.indices { lps[lp].isInitialized = true }
  }

  /// Makes a SEAMCALL on an LP that no vCPU runs on. Time: constant, but for PROMOTE, DEMOTE,
  /// SEPT.REMOVE (512 entries) and CACHE.WB (all pages).
  ///
  /// - Returns: how it came back; an LP that does not exist or is in a guest gets `SYS_BUSY`.
  public func seamcall(
    _ registers: inout Registers, lp: Int, disturbance: Disturbance = Disturbance()
  ) -> SeamcallEnd {
    guard lps.indices.contains(lp), lps[lp].guest == nil else {
      registers.rax = ModuleStatus(.SYS_BUSY).code
      return .returned
    }
    guard stop == nil else {
      registers.rax = Self.unavailable.code
      return .returned
    }
    baton.point(.seamcall, Leaf(rawValue: UInt16(truncatingIfNeeded: registers.rax))?.text ?? "?")
    lps[lp].isBusy = true
    defer { lps[lp].isBusy = lps[lp].guest != nil }
    var call = Seamcall(registers, lp: lp, disturbance: disturbance)
    do throws(ModuleStatus) {
      let leaf = try dispatch(call)
      call.leaf = leaf
      call.name = leaf.text
      try perform(leaf, &call)
      if let late = call.late { throw late }
      call.registers.rax = call.success.code
    } catch {
      call.registers.rax = error.code
      call.hasFailed = true
    }
    releaseAll(&call)
    registers = call.registers
    return lps[lp].guest == nil ? .returned : .inGuest
  }

  /// What software gets from a module that has stopped: VMfailInvalid as Linux reports it.
  static let unavailable = ModuleStatus(code: 0x8000_FF00_FFFF_0000)

  /// The module found its own state broken; the real one shuts down.
  func panic(_ reason: String) -> ModuleStatus {
    stop = stop ?? reason
    return Self.unavailable
  }
}

/// A logical processor as the module sees it.
struct LogicalProcessor {
  let package: Int
  var isInitialized = false
  var isBusy = false
  /// The TDVPR that ran here last.
  var last: UInt64?
  /// The vCPU that runs here, with the locks it holds.
  var guest: RunningGuest?
  var translations = TranslationCache()

  init(package: Int) { self.package = package }
}

/// A vCPU in guest mode.
struct RunningGuest {
  let vcpu: VirtualProcessor
  let held: [HeldLock]
  /// The module's clock at the entry.
  let entered: Int
}

/// A SEAMCALL on its way.
struct Seamcall {
  var registers: Registers
  let lp: Int
  var disturbance: Disturbance
  var leaf = Leaf.SYS_LP_SHUTDOWN
  /// The leaf's name, for faults.
  var name = ""
  var held: [HeldLock] = []
  /// The status when nothing refuses.
  var success = ModuleStatus(.SUCCESS)
  var hasFailed = false
  /// The answer of a check that a fault moved back by one.
  var late: ModuleStatus?
  /// A lock that a fault moved behind the next one.
  var postponed: PostponedLock?

  init(_ registers: Registers, lp: Int, disturbance: Disturbance) {
    self.registers = registers
    self.lp = lp
    self.disturbance = disturbance
  }

  var version: UInt64 { registers.rax >> 16 & 0xFF }

  /// Zeroes the registers that tell the host about an entry.
  mutating func clearDetails() {
    registers.rcx = 0
    registers.rdx = 0
  }

  /// Tells the host about an entry (tdx-module §2.6).
  mutating func show(_ entry: SecureEntry, level: Int) {
    registers.rcx = entry.shown
    registers.rdx = UInt64(level) | UInt64(entry.state.shownState) << 8
  }

  /// Whether an interrupt is pending, when looked at once more.
  mutating func looksInterrupted() -> Bool {
    guard let quiet = disturbance.quietLooks else { return false }
    disturbance.quietLooks = max(0, quiet - 1)
    return quiet == 0
  }
}
