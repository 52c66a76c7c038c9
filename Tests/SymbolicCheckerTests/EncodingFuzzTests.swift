import Explorer
import Foundation
import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram
@testable import SymbolicChecker

/// One random spec, seen by the interpreter, the guard table and Z3.
struct ThreeWayComparison {
  /// Reached states whose steps Z3 is asked about, spread evenly over those that were found.
  static let reached = 5
  static let unreached = 3

  let spec: FuzzedSpec
  let engines: EngineComparison
  let encoding: EncodingComparison

  /// - Throws: a `SolverError` for a spec outside the encoding.
  init(
    _ spec: FuzzedSpec, table: GuardTableFault? = nil, encoder: EncoderFault? = nil
  ) throws {
    self.spec = spec
    engines = try EngineComparison(spec.program, fault: table)
    encoding = try EncodingComparison(engines.ground, spec.program.properties, fault: encoder)
  }

  /// The first disagreement of any two, as a reproducer.
  func firstDifference() throws -> String? {
    if let text = engines.firstDifference(limit: 60) { return spec.reproducer(text) }
    let states = engines.found
    let step = max(1, states.count / Self.reached)
    var asked = stride(from: 0, to: states.count, by: step).map { states[$0] }
    let unreached = spec.neighbours(of: states, count: Self.unreached)
    for state in unreached {
      if let text = engines.difference(in: state) { return spec.reproducer(text) }
    }
    asked += unreached
    for state in asked {
      guard let difference = try encoding.difference(in: state) else { continue }
      var text = "in \(engines.words(state)): \(difference)"
      if let step = difference.step { text += " -> \(engines.words(step.state, state))" }
      return spec.reproducer(text)
    }
    return nil
  }
}

/// The interpreter, the guard table and Z3 on random specs; `TDXSPEC_FUZZ=5000` compares so many,
/// `TDXSPEC_FUZZ_SEED=…` one.
@Suite("Random specs and Z3") struct EncodingFuzzTests {
  static let base: UInt64 = 0x2300_0000
  static let batches = 4

