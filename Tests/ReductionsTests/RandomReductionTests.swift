import Explorer
import Foundation
import SpecLanguage
import SpecProgram
import Testing

@testable import Reductions
@testable import SpecFuzzing

/// Random specs with threads: every combination of reductions, and reductions that are broken on
/// purpose. `TDXSPEC_FUZZ=5000` tries so many.
@Suite("Reductions of random specs") struct RandomReductionTests {
  static let base: UInt64 = 0x5EED_4000

  static var count: Int {
    ProcessInfo.processInfo.environment["TDXSPEC_FUZZ"].flatMap(Int.init) ?? 300
  }

  /// The spec of a seed, if its full search is small.
  static func search(_ seed: UInt64) throws -> (ReducedSearch, ReducedAnswer)? {
    var generator = ThreadedSpec(seed: seed)
    let workers = seed % 3 == 0 ? 3 : 2
    var search = ReducedSearch(spec: generator.spec(), values: ["V": 2, "workers": workers])
    search.limits.maxStates = 1_500
    let full = try search.run(Reduction())
    guard full.result.end == .exhausted || full.result.end == .decided else { return nil }
    return (search, full)
  }

  /// The seeds of the first specs that are small enough.
  static let seeds: [UInt64] = {
    var found: [UInt64] = []
    var seed = base
    while found.count < count {
      if (try? search(seed)) ?? nil != nil { found.append(seed) }
      seed += 1
    }
    return found
  }()

  static func differs(_ answer: ReducedAnswer, _ full: ReducedAnswer) -> Bool {
    // Which premises were seen before the last property was decided depends on the order.
    if full.result.end == .decided {
      return answer.result.findings.map { $0.state == nil }
        != full.result.findings.map { $0.state == nil }
    }
    return answer.verdicts != full.verdicts || answer.result.end != full.result.end
  }

  @Test("verdicts are those of the full search") func agreement() throws {
    var reduced: [Reduction: Int] = [:]
    var reached = 0
    for seed in Self.seeds {
      let (search, full) = try #require(try Self.search(seed))
      reached += full.result.findings.count { $0.state != nil }
      for reduction in Reduction.all {
        let found = try search.run(reduction)
        #expect(!Self.differs(found, full), "seed \(seed), \(reduction)")
        if found.result.states < full.result.states { reduced[reduction, default: 0] += 1 }
      }
    }
    // The specs are worth something: properties are decided both ways, and all reductions reduce.
    #expect(reached > Self.seeds.count / 2)
    #expect(reached < 7 * Self.seeds.count * 9 / 10)
    for reduction in Reduction.all where reduction != Reduction() {
      #expect(reduced[reduction, default: 0] > Self.seeds.count / 20, "\(reduction)")
    }
  }

  /// How many of the specs show that a reduction is broken.
  private func caught(
    _ reduction: Reduction, _ breaking: (inout ReducedSearch) -> Void
  ) throws -> Int {
    var caught = 0
    for seed in Self.seeds.prefix(120) {
      var (search, full) = try #require(try Self.search(seed))
      breaking(&search)
      do {
        if Self.differs(try search.run(reduction), full) { caught += 1 }
      } catch SearchError.disagreement {
        // The counterexample is no run of the spec.
        caught += 1
      }
    }
    return caught
  }

  @Test("movers that do not ask for others' steps are caught") func brokenFootprints() throws {
    let caught = try caught(Reduction(por: true)) {
      $0.movers = { ground, _ in Movers.everywhere(ground.program) }
    }
    #expect(caught > 0)
  }

  @Test("movers that do not ask what properties see are caught") func brokenVisibility() throws {
    let caught = try caught(Reduction(por: true)) {
      $0.movers = { ground, _ in Movers(ground, monitors: []) }
    }
    #expect(caught > 0)
  }

  @Test("permuting a sort that the spec puts in order is caught") func brokenSymmetry() throws {
    let caught = try caught(Reduction(symmetry: true)) {
      $0.group = { program, _ in
        let orders = Permutation.orders(of: 2).map { Permutation(images: [V.sort: $0]) }
        let component = SymmetryGroup.Component(
          sorts: [V.sort], order: 2, permutations: orders, isFull: false)
        return SymmetryGroup([component], excluded: [])
      }
    }
    #expect(caught > 0)
  }
}

extension Movers {
  /// Every step of every thread but the first of a call.
  fileprivate static func everywhere(_ program: Program) -> Movers {
    Movers(
      (0..<program.threadCount).map { _ in (0..<program.locationCount).map { $0 != 0 } })
  }
}
