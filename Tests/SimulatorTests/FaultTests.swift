import ConformanceKit
import Foundation
import Simulator
import SimulatorReplay
import Testing

@Suite("Faults of the simulators")
struct FaultTests {
  /// What passes the places: the recorded samples, a TD's life, and random calls.
  static func survey() throws -> Set<FaultPlace> {
    let survey = FaultSurvey()
    var module = SimulatedModuleReplay(ModuleBackend(survey: survey), limit: 0)
    try module.check(file: ModuleReplayTests.sample)
    var kvm = SimulatedKVMReplay(limit: 0, survey: survey)
    for name in ["kvm-answers-sample", "gmem-answers-sample"] {
      try kvm.check(file: "Conformance/Recorded/\(name).jsonl.gz")
    }
    var backend = KVMBackend(.linux7_3TDX, hasModule: true, survey: survey)
    var inPlace = KVMBackend(.linux7_4, survey: survey)
    for call in InPlaceTests.exercise { _ = try? inPlace.perform(call) }
    for call in VirtualMachineTests.build + [Call("KVM_RUN", ["on": "vcpu0"]), Call("exit")] {
      _ = try backend.perform(call)
    }
    for seed in 0..<20 as Range<UInt64> {
      var fuzzer = KVMFuzzer(seed: seed)
      try backend.reset()
      for _ in 0..<1000 { _ = try? backend.perform(fuzzer.next()) }
    }
    return survey.places
  }

  @Test("The table has exactly the places that runs pass")
  func tableIsComplete() throws {
    let found = try Self.survey()
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      let leaves = Set(Leaf.allCases.map(\.text) + ["SEAMCALL", "GUEST"])
      try Self.write(found.filter { leaves.contains($0.call) }, "Module")
      try Self.write(found.filter { !leaves.contains($0.call) }, "KVM")
      return
    }
    let table = Set(FaultPlace.all)
    #expect(found.subtracting(table).sorted().map(\.name) == [])
    #expect(table.subtracting(found).sorted().map(\.name) == [])
  }

  static func write(_ places: Set<FaultPlace>, _ name: String) throws {
    let rows = FaultPlace.lines(Array(places)).map { "    \($0)\n" }.joined()
    let text = """
      extension FaultPlace {
        /// Places of the simulated \(name).
        static let of\(name) = \"\"\"
      \(rows)    \"\"\"
      }

      """
    try text.write(
      toFile: "Conformance/Simulator/Faults/FaultPlace+\(name).swift", atomically: true,
      encoding: .utf8)
  }

  @Test("There are enough faults, each with a name and a line of its own")
  func faultsAreMany() {
    #expect(Fault.all.count >= 150)
    #expect(Set(Fault.all.map(\.id)).count == Fault.all.count)
    #expect(Set(Fault.all.map(\.summary)).count == Fault.all.count)
    for kind in Fault.Operator.allCases {
      #expect(Fault.all.count { $0.kind == kind } >= 10, "\(kind)")
    }
    #expect(Fault(id: Fault.all[7].id) == Fault.all[7])
    #expect(Fault.drawn(2, ofEach: 1).count == 2 * Fault.Operator.allCases.count)
    #expect(Fault.drawn(2, ofEach: 1) == Fault.drawn(2, ofEach: 1))
  }
}
