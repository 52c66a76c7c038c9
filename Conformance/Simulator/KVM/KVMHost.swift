import ConformanceKit

/// A kernel with KVM on a machine, written from kvm-tdx §1 to §4 and guest-memfd §1.
///
/// Calls run on the calling thread under the kernel's own locks and hand the baton on at each lock,
/// each visible effect and each SEAMCALL.
public final class KVMHost: SimulatedKernel, @unchecked Sendable {
  public let profile: KernelProfile
  public let port: ModulePortAccess
  let module: ModulePort
  let baton: Baton
  var fault: ActiveFaults
  let hasFault: Bool
  /// CPUs of the machine, each an LP.
  let cpus: Int
  /// The package of each CPU.
  let packages: [Int]

  var frames: FrameAllocator
  /// Key ids that no TD has.
  var freeKeys: [Int]
  let firstKey: Int
  let platform: ModulePlatform
  let keyLock = KernelLock("tdx_lock")
  /// What guests do next, by the id of their vCPU; then they are interrupted.
  public var guestEvents: [Int: ArraySlice<GuestEvent>] = [:]
  /// What guests read, in turn; nil is garbage.
  public internal(set) var guestReads: [UInt64?] = []
  /// What KVM found broken, of any VM.
  public internal(set) var bugs: [String] = []
  /// What KVM warned of.
  public internal(set) var warnings: [String] = []

  /// - Parameters:
  ///   - profile: the kernel.
  ///   - cpus: how many there are.
  ///   - hasModule: a simulated TDX module decides; otherwise a stand-in accepts every SEAMCALL.
  ///   - faults: mistakes that the kernel, or the module, makes.
  ///   - survey: told of the places that faults can be at.
  ///   - baton: how threads take turns.
  public init(
    _ profile: KernelProfile, cpus: Int = 2, hasModule: Bool = false, faults: [Fault] = [],
    survey: FaultSurvey? = nil, baton: Baton = Baton()
  ) {
    self.profile = profile
    self.baton = baton
    self.fault = ActiveFaults(faults, survey)
    self.cpus = cpus
    hasFault = self.fault.isActive
    packages = hasModule ? [0, 0, 1, 1] : Array(repeating: 0, count: cpus)
    let platform = ModulePlatform(packageOfLP: packages)
    module = ModulePort(
      hasModule ? TDXModule(platform, faults: faults, survey: survey, baton: baton) : nil)
    port = ModulePortAccess(module)
    self.platform = platform
    frames = FrameAllocator(platform.regions[0])
    firstKey = platform.moduleHKID + 1
    freeKeys = Array(firstKey...platform.hkids.upperBound)
  }
}

/// What tests see and do at the module's door.
public struct ModulePortAccess {
  private let port: ModulePort

  init(_ port: ModulePort) { self.port = port }

  /// The SEAMCALLs made since the last ``clearLog()``.
  public var log: [LoggedCall] { port.log }
  public func clearLog() { port.clearLog() }

  /// The next `count` calls of the leaf answer `status` and are not made.
  public func fail(_ leaf: Leaf, count: Int, status: UInt64) {
    port.failures[leaf] = ModulePort.Failure(count: count, status: status)
  }

  /// What the stand-in's next VP.ENTER returns.
  public func setScript(_ exits: [Registers]) { port.script = exits }
}

extension KVMHost {
  /// KVM_BUG_ON: the VM is dead from now on (kvm-tdx §1.6).
  func reportBug(_ what: String, _ machine: VirtualMachine) {
    machine.bug = machine.bug ?? what
    bugs.append(what)
    machine.isDead = true
  }

  /// What is checked before any ioctl of a VM or vCPU (kvm-tdx §2.0).
  func checkAlive(_ machine: VirtualMachine, _ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EIO, "mm", if: machine.owner != call.process)
    try refuse(&call, .EIO, "vm_dead", if: machine.isDead)
  }
}
