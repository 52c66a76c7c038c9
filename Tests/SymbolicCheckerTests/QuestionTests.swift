import Catalogue
import SpecLanguage
import Testing

@testable import SpecProgram
@testable import SymbolicChecker

@Suite(.serialized) struct QuestionTests {
  private func program(_ name: String, _ sizes: [String: Int] = [:]) throws -> Program {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    return try Program(spec, ResolvedScope(spec, overrides: sizes))
  }

  // MARK: Answers

  /// Against every reachable state, by the interpreter.
  @Test func branchesAreTakenExactlyWhereTheInterpreterTakesThem() throws {
    let sizes = ["tds": 1, "vcpus": 1, "lps": 1, "packages": 1, "hkids": 1]
    let ground = try GroundProgram(try program("tdx/hkid", sizes))
    let interpreter = Interpreter(ground.program)
    var depths: [Branch: Int] = [:]
    var seen: [[Int]: Int] = [ground.program.initial: 0]
    var queue = [ground.program.initial]
    while !queue.isEmpty {
      let state = queue.removeFirst()
      let depth = (seen[state] ?? 0) + 1
      for step in try interpreter.transitions(from: state) {
        for branch in ground.branches where branch.isTaken(by: step.label) {
          depths[branch] = min(depths[branch] ?? .max, depth)
        }
        if seen.updateValue(min(depth, seen[step.state] ?? .max), forKey: step.state) == nil {
          queue.append(step.state)
        }
      }
    }
    var unreachable = 0
    try Prover(ground, seconds: 120).decide(ground.branches, depth: 20) { branch, answer in
      switch answer {
      case .reachable(let trace): #expect(trace.steps.count == depths[branch])
      case .unreachable:
        unreachable += 1
        #expect(depths[branch] == nil)
      case .boundedOnly, .unknown: Issue.record("\(branch): \(answer)")
      }
    }
    // With one of everything some refusals need a second TD or LP.
    #expect(unreachable > 0 && unreachable < ground.branches.count)
  }

  // MARK: Guards

  @Test(arguments: [(1, "VpFlushDone"), (2, "Remove")])
  func aSeededBugIsTheOnlyDifference(_ bug: Int, _ action: String) throws {
    let right = try GroundProgram(try program("bench/tdx-teardown"))
    let wrong = try GroundProgram(try program("bench/tdx-teardown", ["BUG": bug]))
    let comparison = try GuardComparison(try Prover(right), wrong)
    var different: [String] = []
    var same = 0
    try comparison.compare { row in
      switch row.answer {
      case .equivalent: same += 1
      case .different(let found):
        different.append(row.action)
        #expect(found.isReplayed)
        #expect(found.first == "does not allow it" && found.second == "allows it")
      case .unknown(let reason): Issue.record("\(row.action): \(reason)")
      }
    }
    #expect(different == [action])
    #expect(same == 18)
    #expect(comparison.onlyInFirst.actions.isEmpty && comparison.onlyInFirst.steps.isEmpty)
  }

  @Test func whatOnlyOneSpecHasIsNamed() throws {
    let sizes = ["vcpus": 1, "pages": 1, "files": 1]
    let first = try GroundProgram(try program("teardown/mainline", sizes))
    let second = try GroundProgram(try program("teardown/terminate-vm-v4", sizes))
    let comparison = try GuardComparison(try Prover(first), second)
    #expect(comparison.onlyInFirst.actions == ["kvm_destroy_vm"])
    #expect(comparison.onlyInSecond.actions == ["KVM_TDX_TERMINATE_VM"])
    #expect(comparison.onlyInSecond.variables.contains("terminated"))
  }

  // MARK: Lemmas and cores

  @Test func droppingALemmaLosesWhatStandsOnIt() throws {
    let prover = try Prover(GroundProgram(try program("tdx/hkid")), seconds: 120)
    #expect(try prover.inductiveIDs(without: []).ids.count == 16)
    let (ids, doubt) = try prover.inductiveIDs(without: ["H-4"])
    #expect(doubt == nil)
    #expect(!ids.contains("S-3") && ids.count == 14)
    #expect(try prover.inductiveIDs(without: ["S-4"]).ids.count == 15)
  }

  @Test func aCoreIsAProofAndMinimal() throws {
    let spec = try #require(Catalogue.entry(named: "tdx/hkid")).describe()
    let (switched, switches) = spec.withGuardSwitches()
    let program = try Program(switched, ResolvedScope(switched))
    let prover = try Prover(GroundProgram(program), seconds: 120)
    let cores = try CoreFinder(prover, switches).cores(of: "S-3")
    #expect(cores.map(\.claim.id) == ["S-3", "H-1", "H-4"])
    let core = cores[0]
    #expect(core.guards.contains { $0.action == "TDH.MNG.KEY.FREEID" })
    // Without any one of its guards the step breaks it, with all of them it does not.
    for dropped in [nil] + core.guards.map(Optional.some) {
      let kept = core.guards.filter { $0.variable != dropped?.variable }
      let answer = try step(prover, core, guards: kept)
      #expect(answer == (dropped == nil ? .unsatisfiable : .satisfiable))
    }
  }

  private func step(
    _ prover: Prover, _ core: ClaimCore, guards: [GuardSwitch]
  ) throws -> SolverAnswer {
    let encoder = prover.encoder
    let (now, next) = (try encoder.state("s"), try encoder.state("t"))
    let solver = try prover.solver()
    let names = core.lemmas.map(\.id) + (core.assumesItself ? [core.claim.id] : [])
    let before = prover.claims.filter { names.contains($0.property.id) }
    try solver.assert(try encoder.wellFormed(now))
    try solver.assert(try prover.conjunction(before, now))
    for (cell, info) in prover.program.cells.enumerated() {
      guard guards.contains(where: { info.role == .variable($0.variable) }) else { continue }
      try solver.assert(try encoder.cell(cell, is: 0, now))
    }
    try solver.assert(try encoder.transition(now, next, tag: "step").relation)
    let claim = prover.claims.filter { $0.property.id == core.claim.id }
    try solver.assert(try encoder.context.not(try prover.conjunction(claim, next)))
    return try solver.check()
  }

  // MARK: The wrapper

  @Test func aWrongParameterIsAnError() throws {
    let context = try SolverContext()
    let solver = try Solver(context, logic: nil, SolverLimits(resources: 1000))
    _ = solver.text
    for (name, value) in [
      ("time_out", SolverParameters.Value.number(1)), ("timeout", .truth(true)),
    ] {
      #expect(
        throws: SolverError.self, "\(name)"
      ) {
        do throws(SolverError) {
          let other = try Solver(context, logic: nil, SolverLimits())
          try other.set([(name, value)])
        } catch {
          #expect(error.kind == .parameter(name))
          throw error
        }
      }
    }
  }

  @Test func aResourceLimitGivesTheSameAnswerTwice() throws {
    func ask() throws -> [String] {
      let ground = try GroundProgram(try program("bench/tdx-teardown"))
      let prover = try Prover(ground, seconds: 120, resources: 50_000)
      var plan = ProofPlan()
      plan.methods = [.bmc]
      var reasons: [String] = []
      let claims = ground.program.properties.filter { $0.property.id == "I1" }
      try prover.answerAll(claims, plan) { report in
        guard case .unknown(let reason) = report.outcome else { return }
        reasons.append(reason)
      }
      return reasons
    }
    let first = try ask()
    #expect(first.count == 1)
    #expect(first.first?.contains("a limit or a signal") == true)
    #expect(try ask() == first)
  }
}
