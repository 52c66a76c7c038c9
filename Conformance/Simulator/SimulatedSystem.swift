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
    /// A kernel on s390 over the simulated Ultravisor.
    case s390(S390Profile)
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
    SimulatedSystem(
      name: "s390", summary: "Linux 7.3 on s390 over the simulated Ultravisor",
      kind: .s390(.linux7_3)),
    SimulatedSystem(
      name: "s390-async", summary: "the same, guests have their images from the beginning",
      kind: .s390(.async)),
    SimulatedSystem(
      name: "s390-async-slow", summary: "the same, the Ultravisor has no fast destroy",
      kind: .s390(.asyncSlow)),
    SimulatedSystem(
      name: "s390-async-2g", summary: "as s390-async, guests of 2 GiB at most",
      kind: .s390(.asyncSegment)),
    SimulatedSystem(
      name: "s390-async-off", summary: "as s390-async, the module has async_destroy=0",
      kind: .s390(.asyncOff)),
    SimulatedSystem(
      name: "s390-sync", summary: "Linux 6.1 on s390: KVM_PV_DISABLE alone cleans up",
      kind: .s390(.linux6_1)),
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
  public var faults: [Fault] { Fault.every.filter(canHave) }

  /// Whether there is the part that makes the fault.
  func canHave(_ fault: Fault) -> Bool {
    switch kind {
    case .module: fault.isOfModule
    case .kernel(_, let hasModule): !fault.isOfS390 && (hasModule || !fault.isOfModule)
    case .s390: fault.isOfS390
    }
  }
}
