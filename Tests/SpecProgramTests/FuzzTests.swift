import Foundation
import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

/// The interpreter and the guard table on random specs; `TDXSPEC_FUZZ=5000` tries so many.
@Suite("Random specs") struct FuzzTests {
  static let base: UInt64 = 0xF022_0000
  static let batches = 4

  static var count: Int {
    ProcessInfo.processInfo.environment["TDXSPEC_FUZZ"].flatMap(Int.init) ?? 200
  }

  @Test("every transition is the same in both engines", arguments: 0..<batches)
  func agreement(batch: Int) throws {
    var tried = 0
    var transitions = 0
    var faults = 0
    for index in stride(from: batch, to: Self.count, by: Self.batches) {
      let seed = Self.base + UInt64(index)
      guard let spec = try Self.spec(seed) else { continue }
      let comparison = try EngineComparison(spec.program)
      if let difference = comparison.firstDifference(limit: 120) {
        Issue.record("\(spec.reproducer(difference))")
        continue
      }
      for state in spec.neighbours(of: comparison.found, count: 20) {
        if let difference = comparison.difference(in: state) {
          Issue.record("\(spec.reproducer("not reached: " + difference))")
          break
        }
      }
      tried += 1
      transitions += comparison.transitions
      faults += comparison.faults
    }
    // The specs are worth something: most are accepted, and some go wrong on purpose.
    #expect(tried * Self.batches > Self.count / 2)
    #expect(transitions > tried * 20)
    #expect(faults > 0)
  }

  /// `nil` for a spec that is refused as some are.
  static func spec(_ seed: UInt64) throws -> FuzzedSpec? {
    do {
      return try FuzzedSpec(seed: seed)
    } catch let error as SpecError {
      try #require(error.code == "TDX1104", "seed \(seed): \(error)")
      return nil
    }
  }

  /// A fuzzer that finds nothing must be one that would have found something.
  @Test(arguments: GuardTableFault.allCases)
  func mistakesOfTheTableAreFound(_ fault: GuardTableFault) throws {
    var found = 0
    var tried = 0
    for index in 0..<40 {
      guard let spec = try Self.spec(Self.base + UInt64(index)) else { continue }
      tried += 1
      let comparison = try EngineComparison(spec.program, fault: fault)
      if comparison.firstDifference(limit: 120) != nil { found += 1 }
    }
    print("guard table, \(fault): found in \(found) of \(tried) specs")
    #expect(found > 0)
  }
}
