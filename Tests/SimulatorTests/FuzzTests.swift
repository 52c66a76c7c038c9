import ConformanceKit
import Foundation
import Simulator
import Testing

/// `TDXSPEC_FUZZ_CALLS` makes that many calls instead of a few thousand.
@Suite("Random calls do not bring the simulators down")
struct FuzzTests {
  static let calls =
    ProcessInfo.processInfo.environment["TDXSPEC_FUZZ_CALLS"].flatMap { Int($0) } ?? 20_000

  /// None, then some of each kind: a mistake in the simulated code may not end the process either.
  static let faults: [Fault?] = [nil] + Fault.drawn(3, ofEach: 11)

  /// Half of the calls are of simulators without a fault.
  private static func share(_ fault: Fault?) -> Int {
    fault == nil ? calls / 2 : calls / 2 / faults.count
  }

  @Test("The module")
  func module() throws {
    var answers: Set<String> = []
    for (number, fault) in Self.faults.enumerated() {
      var backend = ModuleBackend(fault: fault)
      var fuzzer = ModuleFuzzer(seed: UInt64(number))
      for call in 0..<Self.share(fault) {
        if call % 2000 == 0 { try backend.reset() }
        guard let result = try? backend.perform(fuzzer.next()) else { continue }
        if fault == nil { answers.insert("\(result.outcome)") }
      }
      _ = try backend.observe()
    }
    #expect(answers.count > 15, "\(answers.sorted())")
  }

  @Test("KVM over the module")
  func kvm() throws {
    var answers: Set<String> = []
    for (number, fault) in Self.faults.enumerated() {
      var backend = KVMBackend(.linux7_3TDX, hasModule: true, fault: fault)
      var fuzzer = KVMFuzzer(seed: UInt64(number))
      for call in 0..<Self.share(fault) {
        if call % 300 == 0 { try backend.reset() }
        guard let result = try? backend.perform(fuzzer.next()) else { continue }
        if fault == nil { answers.insert("\(result.outcome)") }
      }
      _ = try backend.observe()
    }
    #expect(answers.count > 8, "\(answers.sorted())")
  }
}
