import Catalogue
import SpecLanguage
import Testing

@testable import Explorer
@testable import SpecProgram

/// What an exhausted search says of one property.
enum Verdict: Hashable, Sendable {
  case holds
  case violated
  case reached
  case neverReached
}

@Suite("Teardown specs at one vCPU, page and file and two threads") struct TeardownTests {
  struct Checked {
    let program: Program
    let result: SearchResult
    let verdicts: [String: Verdict]
    let steps: [String: Int]
  }

  static let builtIn = ["no-deadlock", "lock-order", "lock-balance"]

  /// - Parameter values: parameters that the scope leaves at their defaults.
  static func check(
    _ name: String, scope: String = "small", _ values: [String: Int] = [:]
  ) throws -> Checked {
    let description = try #require(Catalogue.entry(named: "teardown/\(name)")).describe()
    let resolved = try ResolvedScope(description, scope: scope, overrides: values)
    let program = try Program(description, resolved)
    var (verdicts, steps) = ([String: Verdict](), [String: Int]())
    let found = try search(program, areLemmas: false, &verdicts, &steps)
    if !description.properties.filter(\.isLemma).isEmpty {
      _ = try search(program, areLemmas: true, &verdicts, &steps)
    }
    for case let property in program.properties.map(\.property) {
      guard case .scenario(let calls, _) = property.kind else { continue }
      let answer = try ScenarioRun(program).run(calls)
      verdicts[property.id] = answer.trace == nil ? .neverReached : .reached
    }
    verdicts.merge(try inTheEnd(description, resolved)) { $1 }
    verdicts.merge(try refinements(description, resolved)) { $1 }
    return Checked(program: program, result: found, verdicts: verdicts, steps: steps)
  }

  /// What the claims about states come to, or the lemmas: `check` asks them apart, too.
  private static func search(
    _ program: Program, areLemmas: Bool, _ verdicts: inout [String: Verdict],
    _ steps: inout [String: Int]
  ) throws -> SearchResult {
    let searched = searched(program, areLemmas: areLemmas)
    let plan = MonitorPlan(searched)
    let table = try GuardTable(GroundProgram(program), monitors: plan.monitors)
    let search = try Search(table, searched)
    let result = try search.run()
    for (property, finding) in zip(searched, result.findings) {
      let id = property.property.id
      if case .always = property.property.kind {
        verdicts[id] = finding.state == nil ? .holds : .violated
      } else {
        verdicts[id] = finding.state == nil ? .neverReached : .reached
      }
      if let state = finding.state { steps[id] = try search.trace(to: state).steps.count }
    }
    return result
  }

  private static func searched(_ program: Program, areLemmas: Bool) -> [ResolvedProperty] {
    program.properties.filter {
      !$0.isScenario && !$0.property.needsFullGraph && $0.property.isLemma == areLemmas
    }
  }

  /// What the `LeadsTo` properties come to, on the graph without reductions.
  private static func inTheEnd(
    _ description: SpecDescription, _ scope: ResolvedScope
  ) throws -> [String: Verdict] {
    let full = try Program(
      description, scope, ProgramOptions(fuseReleases: false))
    let live = full.properties.filter(\.property.isLiveness)
    let plan = LivenessPlan(live)
    let table = try GuardTable(GroundProgram(full), monitors: plan.monitors)
    let findings = try LivenessSearch(table, plan).run(live).findings
    var verdicts: [String: Verdict] = [:]
    for (property, finding) in zip(live, findings) {
      #expect(finding.stopped == nil && finding.premiseSeen, "\(property.property.id)")
      verdicts[property.property.id] = finding.refutation == nil ? .holds : .violated
    }
    return verdicts
  }

  /// What the `Refines` properties come to, on the same graph.
  private static func refinements(
    _ description: SpecDescription, _ scope: ResolvedScope
  ) throws -> [String: Verdict] {
    let full = try Program(
      description, scope, ProgramOptions(fuseReleases: false))
    var verdicts: [String: Verdict] = [:]
    for property in description.properties where property.refinement != nil {
      let map = try RefinementMap(full, property)
      let table = try GuardTable(GroundProgram(full), monitors: map.monitors)
      let found = try RefinementSearch(table, map).run()
      let steps = scope.value(of: "CREATED") == 1 ? 5 : 10
      #expect(found.result.end == .exhausted && found.finding.abstractSteps == steps)
      verdicts[property.id] = found.finding.refutation == nil ? .holds : .violated
    }
    return verdicts
  }

  private func but(_ found: Checked, _ hold: Set<Verdict> = [.holds]) -> [String: Verdict] {
    found.verdicts.filter { !hold.contains($0.value) }
  }

