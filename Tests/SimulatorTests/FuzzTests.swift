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
  static let faults: [[Fault]] = [[]] + Fault.drawn(3, ofEach: 11).map { [$0] }

  /// Half of the calls are of simulators without a fault.
  private static func share(_ faults: [Fault]) -> Int {
    faults.isEmpty ? calls / 2 : calls / 2 / Self.faults.count
  }

  @Test("The module")
  func module() throws {
    var answers: Set<String> = []
    for (number, faults) in Self.faults.enumerated() {
      var backend = ModuleBackend(faults: faults)
      var fuzzer = ModuleFuzzer(seed: UInt64(number))
      for call in 0..<Self.share(faults) {
        if call % 2000 == 0 { try backend.reset() }
        guard let result = try? backend.perform(fuzzer.next()) else { continue }
        if faults.isEmpty { answers.insert("\(result.outcome)") }
      }
      _ = try backend.observe()
    }
    #expect(answers.count > 15, "\(answers.sorted())")
  }

  @Test("KVM over the module")
  func kvm() throws {
    var answers: Set<String> = []
    for (number, faults) in Self.faults.enumerated() {
      var backend = KVMBackend(.linux7_3TDX, hasModule: true, faults: faults)
      var fuzzer = KVMFuzzer(seed: UInt64(number))
      for call in 0..<Self.share(faults) {
        if call % 300 == 0 { try backend.reset() }
        guard let result = try? backend.perform(fuzzer.next()) else { continue }
        if faults.isEmpty { answers.insert("\(result.outcome)") }
      }
      _ = try backend.observe()
    }
    #expect(answers.count > 8, "\(answers.sorted())")
  }
}
