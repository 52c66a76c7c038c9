import ConformanceKit

/// A system that the simulator can stand for, chosen by name.
public struct SimulatedSystem: Hashable, Sendable {
  /// What users call it.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  let kind: Kind

  enum Kind: Hashable, Sendable {
    /// A kernel; a simulated TDX module decides, or a stand-in accepts every SEAMCALL.
    case kernel(KernelProfile, hasModule: Bool)
    /// The TDX module alone: calls are SEAMCALLs and what guests do.
    case module
  }

  /// All there are; the first is the usual one.
  public static let all: [SimulatedSystem] = [
    SimulatedSystem(
      name: "7.3-tdx", summary: "Linux 7.3 with TDX over the simulated TDX module",
      kind: .kernel(.linux7_3TDX, hasModule: true)),
    SimulatedSystem(
      name: "7.3-tdx-standin", summary: "Linux 7.3 with TDX, every SEAMCALL succeeds",
      kind: .kernel(.linux7_3TDX, hasModule: false)),
    SimulatedSystem(
      name: "7.3-sw-protected", summary: "Linux 7.3 with software-protected VMs",
      kind: .kernel(.linux7_3, hasModule: false)),
    SimulatedSystem(
      name: "7.4-tdx-standin",
      summary: "the queue for Linux 7.4: conversion in place, every SEAMCALL succeeds",
      kind: .kernel(.linux7_4, hasModule: false)),
    SimulatedSystem(
      name: "6.18", summary: "Linux 6.18 with plain VMs",
      kind: .kernel(.linux6_18, hasModule: false)),
    SimulatedSystem(
      name: "module", summary: "SEAMCALLs on the simulated TDX module", kind: .module),
  ]

  /// The usual one.
  public static let usual = all[0]

  private init(name: String, summary: String, kind: Kind) {
    self.name = name
    self.summary = summary
    self.kind = kind
  }

  /// Nil for a name that no system has.
  public init?(name: String) {
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// The faults that the system can have.
  public var faults: [Fault] { Fault.all.filter(canHave) }

  /// Whether there is the part that makes the fault.
  func canHave(_ fault: Fault) -> Bool {
    switch kind {
    case .module: fault.isOfModule
    case .kernel(_, let hasModule): hasModule || !fault.isOfModule
    }
  }
}

/// The simulator as a backend: one of the systems, with the mistakes it shall make.
public struct SimulatedBackend: Backend {
  private var kernel: KVMBackend?
  private var module: ModuleBackend?
  private let hasStandIn: Bool

  /// - Parameters:
  ///   - system: what is simulated.
  ///   - faults: mistakes to make, all of them.
  ///   - survey: told of the places that faults can be at.
  public init(_ system: SimulatedSystem, faults: [Fault] = [], survey: FaultSurvey? = nil) {
    switch system.kind {
    case .kernel(let profile, let hasModule):
      hasStandIn = !hasModule && profile.types.contains(MachineType.tdx.rawValue)
      kernel = KVMBackend(
        profile, hasModule: hasModule, faults: faults, survey: survey, scheduler: Scheduler())
    case .module:
      hasStandIn = false
      module = ModuleBackend(faults: faults, survey: survey, scheduler: Scheduler())
    }
  }

  private static let neither = BackendError(.unavailable, "there is no simulated system")

  public mutating func probe() throws(BackendError) -> Profile {
    if var profile = try kernel?.probe() {
      profile.capabilities.insert("seamcall-log")
      // Where a module decides, it finds its own locks taken.
      if hasStandIn { profile.capabilities.insert("standin") }
      return profile
    }
    guard let profile = try module?.probe() else { throw Self.neither }
    return profile
  }

  public mutating func reset() throws(BackendError) {
    try kernel?.reset()
    try module?.reset()
  }

  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    kernel?.host.port.clearLog()
    if var result = try kernel?.perform(call) {
      result.written[SeamcallList.name] = seamcalls.value
      return result
    }
    guard let result = try module?.perform(call) else { throw Self.neither }
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
    guard let seen = try module?.observe() else { throw Self.neither }
    return seen
  }

  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard kernel != nil else { return try module?.race(threads, attempt: attempt) }
    return try kernel?.race(threads, attempt: attempt)
  }

  public mutating func conclude() throws(BackendError) -> [String] {
    if let found = try kernel?.conclude() { return found }
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
    guard let module = module?.module else { return [] }
    let locked = module.metadata.locked.map { "page 0x\(String($0.address, radix: 16)) is locked" }
    return locked.sorted() + (module.stop.map { ["the module stopped: \($0)"] } ?? [])
  }
}
