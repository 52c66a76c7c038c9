import Foundation
import SpecLanguage
import Testing

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
      var generator = SpecGenerator(seed: seed)
      let description = generator.spec()
      let program: Program
      do {
        program = try Program(description, ["V": 2], fuse: index % 3 != 0)
      } catch let error as SpecError {
        // A check after a write is refused; the generator does not look ahead that far.
        try #require(error.code == "TDX1104", "seed \(seed): \(error)")
        continue
      }
      let comparison = try EngineComparison(program)
      if let difference = comparison.firstDifference(limit: 120) {
        Issue.record("seed \(seed): \(difference)")
        continue
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
}