  static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init)
  }

  /// Goes through seeds until so many specs were compared.
  ///
  /// - Returns: how many specs were refused by the compiler, and by the encoding.
  @discardableResult
  static func forEachSpec(
    _ count: Int, from base: UInt64 = base, _ body: (FuzzedSpec) throws -> Void
  ) throws -> (refused: Int, outside: Int) {
    var compared = 0
    var refused = 0
    var outside = 0
    var seed = base
    while compared < count {
      defer { seed += 1 }
      do {
        try body(try FuzzedSpec(seed: seed))
        compared += 1
      } catch let error as SpecError {
        try #require(error.code == "TDX1104", "seed \(seed): \(error)")
        refused += 1
      } catch let error as SolverError {
        // A comparison of two numbers with a hundred values each.
        try #require(error.message.contains("outside this encoding"), "seed \(seed): \(error)")
        outside += 1
      }
    }
    return (refused, outside)
  }

  @Test(arguments: 0..<batches)
  func threeEvaluatorsAgree(batch: Int) throws {
    let seed = Self.number("TDXSPEC_FUZZ_SEED")
    guard seed == nil || batch == 0 else { return }
    let wanted = max(1000, Self.number("TDXSPEC_FUZZ") ?? 0)
    let count = seed == nil ? (wanted + Self.batches - 1) / Self.batches : 1
    let base = seed.map(UInt64.init) ?? Self.base + UInt64(batch) << 40
    var transitions = 0
    var steps = 0
    var agreed = 0
    let clock = ContinuousClock()
    let start = clock.now
    let left = try Self.forEachSpec(count, from: base) { spec in
      let comparison = try ThreeWayComparison(spec)
      if let text = try comparison.firstDifference() {
        Issue.record("\(text)")
        return
      }
      agreed += 1
      transitions += comparison.engines.transitions
      steps += comparison.encoding.transitions
    }
    print(
      """
      \(agreed) of \(count) random specs: the interpreter, the table and Z3 agree; \
      \(transitions) transitions in the engines, \(steps) in Z3; \(left.refused) specs refused, \
      \(left.outside) outside the encoding; \(clock.now - start)
      """)
    #expect(agreed == count)
    #expect(steps > 5 * count || seed != nil)
    #expect(left.outside < count)
  }

  /// What `prove --method bmc` and `check` say about the claims of random specs.
  @Test func boundedSearchAndExplorerAgree() throws {
    let depth = 3
    var refuted: [Int: Int] = [:]
    var held = 0
    try Self.forEachSpec(25) { spec in
      let ground = try GroundProgram(spec.program)
      // The encoder refuses what is outside of it; the prover would only not know.
      _ = try EncodingComparison(ground, spec.program.properties)
      let prover = try Prover(ground, seconds: 120)
      for property in spec.program.properties where !property.isBuiltIn {
        let expected = try ShortestBreak(spec.program, property, depth)
        if !expected.isMistake {
          let explored = try Self.explored(ground, property, depth)
          #expect(explored == expected.depth, "\(spec.reproducer("explorer: \(explored ?? -1)"))")
        }
        switch try prover.bmc(property, depth: depth) {
        case .refuted(let trace):
          refuted[trace.steps.count, default: 0] += 1
          #expect(trace.steps.count == expected.depth, "\(spec.reproducer("\(expected)"))")
        case .boundedOnly(depth):
          held += 1
          #expect(expected.depth == nil, "\(spec.reproducer("\(expected)"))")
        case let other: Issue.record("\(spec.reproducer("\(other)"))")
        }
      }
    }
    print("bounded search: refuted by depth \(refuted), \(held) claims hold to depth \(depth)")
    #expect(held > 0)
    #expect(refuted.keys.contains { $0 > 0 })
  }

  /// After how many steps the explorer finds a claim broken.
  private static func explored(
    _ ground: GroundProgram, _ property: ResolvedProperty, _ depth: Int
  ) throws -> Int? {
    var limits = SearchLimits()
    limits.maxDepth = depth
    let table = try GuardTable(ground, monitors: MonitorPlan([property]).monitors)
    let search = try Search(table, [property], limits)
    let result = try search.run()
    return try result.findings[0].state.map { try search.trace(to: $0).steps.count }
  }

  @Test(arguments: EncoderFault.allCases)
  func mistakesOfTheEncodingAreFound(_ fault: EncoderFault) throws {
    var found = 0
    try Self.forEachSpec(30) { spec in
      if try ThreeWayComparison(spec, encoder: fault).firstDifference() != nil { found += 1 }
    }
    print("encoding, \(fault): found in \(found) of 30 specs")
    #expect(found > 0)
  }

  @Test(arguments: GuardTableFault.allCases)
  func mistakesOfTheTableAreFound(_ fault: GuardTableFault) throws {
    var found = 0
    try Self.forEachSpec(30) { spec in
      if try ThreeWayComparison(spec, table: fault).firstDifference() != nil { found += 1 }
    }
    print("guard table, \(fault): found in \(found) of 30 specs")
    #expect(found > 0)
  }
}

/// By the interpreter alone: after how few steps a claim is broken or a step is a mistake.
struct ShortestBreak {
  /// `nil` when that takes more steps than asked for.
  private(set) var depth: Int?
  /// Whether it is, or may be, a mistake: then the explorer ends with that.
  private(set) var isMistake = false

  init(_ program: Program, _ property: ResolvedProperty, _ most: Int) throws {
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    var level = [program.initial]
    for steps in 0...most {
      var next: [[Int]] = []
      for state in level {
        if try !interpreter.holds(property, in: state), depth == nil { depth = steps }
        do {
          for transition in try interpreter.transitions(from: state)
          where seen.insert(transition.state).inserted {
            next.append(transition.state)
          }
        } catch {
          isMistake = true
          depth = depth ?? steps
        }
      }
      if depth != nil { return }
      level = next
    }
  }
}
