import ConformanceKit
import Foundation
import SimulatorReplay
import Testing

@testable import Simulator

/// The simulated KVM on s390 and its Ultravisor against s390-pv.
@Suite("KVM on s390")
struct S390Tests {
  static let systems = SimulatedSystem.all.filter { $0.name.hasPrefix("s390") }

  /// Makes the calls, each with its outcome in words; then only that may be left.
  private func expect(
    _ system: String, _ calls: [(Call, String)], left: [String] = [],
    at location: SourceLocation = #_sourceLocation
  ) throws {
    var backend = SimulatedBackend(try #require(SimulatedSystem(name: system)))
    for (number, (call, outcome)) in calls.enumerated() {
      let result = try backend.perform(call)
      #expect("\(result.outcome)" == outcome, "\(number): \(call)", sourceLocation: location)
    }
    let found = try backend.conclude()
    #expect(found == left, sourceLocation: location)
  }

  private static let enable = Call("KVM_PV_ENABLE")
  private static let disable = Call("KVM_PV_DISABLE")
  private static let prepare = Call("KVM_PV_ASYNC_CLEANUP_PREPARE")
  private static let perform = Call("KVM_PV_ASYNC_CLEANUP_PERFORM")
  private static let signal = Call("a fatal signal comes")
  private static let executed = "\"0, rc 1 rrc 42\""

  private static func run(_ page: Int) -> Call {
    Call("KVM_RUN", ["v": "v0", "p": .text("p\(page)")])
  }
  private static func refuse(_ call: String) -> Call {
    Call("the next call of the Ultravisor fails", ["of": .text(call)])
  }
  private static func starve(_ kind: String) -> Call {
    Call("the next allocation fails", ["of": .text(kind)])
  }

  @Test("s390-pv §6.4, 1 to 3: what is refused, and that all memory comes back")
  func disables() throws {
    for system in ["s390-sync", "s390-async", "s390-async-slow"] {
      try expect(
        system,
        [
          (Self.disable, "-EINVAL"), (Self.enable, "0"), (Self.enable, "-EINVAL"),
          (Self.run(0), "0"), (Self.disable, "0"), (Self.run(0), "0"), (Self.enable, "0"),
        ])
    }
    try expect(
      "s390-sync", [(Self.prepare, "-ENOTTY"), (Self.enable, "0"), (Self.perform, "-ENOTTY")])
    try expect("s390-async-off", [(Self.enable, "0"), (Self.prepare, "-EINVAL")])
  }

  @Test("s390-pv §6.4, 4 to 9: setting aside and cleaning up")
  func setsAside() throws {
    for system in ["s390-async", "s390-async-slow"] {
      try expect(
        system,
        [
          (Self.enable, "0"), (Self.run(0), "0"), (Self.run(1), "0"), (Self.prepare, Self.executed),
          (Self.disable, "-EINVAL"), (Self.enable, "0"), (Self.run(0), "0"),
          (Self.prepare, "-EINVAL"), (Self.perform, "0"), (Self.perform, "-EINVAL"),
          (Self.disable, "0"),
        ])
      try expect(
        system,
        [
          (Self.enable, "0"), (Self.run(2), "0"), (Self.prepare, Self.executed), (Self.signal, "0"),
          (Self.perform, Self.executed), (Self.perform, "-EINVAL"), (Self.enable, "0"),
          (Self.disable, "0"),
        ])
    }
  }

  @Test("s390-pv §6.4, 13 to 18: memory runs out, calls of the Ultravisor fail")
  func fails() throws {
    try expect(
      "s390-async-slow",
      [
        (Self.enable, "0"), (Self.starve("record"), "0"), (Self.prepare, "-ENOMEM"),
        (Self.starve("table"), "0"), (Self.prepare, "-ENOMEM"), (Self.disable, "0"),
      ])
    try expect(
      "s390-async",
      [
        (Self.enable, "0"), (Self.refuse("destroyFast"), "0"), (Self.prepare, "-EIO"),
        (Self.disable, "0"),
      ])
    try expect(
      "s390-async-2g", [(Self.enable, "0"), (Self.prepare, "-EINVAL"), (Self.disable, "0")])
    try expect(
      "s390-async",
      [(Self.enable, "0"), (Self.refuse("destroyCPU"), "0"), (Self.disable, "-EIO")])
    try expect(
      "s390-async",
      [(Self.refuse("createCPU"), "0"), (Self.enable, "-EIO"), (Self.enable, "0")])
  }

  @Test("A memslot that goes while a guest is set aside leaves pages that nobody cleans (D)")
  func memslots() throws {
    try expect(
      "s390-async",
      [
        (Self.enable, "0"), (Self.run(0), "0"), (Self.prepare, Self.executed),
        (Call("KVM_SET_USER_MEMORY_REGION"), "0"), (Self.perform, "0"),
      ], left: ["a page of the guest is freed, and still not the host's"])
  }

  @Test("A segment table stays in use when its configuration is not destroyed (D)")
  func segmentTable() throws {
    try expect(
      "s390-async-2g",
      [(Self.enable, "0"), (Self.refuse("destroyConfig"), "0"), (Call("kvm_destroy_vm"), "0")],
      left: ["a top-level table is freed, and still not the host's"])
  }

  /// Failures of which the facts say no more than that something is lost, or that show what
  /// ``memslots()`` and ``segmentTable()`` show.
  private static func isLeftOut(_ call: Call, _ system: SimulatedSystem, _ seed: UInt64) -> Bool {
    if call.name == "KVM_SET_USER_MEMORY_REGION" { return true }
    guard call.name.hasPrefix("the next") else { return false }
    let of = call.arguments["of"]
    if system.name == "s390-async-2g", of == "destroyConfig" || of == "destroyCPU" { return true }
    // Two failures at once lose a table (s390-pv §3.2).
    return (of == "table") == (seed % 2 == 0)
  }

  @Test("Random calls end; without a fault nothing is wrong after them")
  func fuzz() throws {
    var answers: Set<String> = []
    for system in Self.systems {
      var backend = SimulatedBackend(system)
      for seed in 0..<40 as Range<UInt64> {
        try backend.reset()
        var fuzzer = S390Fuzzer(seed: seed)
        for _ in 0..<60 {
          let call = fuzzer.next()
          if Self.isLeftOut(call, system, seed) { continue }
          answers.insert("\(try backend.perform(call).outcome)")
        }
        let left = try backend.conclude()
        #expect(left == [], "\(system.name) \(seed)")
      }
    }
    #expect(!answers.contains("\(Outcome.timeout)"))
    #expect(answers.count >= 10, "\(answers.sorted())")
  }

  @Test("Random calls end whatever the fault")
  func faultyFuzz() throws {
    for (number, fault) in Fault.allOfS390.enumerated() where number % 5 == 0 {
      let system = Self.systems[number % Self.systems.count]
      var backend = SimulatedBackend(system, faults: [fault])
      var fuzzer = S390Fuzzer(seed: UInt64(number))
      for _ in 0..<80 { _ = try backend.perform(fuzzer.next()) }
      _ = try backend.conclude()
    }
  }

  @Test("Threads at once neither wait for each other nor break anything")
  func threads() throws {
    for seed in 0..<40 {
      let threads = try #require(S390Threads(name: "s390-threads:\(seed)"))
      #expect(threads.complaints == [], "\(seed) \(threads)")
    }
  }

  @Test("Calls and arguments that nobody knows are refused")
  func unknown() throws {
    var backend = S390Backend(.async)
    for call in [
      Call("no such call"), Call("KVM_RUN"), Call("KVM_RUN", ["v": "v9", "p": "p0"]),
      Self.starve("cleaner"), Self.refuse("export"), Call("KVM_PV_ENABLE", ["caller": "nobody"]),
    ] {
      let answer = Result { () throws(BackendError) in try backend.perform(call) }
      #expect(throws: BackendError.self, "\(call)") { try answer.get() }
    }
    let left = try backend.conclude()
    #expect(left == [])
  }
}
