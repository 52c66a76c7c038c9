import Catalogue
import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

/// A spec at a scope, ready to be asked about.
struct Question {
  let ground: GroundProgram
  let prover: Prover

  init(_ name: String, _ sizes: [String: Int] = [:], seconds: Double = 120) throws {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    let program = try Program(spec, ResolvedScope(spec, overrides: sizes))
    ground = try GroundProgram(program)
    prover = try Prover(ground, seconds: seconds)
  }

  func property(_ id: String) throws -> ResolvedProperty {
    try #require(ground.program.properties.first { $0.property.id == id })
  }

  func ask(_ ids: [String], _ methods: [ProofMethod], depth: Int = 12) throws -> [ProofReport] {
    var plan = ProofPlan()
    plan.methods = methods
    plan.depth = depth
    var reports: [ProofReport] = []
    try prover.answerAll(ids.map(property), plan) { reports.append($0) }
    return reports
  }
}

@Suite(.serialized) struct ProverTests {
  static let bench = "bench/tdx-teardown"
  static let all = ["I1", "I2", "I3", "I4", "I5"]

  @Test func benchmarkIsProvedWithoutHandWrittenLemmas() throws {
    let reports = try Question(Self.bench).ask(Self.all, ProofMethod.allCases)
    #expect(reports.count == 5)
    for report in reports {
      guard case .proved = report.outcome else {
        Issue.record("\(report.property.property.id): \(report.outcome)")
        continue
      }
    }
  }

  @Test func spacersInvariantsHoldInEveryReachableState() throws {
    let question = try Question(Self.bench)
    let states = reachable(question.ground.program)
    #expect(states.count == 11833)
    for id in ["I1", "I3"] {
      let query = try HornQuery(
        question.prover, Candidate(try question.property(id), question.prover.encoder))
      #expect(try query.ask() == .unsatisfiable)
      // Decoded as it is printed, so that the decoding is tested with it.
      let bits = try question.prover.encoder.state("s")
      let reader = InvariantReader(question.ground.program, bits)
      let invariant = try #require(reader.formula(of: try query.invariant(bits)))
      #expect(states.allSatisfy { holds(invariant, $0) })
      #expect(invariant != .yes)
    }
  }

  private func holds(_ formula: Formula, _ state: [Int]) -> Bool {
    switch formula {
    case .yes: true
    case .no, .compare: false
    case .member(let cell, let set): set.contains(state[cell])
    case .and(let parts): parts.allSatisfy { holds($0, state) }
    case .or(let parts): parts.contains { holds($0, state) }
    }
  }

  @Test(arguments: [(1, "I1", 11), (2, "I2", 9)])
  func boundedSearchFindsSeededBugsAtTheirDepth(_ bug: Int, _ id: String, _ depth: Int) throws {
    let question = try Question(Self.bench, ["P": 3, "BUG": bug])
    let report = try #require(try question.ask([id], [.bmc]).first)
    guard case .refuted(let trace) = report.outcome else {
      Issue.record("\(report.outcome)")
      return
    }
    #expect(trace.steps.count == depth)
    // One step less is not enough.
    let shallow = try Question(Self.bench, ["P": 3, "BUG": bug])
    let below = try #require(try shallow.ask([id], [.bmc], depth: depth - 1).first)
    guard case .boundedOnly(depth - 1) = below.outcome else {
      Issue.record("\(below.outcome)")
      return
    }
  }

  @Test func aSeededBugIsNeverProved() throws {
    for (bug, id) in [(1, "I1"), (2, "I2")] {
      let question = try Question(Self.bench, ["BUG": bug], seconds: 6)
      let reports = try question.ask([id], [.induction, .kInduction, .spacer])
      for report in reports {
        if case .proved = report.outcome { Issue.record("\(id) is proved in spite of its bug") }
      }
    }
  }

  @Test func aGapIsAStepOfTheInterpreter() throws {
    // A claim that is true would be proved with lemmas.
    let question = try Question(Self.bench, ["BUG": 1])
    let report = try #require(try question.ask(["I1"], [.induction]).first)
    let gap = try #require(report.gap)
    let program = question.ground.program
    let interpreter = Interpreter(program)
    let taken = try interpreter.transitions(from: gap.before).contains {
      $0.label == gap.label && $0.state == gap.after
    }
    #expect(taken)
    #expect(try interpreter.holds(report.property, in: gap.before))
    #expect(try !interpreter.holds(report.property, in: gap.after))
  }

  @Test func withoutTimeThereIsNoAnswer() throws {
    let question = try Question(Self.bench, ["N": 4, "P": 4], seconds: 0.001)
    for report in try question.ask(Self.all, ProofMethod.allCases) {
      switch report.outcome {
      case .proved, .refuted: Issue.record("\(report.property.property.id) has an answer")
      case .boundedOnly, .unknown: break
      }
    }
  }

  @Test func everyTransitionOfTheInterpreterIsOneOfTheEncoding() throws {
    let question = try Question(Self.bench, ["N": 1, "P": 1, "L": 1])
    let program = question.ground.program
    let encoder = question.prover.encoder
    let now = try encoder.state("s")
    let next = try encoder.state("t")
    let solver = try question.prover.solver()
    try solver.assert(try encoder.transition(now, next, tag: "step").relation)
    let interpreter = Interpreter(program)
    for state in reachable(program) {
      var successors = Set(try interpreter.transitions(from: state).map(\.state))
      solver.push()
      for (cell, code) in state.enumerated() {
        try solver.assert(try encoder.cell(cell, is: code, now))
      }
      // The models are exactly the interpreter's successors.
      while try solver.check() == .satisfiable {
        let found = try encoder.decode(next, solver)
        #expect(successors.remove(found) != nil, "\(state) to \(found)")
        var same: [Expression] = []
        for (cell, code) in found.enumerated() {
          same.append(try encoder.cell(cell, is: code, next))
        }
        try solver.assert(try encoder.context.not(try encoder.context.and(same)))
      }
      solver.pop()
      #expect(successors.isEmpty, "\(state)")
    }
  }

  func reachable(_ program: Program, limit: Int = .max) -> [[Int]] {
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    var order = [program.initial]
    var index = 0
    while index < order.count, order.count < limit {
      for next in (try? interpreter.transitions(from: order[index])) ?? []
      where seen.insert(next.state).inserted {
        order.append(next.state)
      }
      index += 1
    }
    return order
  }
}
