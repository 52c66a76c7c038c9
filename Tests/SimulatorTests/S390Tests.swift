import ConformanceKit
import Foundation
import Testing

@testable import Simulator

/// The simulated KVM on s390 and its Ultravisor against s390-pv.
@Suite("KVM on s390")
struct S390Tests {
  private static let systems = SimulatedSystem.all.filter { $0.name.hasPrefix("s390") }

  /// Calls, each with its outcome in words; then nothing may be left.
  private func expect(
    _ system: String, _ calls: [(Call, String)], left: [String] = [],
    line: SourceLocation = #_sourceLocation
  ) throws {
    var backend = SimulatedBackend(try #require(SimulatedSystem(name: system)))
    for (number, (call, outcome)) in calls.enumerated() {
      let result = try backend.perform(call)
      #expect("\(result.outcome)" == outcome, "\(number): \(call)", sourceLocation: line)
    }
    #expect(try backend.conclude() == left, sourceLocation: line)
  }

  @Test("Random calls end, without a fault without complaint")
  func fuzz() throws {
    for system in Self.systems {
      var backend = SimulatedBackend(system)
      for seed in 0..<60 as Range<UInt64> {
        try backend.reset()
        var fuzzer = S390Fuzzer(seed: seed)
        var calls: [String] = []
        for _ in 0..<60 {
          let call = fuzzer.next()
          let result = try backend.perform(call)
          calls.append("\(call) -> \(result.outcome) \(result.written)")
          #expect(result.outcome != .timeout, "\(system.name) \(seed) \(calls)")
        }
        let left = try backend.conclude()
        #expect(left == [], "\(system.name) \(seed)\n\(calls.joined(separator: "\n"))")
      }
    }
  }

  @Test("Threads at once neither wait for each other nor break anything")
  func threads() throws {
    for seed in 0..<60 {
      let threads = try #require(S390Threads(name: "s390-threads:\(seed)"))
      #expect(threads.complaints == [], "\(seed) \(threads)")
    }
  }
}

/// Where faults of the simulated s390 can be.
@Suite("Faults of KVM on s390")
struct S390FaultTests {
  /// What random calls pass, alone and at once.
  static func survey() throws -> Set<FaultPlace> {
    let survey = FaultSurvey()
    for system in SimulatedSystem.all where system.name.hasPrefix("s390") {
      var backend = SimulatedBackend(system, survey: survey)
      for seed in 0..<250 as Range<UInt64> {
        try backend.reset()
        var fuzzer = S390Fuzzer(seed: seed)
        let life = TypicalLife.ofS390(
          isLoaded: system.name != "s390", isAsync: system.name != "s390-sync")
        for call in life.prefix(Int(seed) % (life.count + 1)) { _ = try backend.perform(call) }
        for _ in 0..<60 { _ = try backend.perform(fuzzer.next()) }
        _ = try backend.conclude()
      }
    }
    return survey.places
  }

  @Test("The table has exactly the places that runs pass")
  func tableIsComplete() throws {
    let found = try Self.survey()
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      return try FaultTests.write(found, "S390")
    }
    let table = Set(FaultPlace.allOfS390)
    #expect(found.subtracting(table).sorted().map(\.name) == [])
    #expect(table.subtracting(found).sorted().map(\.name) == [])
  }
}
