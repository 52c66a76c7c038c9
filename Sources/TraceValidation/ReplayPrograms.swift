import SpecLanguage
import SpecProgram

/// Programs of a spec by their sizes: sequences that need the same share one.
package final class ReplayPrograms {
  private let spec: SpecDescription
  private var known: [Key: ProcedureEvaluator] = [:]

  private struct Key: Hashable {
    let sizes: [String: Int]
    let tables: [String: [Int]]
  }

  /// More are forgotten together; each takes a few megabytes.
  private static var most: Int { 64 }

  package init(_ spec: SpecDescription) { self.spec = spec }

  var name: String { spec.name }

  /// - Throws: `TDX2xxx` when the spec does not have the sizes.
  func evaluator(
    _ sizes: [String: Int], tables: [String: [Int]] = [:]
  ) throws(SpecError) -> ProcedureEvaluator {
    let key = Key(sizes: sizes, tables: tables)
    if let found = known[key] { return found }
    if known.count >= Self.most { known = [:] }
    let described = tables.isEmpty ? spec : spec.with(tables: tables)
    let scope = try ResolvedScope(described, overrides: sizes)
    let program = try Program(described, scope, ProgramOptions(withoutProperties: true))
    let evaluator = ProcedureEvaluator(program)
    known[key] = evaluator
    return evaluator
  }
}
