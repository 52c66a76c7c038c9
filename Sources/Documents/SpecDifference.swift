import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// One of two specs that are compared.
public enum Side: String, Hashable, Sendable {
  case a = "A"
  case b = "B"
}

/// What is known of one of two specs that are compared.
public struct ComparedSpec {
  public let survey: SpecSurvey
  public let report: SpecReport

  public init(_ survey: SpecSurvey, _ report: SpecReport) {
    self.survey = survey
    self.report = report
  }

  var program: Program { survey.program }
  var spec: SpecDescription { survey.program.spec }
}

/// A run that shows a difference; it replays in the interpreter of its spec.
public struct Witness {
  public let side: Side
  /// What it ends with, as a sentence.
  public let what: String
  public let program: Program
  public let trace: Trace
}

/// What two specs at the same sizes do differently. Calls, answers, variables, locks and
/// properties are the same when their names are.
///
/// An answer counts as newly allowed or forbidden only when the search of the spec that does not
/// have it was exhausted; otherwise it is left out, and `isComplete` is false.
public struct SpecDifference {
  /// A call that only one spec has.
  public struct Call {
    public let side: Side
    public let name: String
    /// The shortest run that ends one.
    public let witness: Witness?
  }

  /// Checks of a call, or of a called action, that are not the same or not in the same order.
  public struct Checks {
    public let name: String
    /// A line of one spec or of both, in order.
    public let lines: [(side: Side?, text: String)]
  }

  /// An answer of a call that only one spec gives; for all states, or for calls that begin in one
  /// row of a table.
  public struct Answer {
    public let side: Side
    public let call: String
    public let answer: Outcome
    /// The variable, what of it counts for the call, and the value.
    public let row: (variable: String, subject: String, value: String)?
    public let witness: Witness?
  }

  /// Locks at a called action that are not the same.
  public struct Locks {
    public let called: String
    public let callers: [String]
    /// `nil` where the spec does not call it so.
    public let a: CalledLocks?
    public let b: CalledLocks?
    public let witnesses: [Witness]
  }

  /// A property with another verdict.
  public struct Claim {
    public let id: String
    public let text: String
    public let a: PropertyReport
    public let b: PropertyReport
    public let witnesses: [Witness]
  }

  public let a: ComparedSpec
  public let b: ComparedSpec
  public let calls: [Call]
  public let checks: [Checks]
  /// Whatever the state.
  public let answers: [Answer]
  /// By what a variable was when the call began.
  public let cells: [Answer]
  public let locks: [Locks]
  public let claims: [Claim]
  /// Claims that a limit left undecided in one spec or both.
  public let undecided: [String]

  /// - Parameter withEveryRun: whether cells that say no more than an answer as a whole get a run
  ///   of their own; each takes a search.
  /// - Throws: `TDX2040` when the specs share no action; a disagreement when a run does not replay.
  public init(_ a: ComparedSpec, _ b: ComparedSpec, withEveryRun: Bool = true) throws {
    self.a = a
    self.b = b
    let names = [a, b].map { $0.spec.actions.map(\.name) }
    let shared = names[0].filter(names[1].contains)
    try Self.refuseStrangers(a.spec, b.spec)
    let maker = DifferenceMaker(a: a, b: b, shared: shared)
    calls = maker.calls()
    checks = maker.checks()
    let answers = maker.answers()
    self.answers = answers
    cells = try maker.cells { side, call, answer in
      withEveryRun
        || !answers.contains { $0.side == side && $0.call == call && $0.answer == answer }
    }
    locks = try maker.locks()
    (claims, undecided) = maker.claims()
  }

  /// Specs without a common action cannot be compared.
  ///
  /// - Throws: `TDX2040`.
  public static func refuseStrangers(
    _ a: SpecDescription, _ b: SpecDescription
  ) throws(SpecError) {
    let names = Set(a.actions.map(\.name))
    guard b.actions.contains(where: { names.contains($0.name) }) else {
      throw SpecError(
        "TDX2040", "\(a.name) and \(b.name) have no action in common",
        suggestion: "compare two variants of one protocol")
    }
  }

  /// Whether nothing was left out.
  public var isComplete: Bool {
    a.survey.isComplete && b.survey.isComplete && undecided.isEmpty
  }

  public var isEmpty: Bool {
    calls.isEmpty && checks.isEmpty && answers.isEmpty && cells.isEmpty && locks.isEmpty
      && claims.isEmpty
  }

  /// Differences are a failure; what a limit left out comes first.
  public var status: ExitStatus {
    if !isComplete { return .noAnswer }
    return isEmpty ? .success : .failure
  }
}
