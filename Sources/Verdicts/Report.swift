import SpecLanguage
import SpecProgram

/// The refusals that keep a `Possible` from being reached.
public struct Refusal: Sendable {
  public let check: CheckInfo
  /// In how many states it refuses the call.
  public let states: Int

  public init(check: CheckInfo, states: Int) {
    self.check = check
    self.states = states
  }
}

/// The answer about one property.
public struct PropertyReport: Sendable {
  public let property: Property
  public let verdict: Verdict
  /// The counterexample, or the witness of a `Possible`.
  public var trace: Trace?
  /// What is known about the trace; `nil` for a scenario's.
  public var quality: TraceQuality?
  /// For a counterexample: the nearest twin that passes; `nil` for a scenario's.
  public var twin: TwinAnswer?
  /// For a counterexample: which part of the condition is false, and for which elements.
  public var blame: [String]
  /// For a `Possible`: how many states it holds in, among those seen.
  public var hits: Int?
  /// For a `Possible` that was not reached: what refuses the call it is about.
  public var refusals: [Refusal]
  /// Why there is no answer.
  public var reason: String?
  /// For a lasso: why its loop is fair, a sentence for each assumption.
  public var fairness: [String] = []
  /// For a `Refines`: what is known of the abstract spec's side.
  public var refinement: RefinementFigures?
  /// The graph that the answer is about, where it is not that of the report.
  public var graph: GraphFigures?

  /// Whose steps and states the trace has.
  public func traced(in report: SpecReport) -> Program { graph?.program ?? report.program }

  public init(property: Property, verdict: Verdict) {
    self.property = property
    self.verdict = verdict
    blame = []
    refusals = []
  }

  /// The verdict that the spec's author expects, as a word.
  public var expectation: Verdict {
    switch property.expected {
    case .violated: return .violated
    case .vacuous: return .vacuous
    case nil:
      switch property.kind {
      case .always, .leadsTo, .refines, .scenario(_, possible: false): return .exhausted
      case .possible, .scenario(_, possible: true): return .witnessed
      }
    }
  }

  /// Whether the author marked the property or it came out as any property should.
  public var meetsExpectation: Bool {
    verdict == expectation || verdict == .proved && expectation == .exhausted
  }

  /// What `check --expected` makes of it: a verdict without an answer stays without an answer.
  public var exitWhenExpected: ExitStatus {
    if meetsExpectation { return .success }
    return verdict.exitCode == .noAnswer ? .noAnswer : .failure
  }
}

/// The abstract spec's side of a refinement.
public struct RefinementFigures: Sendable {
  public let abstract: Program
  /// Abstract states that are mapped to, and steps between them that are taken.
  public let states: Int
  public let steps: Int
  /// Actions of the abstract spec that no step is.
  public let neverTaken: [String]
  /// For a counterexample: what the abstract spec does not allow.
  public let gap: RefinementGap?

  public init(
    abstract: Program, states: Int, steps: Int, neverTaken: [String], gap: RefinementGap?
  ) {
    self.abstract = abstract
    self.states = states
    self.steps = steps
    self.neverTaken = neverTaken
    self.gap = gap
  }
}

/// An explored graph: of which program, and how big it is.
public struct GraphFigures: Sendable {
  public let program: Program
  public let states: Int
  public let transitions: Int
  public let diameter: Int
  public let seconds: Double
  /// What the search left out.
  public let reductions: [String]

  public init(
    program: Program, states: Int, transitions: Int, diameter: Int, seconds: Double,
    reductions: [String] = []
  ) {
    self.reductions = reductions
    self.program = program
    self.states = states
    self.transitions = transitions
    self.diameter = diameter
    self.seconds = seconds
  }
}

/// What one search of one spec found.
public struct SpecReport: Sendable {
  public let program: Program
  public let scope: String?
  public let states: Int
  public let transitions: Int
  public let diameter: Int
  public let seconds: Double
  public let peakBytes: Int
  public let engine: String
  public let reductions: [String]
  /// What was said about them: which permutations, and what was left out and why.
  public var reductionRemarks: [String] = []
  public var properties: [PropertyReport]
  public var notes: [SpecNote]

  /// What all its searches took, each counted once.
  public var secondsInAll: Double {
    let lemmas = properties.first(where: \.property.isLemma)?.graph?.seconds ?? 0
    let live = properties.first(where: \.property.isLiveness)?.graph?.seconds ?? 0
    let steps = properties.filter { $0.refinement != nil }.compactMap(\.graph?.seconds)
    return seconds + lemmas + live + steps.reduce(0, +)
  }

  public init(
    program: Program, scope: String?, states: Int, transitions: Int, diameter: Int,
    seconds: Double, peakBytes: Int, engine: String, reductions: [String],
    properties: [PropertyReport], notes: [SpecNote]
  ) {
    self.program = program
    self.scope = scope
    self.states = states
    self.transitions = transitions
    self.diameter = diameter
    self.seconds = seconds
    self.peakBytes = peakBytes
    self.engine = engine
    self.reductions = reductions
    self.properties = properties
    self.notes = notes
  }
}

/// A remark about a spec that is no error: a lint.
public struct SpecNote: Hashable, Sendable {
  /// `TDX4xxx`.
  public let code: String
  public let message: String
  public let location: SourceLocation?

  public init(_ code: String, _ message: String, at location: SourceLocation?) {
    self.code = code
    self.message = message
    self.location = location
  }
}
