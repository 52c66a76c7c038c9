import ConformanceKit

/// The simulator as a backend: one of the systems, with the mistakes it shall make.
public struct SimulatedBackend: Backend {
  private var kernel: KVMBackend?
  private var module: ModuleBackend?
  private var s390: S390Backend?
  private let hasStandIn: Bool

  /// - Parameters:
  ///   - system: what is simulated.
  ///   - faults: mistakes to make, all of them.
  ///   - survey: told of the places that faults can be at.
  public init(_ system: SimulatedSystem, faults: [Fault] = [], survey: FaultSurvey? = nil) {
    if case .kernel(let profile, let hasModule) = system.kind {
      hasStandIn = !hasModule && profile.types.contains(MachineType.tdx.rawValue)
    } else {
      hasStandIn = false
    }
    switch system.kind {
    case .kernel(let profile, let hasModule):
      kernel = KVMBackend(
        profile, hasModule: hasModule, faults: faults, survey: survey, scheduler: Scheduler())
    case .module:
      module = ModuleBackend(faults: faults, survey: survey, scheduler: Scheduler())
    case .s390(let profile):
      s390 = S390Backend(profile, faults: faults, survey: survey, scheduler: Scheduler())
    }
  }

  private static let none = BackendError(.unavailable, "there is no simulated system")

  public mutating func probe() throws(BackendError) -> Profile {
    if var profile = try kernel?.probe() {
      profile.capabilities.insert("seamcall-log")
      // Where a module decides, it finds its own locks taken.
      if hasStandIn { profile.capabilities.insert("standin") }
      return profile
    }
    if let profile = try s390?.probe() { return profile }
    guard let profile = try module?.probe() else { throw Self.none }
    return profile
  }

  public mutating func reset() throws(BackendError) {
    try kernel?.reset()
    try module?.reset()
    try s390?.reset()
  }

  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    kernel?.host.port.clearLog()
    if var result = try kernel?.perform(call) {
      result.written[SeamcallList.name] = seamcalls.value
      return result
    }
    if let result = try s390?.perform(call) { return result }
    guard let result = try module?.perform(call) else { throw Self.none }
    return result
  }

  /// What the last call to the kernel called in the module.
  private var seamcalls: SeamcallList {
    var list = SeamcallList()
    for call in kernel?.host.port.log ?? [] {
      let status = call.status == 0 ? "ok" : "0x" + String(call.status, radix: 16)
      list.add("TDH.\(call.leaf.text)", status: status, gpa: call.gpa)
    }
    return list
  }

  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    if let seen = try kernel?.observe() { return seen }
    if let seen = try s390?.observe() { return seen }
    guard let seen = try module?.observe() else { throw Self.none }
    return seen
  }

  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    if kernel != nil { return try kernel?.race(threads, attempt: attempt) }
    if s390 != nil { return try s390?.race(threads, attempt: attempt) }
    return try module?.race(threads, attempt: attempt)
  }

  public mutating func conclude() throws(BackendError) -> [String] {
    if let found = try kernel?.conclude() { return found }
    if let found = try s390?.conclude() { return found }
    return try module?.conclude() ?? []
  }
}

extension SimulatedBackend {
  /// Ends the process and tells what the simulated system itself found wrong since the reset, as a
  /// kernel's log and its counters of leaks would. Nothing for a system that works.
  public mutating func complaints() throws(BackendError) -> [String] {
    if kernel != nil {
      _ = try kernel?.perform(Call("exit"))
      guard let host = kernel?.host else { return [] }
      return host.bugs + host.leftovers
    }
    if s390 != nil { return try s390?.conclude() ?? [] }
    guard let module = module?.module else { return [] }
    let locked = module.metadata.locked.map { "page 0x\(String($0.address, radix: 16)) is locked" }
    return locked.sorted() + (module.stop.map { ["the module stopped: \($0)"] } ?? [])
  }
}
