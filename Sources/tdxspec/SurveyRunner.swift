import Documents
import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Explores a spec without reductions and reads off what documents show.
struct SurveyRunner {
  let spec: SpecDescription
  let scope: String?
  let overrides: [String: Int]
  let options: SearchOptions

  /// The spec with every step of its own: a document shows what can happen.
  func program() throws -> Program {
    let resolved = try ResolvedScope(spec, scope: scope, overrides: overrides)
    return try Program(spec, resolved, ProgramOptions(fuseReleases: false))
  }

  func survey(_ program: Program, _ variables: [NamedVariable]) throws -> SpecSurvey {
    let progress = ProgressLine("\(spec.name), the whole graph")
    defer { progress.clear() }
    let limits = options.limits(stopAtFirst: false)
    do {
      switch options.engine {
      case .table:
        let engine = try GuardTable(try GroundProgram(program), monitors: [])
        return try SpecSurvey(engine, variables, limits, onProgress: progress.update)
      case .tree:
        let engine = try TreeEngine(program, monitors: [])
        return try SpecSurvey(engine, variables, limits, onProgress: progress.update)
      }
    } catch let error as SearchError {
      progress.clear()
      throw try checks.complain(error, program)
    }
  }

  /// The verdicts of all properties, as `check` gives them.
  func report() throws -> SpecReport { try checks.run().report }

  private var checks: CheckRunner {
    CheckRunner(
      spec: spec, scope: scope, overrides: overrides, options: options, properties: [],
      stopAtFirst: false)
  }
}
