import ConformanceKit
import Foundation
import SimulatorReplay
import Testing

@testable import Simulator

/// Where faults of the simulated s390 can be, Conformance/Faults/s390.txt, which tools/faults
/// draws, and the suites that shall notice them.
@Suite("Faults of KVM on s390")
struct S390FaultTests {
  /// What random calls pass.
  static func survey() throws -> Set<FaultPlace> {
    let survey = FaultSurvey()
    for system in S390Tests.systems {
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

  private static func lines(_ name: String) throws -> [[String]] {
    let text = try String(contentsOfFile: "Conformance/Faults/\(name).txt", encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: "\t").map(String.init) }
  }

  @Test("The list has faults of s390, each once, and some of them show in the calls it names")
  func list() throws {
    let lines = try Self.lines("s390")
    #expect(lines.count >= 30)
    #expect(Set(lines.map { $0[0] }).count == lines.count)
    let witness = FaultWitness()
    for (number, cells) in lines.enumerated() {
      let fault = try #require(Fault(id: cells[0]))
      #expect(fault.isOfS390)
      #expect(fault.faultClass.rawValue == cells[1])
      #expect(fault.summary == cells[2])
      if number % 6 == 0 { #expect(witness.shows(fault, in: cells[3]), "\(cells)") }
    }
    #expect(Fault.all.allSatisfy { !$0.isOfS390 })
  }

  /// The committed suites, with the system that each is for.
  static let suites = [
    "s390-commands-checks": "s390", "s390-commands-calls": "s390", "s390-commands-walks": "s390",
    "s390-async": "s390-async", "s390-async-starved": "s390-async",
    "s390-async-slow-failing": "s390-async-slow", "s390-async-slow-starved": "s390-async-slow",
    "s390-sync-failing": "s390-sync",
    "s390-async-failing": "s390-async", "s390-async-slow": "s390-async-slow",
    "s390-async-2g": "s390-async-2g", "s390-async-off": "s390-async-off",
    "s390-sync": "s390-sync", "s390-async-parallel": "s390-async",
    "s390-async-slow-parallel": "s390-async-slow", "s390-sync-parallel": "s390-sync",
  ]

  @Test("Every suite passes without a fault; every third fault of the list is noticed or said why")
  func suites() throws {
    let lines = try Self.lines("s390").enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
    let known = Set(try Self.lines("s390-survivors").map { $0[0] })
    var left = try lines.map { try #require(Fault(id: $0[0])) }
    for (name, system) in Self.suites.sorted(by: { $0.key < $1.key }) {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "Conformance/Suites/\(name).json"))
      let suite = try StrictJSON.decode(ConformanceSuite.self, from: Array(bytes))
      let strength = try SuiteStrength(suite, on: try #require(SimulatedSystem(name: system)))
      #expect(strength.unsound.map(\.test) == [], "\(name)")
      left = zip(left, strength.fates(left)).compactMap { fault, fate in
        if case .survives = fate { fault } else { nil }
      }
    }
    #expect(left.filter { !known.contains($0.id) }.map(\.id) == [])
  }

  @Test("Faults that are known to survive are of the list, each with a reason, at most 5 percent")
  func survivors() throws {
    let known = try Self.lines("s390-survivors")
    let all = try Self.lines("s390").map { $0[0] }
    #expect(known.allSatisfy { $0.count == 2 && $0[1].count > 20 })
    #expect(Set(known.map { $0[0] }).isSubset(of: all))
    #expect(known.count * 20 <= all.count)
  }
}
