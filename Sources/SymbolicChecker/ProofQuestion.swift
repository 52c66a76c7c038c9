import SpecLanguage
import SpecProgram

/// A way to answer.
public enum ProofMethod: String, Sendable, CaseIterable {
  case induction
  case kInduction = "k-induction"
  case spacer
  case bmc
}

/// A step that keeps all the claims before it and breaks one after it.
public struct InductionGap: Sendable {
  public let before: [Int]
  public let label: TransitionLabel
  public let after: [Int]
  /// How many claims had fallen before, when they were asked about together: the reason of the
  /// first is in itself, that of a later one may be in those before.
  public var fallenBefore: Int?
}

/// What came of a proof attempt.
public enum ProofOutcome: Sendable {
  /// Holds in every reachable state of the scope.
  /// - `lemmas`: the other claims that the proof stands on, each proved with it.
  case proved(ProofMethod, k: Int, lemmas: [String])
  /// A shortest counterexample: labels and states from the initial one.
  case refuted(Trace)
  /// No counterexample up to this many steps; beyond, nothing is known.
  case boundedOnly(depth: Int)
  /// No answer, and why.
  case unknown(String)
}

/// A proof attempt with what was learnt on the way.
public struct ProofReport: Sendable {
  public let property: ResolvedProperty
  public internal(set) var outcome: ProofOutcome
  /// Why the property is not inductive by itself: a state and a step.
  public internal(set) var gap: InductionGap?
  /// The invariant that Spacer found, in the spec's names, when it was needed.
  public internal(set) var invariant: [String] = []
  /// That invariant as lemmas to paste into the spec.
  public internal(set) var offer: LemmaOffer?
  public internal(set) var seconds = 0.0
}

extension Prover {
  /// The report of a property that was not asked about because a signal came first.
  public func interrupted(_ property: ResolvedProperty) -> ProofReport {
    ProofReport(property: property, outcome: .unknown("a signal came first"))
  }

  /// The report of a property that libz3 or the encoding failed on.
  public func failed(_ property: ResolvedProperty, _ error: any Error) -> ProofReport {
    ProofReport(property: property, outcome: .unknown("\(error)"))
  }
}
