import Catalogue
import Explorer
import SpecLanguage
import SpecProgram
import Testing

@testable import Reductions

/// Every combination of reductions gives the verdicts of the full search.
@Suite("Reduced verdicts") struct ReducedVerdictTests {
  static let scopes: [(spec: String, values: [String: Int], scope: String?)] = [
    ("bench/tdx-teardown", ["N": 2, "P": 2, "L": 1, "F": 2], nil),
    ("bench/tdx-teardown", ["N": 2, "P": 2, "L": 2, "F": 1, "BUG": 1], nil),
    ("bench/tdx-teardown", ["N": 2, "P": 2, "L": 2, "F": 1, "BUG": 2], nil),
    ("tdx/hkid", [:], "small"),
    ("teardown/mainline", [:], "small"),
    ("teardown/terminate-vm-v4", [:], "small"),
    ("teardown/terminate-vm-lock-first", [:], "small"),
    ("teardown/terminate-vm-settled", [:], "link"),
    ("teardown/release-hint", [:], "hint"),
    ("teardown/deferred-removal", [:], "link"),
    ("tutorial/ticket-lock", [:], nil),
    ("teardown/mainline", [:], "build"),
    ("teardown/terminate-vm-v4", [:], "build"),
    ("teardown/terminate-vm-lock-first", [:], "build"),
    ("teardown/terminate-vm-lock-first", [:], "build-safe"),
    ("teardown/terminate-vm-settled", [:], "build"),
    ("teardown/release-hint", [:], "build"),
    ("teardown/deferred-removal", [:], "build"),
  ]

  @Test("of every bundled spec at a small scope", arguments: scopes.indices)
  func bundled(index: Int) throws {
    let (name, values, scope) = Self.scopes[index]
    let search = ReducedSearch(spec: try Catalogue.spec(name), values: values, scope: scope)
    let full = try search.run(Reduction())
    // From creation there are more states: all reductions together are tried, not each.
    let fromCreation = scope?.hasPrefix("build") == true
    let all = Reduction(fusion: true, symmetry: true, por: true)
    for reduction in fromCreation ? [all] : Reduction.all {
      let found = try search.run(reduction)
      #expect(found.result.end == full.result.end)
      #expect(found.verdicts == full.verdicts, "\(name), \(reduction)")
      #expect(found.result.states <= full.result.states)
      #expect(covered(found) == covered(full), "\(name), \(reduction)")
    }
  }

  /// The checks that refused at least once, and the answers of each action; fusion renames steps.
  private func covered(_ answer: ReducedAnswer) -> Set<[Int]> {
    let taken = answer.result.coverage.filter { $0.value > 0 }.keys
    let refusals = taken.compactMap { key in key.refusedBy.map { [key.procedure, 0, $0] } }
    let answers = taken.compactMap { key in key.outcome.map { [key.procedure, 1, $0] } }
    return Set(refusals + answers)
  }

  @Test("counterexamples are runs of the spec that end where the property is decided")
  func traces() throws {
    let spec = try Catalogue.spec("teardown/terminate-vm-v4")
    let search = ReducedSearch(spec: spec, scope: "small")
    let reduction = Reduction(fusion: true, symmetry: true, por: true)
    let program = try search.program(reduction)
    let interpreter = Interpreter(program)
    let properties = program.properties.filter { !$0.isScenario && !$0.property.isLemma }
    let full = try search.run(Reduction(fusion: true))
    let reduced = try search.run(reduction)
    for (index, trace) in reduced.traces.enumerated() {
      guard let trace else { continue }
      var state = program.initial
      for step in trace.steps {
        let next = try interpreter.transitions(from: state).filter { $0.label == step.label }
        #expect(next.contains { $0.state == step.state })
        state = step.state
      }
      if case .always = properties[index].property.kind, !properties[index].isBuiltIn {
        #expect(try !interpreter.holds(properties[index], in: state))
      }
      let shortest = try #require(full.traces[index])
      #expect(trace.steps.count >= shortest.steps.count)
    }
  }
}
