/// The Ultravisor: configurations, their CPUs, and whom each frame belongs to (s390-pv §1.4).
///
/// No specification of it is public; what is not said by the kernel's reliance on it is a guess.
final class Ultravisor: @unchecked Sendable {
  /// rc and rrc of a call that ended with condition code 1.
  struct Failure: Error, Hashable {
    var rc: UInt16
    var rrc: UInt16 = 0
  }

  enum Security: Hashable {
    case secure
    /// The guest lets the host use it.
    case shared
    /// Secure, and its configuration is gone.
    case orphaned
  }

  /// A frame that was imported.
  struct SecureFrame {
    var security: Security
    /// The configuration; it is gone when the frame is orphaned.
    let owner: Int
    let page: Int
  }

  /// How far the guest's image is.
  enum Stage: Int, Comparable {
    case fresh
    case hasParameters
    case unpacked
    case runnable

    static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
  }

  struct Configuration {
    let base: Int
    let variable: Int
    let table: Int
    var cpus: Set<Int> = []
    var stage = Stage.fresh
    var isDumping = false
    /// A call that was to destroy it, or a CPU of it, was refused because the test said so.
    var isExcused = false
    /// How often the guest wrote to each page that it had imported.
    var versions: [Int: Int] = [:]
  }

  struct CPU {
    let configuration: Int
    let number: Int
    let storage: Int
  }

  /// How many configurations there may be.
  static let room = 2

  var configurations: [Int: Configuration] = [:]
  var cpus: [Int: CPU] = [:]
  var frames: [Int: SecureFrame] = [:]
  /// Calls that are refused the next time, because the test says so.
  var refusals: [UltravisorCall: Failure] = [:]
  /// What the kernel should never have asked.
  var complaints: [String] = []
  let memory: HostFrames
  let hasFastDestroy: Bool
  /// Imports take over what another guest has shared (feature bit 0).
  let takesOverShared = false
  private var lastHandle = 0
  private let baton: Baton
  private var fault: ActiveFaults
  private let hasFault: Bool
  /// The refusal of a check that a fault moved back by one.
  private var late: Failure?

  init(
    _ memory: HostFrames, hasFastDestroy: Bool, faults: [Fault], survey: FaultSurvey?,
    baton: Baton
  ) {
    self.memory = memory
    self.hasFastDestroy = hasFastDestroy
    self.baton = baton
    fault = ActiveFaults(faults, survey)
    hasFault = fault.isActive
  }

  /// Handles are given out once only.
  func newHandle() -> Int {
    lastHandle += 1
    return lastHandle
  }
}

/// Calls of the Ultravisor, as faults and tests name them (s390-pv §1.4).
enum UltravisorCall: String, Hashable, CaseIterable {
  case createConfig
  case destroyConfig
  case destroyFast
  case createCPU
  case destroyCPU
  case convertToSecure
  case export
  case destroyPage
  case setParameters
  case unpack
  case verify
  case prepareReset
  case unshareAll
  case dumpInit
  case dumpConfig
  case dumpCPU
  case dumpComplete

  /// Those that a test can have refused. What becomes of a page that is not exported nobody says.
  static let refusable = allCases.filter { $0 != .export }

  /// The name of the call in places of faults.
  var place: String { "UVC.\(rawValue)" }
}

// MARK: Checks and effects

extension Ultravisor {
  /// Refuses if the condition holds.
  func refuse(
    _ call: UltravisorCall, _ name: StaticString, _ rc: UInt16, if condition: Bool
  ) throws(Failure) {
    guard hasFault else {
      if condition { throw Failure(rc: rc) }
      return
    }
    let late = late
    self.late = nil
    defer { if condition { fault.hasRefused = true } }
    switch fault.at(.check, call.place, "\(name)") {
    case .missingCheck: break
    case .lateCheck: if condition { self.late = Failure(rc: rc) }
    case .extraRefusal, .extraGuard: throw Failure(rc: rc)
    default: if condition { throw Failure(rc: rc) }
    }
    if let late { throw late }
  }

  /// Where a test can have the call refused, once all that it checks is right.
  func refuseIfAsked(_ call: UltravisorCall, excusing handle: Int? = nil) throws(Failure) {
    if let late {
      self.late = nil
      throw late
    }
    baton.point(.effect, call.place)
    guard let failure = refusals.removeValue(forKey: call) else { return }
    if let handle { configurations[handle]?.isExcused = true }
    throw failure
  }

  func effect(_ name: StaticString, _ call: UltravisorCall, _ change: () -> Void) {
    if hasFault {
      switch fault.at(.effect, call.place, "\(name)") {
      case .missingEffect, .effectStops: return
      case .effectTwice: change()
      default: break
      }
    }
    change()
  }
}