  /// Seed 000's orders of letting go of memory, where the HKID can go early.
  static let memory: [String: Verdict] = [
    "S000-1a": .reached, "S000-1b": .reached, "S000-1c": .reached, "S000-2": .reached,
    "S000-P": .neverReached, "S000-R": .reached,
  ]

  @Test("KVM_TDX_TERMINATE_VM V4 breaks seven properties") func v4() throws {
    let found = try Self.check("terminate-vm-v4")
    #expect(found.result.end == .exhausted)
    #expect(
      but(found)
        == [
          "S-11": .violated, "S-8": .violated, "S-23": .violated, "S-36": .violated,
          "S001-Q": .neverReached, "S001-M": .reached, "S001-A": .reached,
          "S001-B": .neverReached, "L-12": .violated, "F-1": .reached, "F-2": .reached,
          "F-3": .reached, "F-4": .reached, "S-21": .violated, "S-9": .violated,
          "S-35": .violated,
        ].merging(Self.memory) { $1 })
    #expect(found.steps["S-11"] == 19)
  }

  @Test("its twin with mmu_lock first breaks only S-36") func lockFirst() throws {
    let found = try Self.check("terminate-vm-lock-first")
    #expect(found.result.end == .exhausted)
    #expect(
      but(found)
        == [
          "S-36": .violated, "S001-Q": .neverReached, "S001-M": .reached, "F-1": .reached,
          "F-2": .reached, "F-3": .reached, "F-4": .reached,
        ].merging(Self.memory) { $1 })
  }

  @Test("mainline keeps everything") func mainline() throws {
    let found = try Self.check("mainline")
    #expect(found.result.end == .exhausted)
    #expect(
      but(found) == [
        "S001-Q": .reached, "S001-M": .reached, "F-1": .reached, "F-3": .neverReached,
        "F-4": .neverReached, "S000-1a": .reached, "S000-1b": .reached, "S000-2": .reached,
        "S000-P": .neverReached, "S000-R": .neverReached, "Q-1": .neverReached,
        "Q-2": .neverReached,
      ])
  }

  @Test(
    "the authors expect what is found",
    arguments: ["mainline", "terminate-vm-v4", "terminate-vm-lock-first"])
  func expectations(name: String) throws {
    Self.expectAsStated(try Self.check(name))
  }

  /// Compares what is found with what the authors expect at the scope.
  static func expectAsStated(_ found: Checked) {
    for property in found.program.properties.map(\.property) {
      let verdict = found.verdicts[property.id]
      let expected: Verdict? =
        switch (property.expected, property.kind) {
        case (.violated, .scenario(_, possible: true)): .neverReached
        case (.violated, _): .violated
        case (.vacuous, .possible): .neverReached
        case (nil, .always), (nil, .leadsTo), (nil, .refines): .holds
        case (nil, .possible), (nil, .scenario(_, possible: true)): .reached
        case (nil, .scenario(_, possible: false)): .neverReached
        default: nil
        }
      #expect(verdict == expected, "\(property.id)")
      #expect(property.expected == nil || property.expectedReason?.isEmpty == false)
    }
    #expect(found.program.properties.filter(\.isBuiltIn).map(\.property.id) == builtIn)
  }

  @Test("premises are reached") func premises() throws {
    let found = try Self.check("terminate-vm-v4")
    let searched = Self.searched(found.program, areLemmas: false)
    for (property, finding) in zip(searched, found.result.findings)
    where property.premise != nil {
      #expect(finding.premiseSeen, "\(property.property.id)")
    }
  }

  @Test("the claims about the end are there", arguments: ["mainline", "terminate-vm-lock-first"])
  func inTheEnd(name: String) throws {
    let found = try Self.check(name)
    let expected =
      name == "mainline"
      ? ["L-1", "L-2", "L-5", "L-12"] : ["L-11-lock", "L-11", "L-2", "L-5", "L-12"]
    #expect(found.program.properties.map(\.property).filter(\.isLiveness).map(\.id) == expected)
    for id in expected { #expect(found.verdicts[id] == .holds, "\(id)") }
  }

  @Test("the catalogue's specs have names of their own, summaries, actions and properties")
  func catalogue() {
    let names = Catalogue.all.map(\.name)
    #expect(Set(names).count == names.count)
    for entry in Catalogue.all {
      let description = entry.describe()
      #expect(description.name == entry.name)
      #expect(!description.summary.isEmpty)
      #expect(Catalogue.entry(named: entry.name)?.name == entry.name)
      #expect(!description.actions.isEmpty)
      #expect(!description.properties.isEmpty)
    }
    #expect(Catalogue.entry(named: "no/such") == nil)
  }
}
