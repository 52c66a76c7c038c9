import SpecLanguage
import SpecProgram

/// A verdict of the explorer, as something that bounded search can contradict.
package struct CrossClaim: Sendable {
  package let property: ResolvedProperty
  /// The shortest way to a state that breaks an `Always` or shows a `Possible`, if there is one.
  package let trace: Trace?
  /// Without a trace: no state that far from the initial one does.
  package let depth: Int

  package init(_ property: ResolvedProperty, trace: Trace?, depth: Int) {
    self.property = property
    self.trace = trace
    self.depth = trace?.steps.count ?? depth
  }
}

/// A contradiction between the explorer and Z3: a bug of the tool.
package struct CrossDisagreement: Sendable {
  /// Who says what.
  package let text: String
  /// The state, step or run that they disagree about.
  package let trace: Trace
}

/// What a cross-check compared, and what it found.
package struct CrossCheckResult: Sendable {
  /// States whose steps and claims were compared, and the steps out of them.
  package fileprivate(set) var states = 0
  package fileprivate(set) var transitions = 0
  /// Claims and the depth to which bounded search agrees, in the order given.
  package fileprivate(set) var depths: [(id: String, depth: Int)] = []
  /// What was left out, and why.
  package fileprivate(set) var notCompared: [String] = []
  package fileprivate(set) var disagreement: CrossDisagreement?
}

/// Compares what an explorer found with Z3's encoding of the same program: single states, the
/// traces, and the verdicts.
///
/// Both start from the grounded program; the interpreter, which does not, has its say on every
/// state and trace.
package final class CrossCheck {
  private let comparison: EncodingComparison
  private let clock = ContinuousClock()
  /// Wall time for the states, and again for the verdicts.
  private let seconds: Double
  /// Set by a signal: what was not compared until then is said to be so.
  package var isStopped: () -> Bool = { false }
  private var result = CrossCheckResult()

  /// Milliseconds after which a single query is given up.
  private static var patience: UInt32 { 10_000 }

  /// - Parameter fault: a mistake that the encoding shall make.
  /// - Throws: when the program is outside the encoding.
  package init(
    _ ground: GroundProgram, seconds: Double = 30, fault: EncoderFault? = nil
  ) throws(SolverError) {
    self.seconds = seconds
    comparison = try EncodingComparison(
      ground, ground.program.properties, milliseconds: Self.patience, fault: fault)
  }

  /// Compares until something differs, everything was compared or time is up.
  ///
  /// - Parameter sample: states that the explorer reached.
  package func run(_ claims: [CrossClaim], sample: [[Int]]) throws(SolverError) -> CrossCheckResult
  {
    for claim in claims where result.disagreement == nil { try replay(claim) }
    if result.disagreement == nil { try compare(sample) }
    if result.disagreement == nil { try search(claims) }
    result.transitions = comparison.transitions
    return result
  }

  private func isOver(_ end: ContinuousClock.Instant) -> Bool { isStopped() || clock.now > end }

  /// Why something was left out.
  private var excuse: String { isStopped() ? "a signal" : "the time limit" }

  // MARK: States

  private func compare(_ sample: [[Int]]) throws(SolverError) {
    let end = clock.now + .seconds(seconds)
    for (index, state) in sample.enumerated() {
      if isOver(end) {
        result.notCompared.append("\(sample.count - index) states (\(excuse))")
        return
      }
      if let difference = try comparison.difference(in: state) {
        return disagree(difference)
      }
      result.states += 1
    }
  }

  private func disagree(_ difference: EncodingDifference) {
    result.disagreement = CrossDisagreement(
      text: difference.description,
      trace: Trace(initial: difference.state, steps: difference.step.map { [$0] } ?? []))
  }

  // MARK: Traces

  /// Every step of a trace is one of the encoding, and its states are as they should be.
  private func replay(_ claim: CrossClaim) throws(SolverError) {
    guard let trace = claim.trace else { return }
    var state = trace.initial
    for (index, step) in trace.steps.enumerated() {
      guard try comparison.takes(step.label, from: state, to: step.state) else {
        result.disagreement = CrossDisagreement(
          text: "Z3 does not take step \(index + 1) of the trace for \(claim.property.property.id)",
          trace: trace)
        return
      }
      state = step.state
    }
    for state in [trace.initial] + trace.steps.map(\.state) {
      if let difference = try comparison.difference(in: state) { return disagree(difference) }
      result.states += 1
    }
  }

  // MARK: Verdicts

  /// Bounded search for every claim at once: nothing before the depth of a trace, something there.
  private func search(_ claims: [CrossClaim]) throws(SolverError) {
    let end = clock.now + .seconds(seconds)
    var depths = claims.map { _ in -1 }
    var open = Set(claims.indices.filter { claims[$0].property.isConditionOnOneState })
    for index in claims.indices where !open.contains(index) {
      let id = claims[index].property.property.id
      result.notCompared.append("\(id) beyond its trace and the states (it is about steps)")
    }
    let unrolled = try Unrolling(comparison, milliseconds: Self.patience)
    var step = 0
    while !open.isEmpty, result.disagreement == nil, !isOver(end) {
      for index in open.sorted() where result.disagreement == nil && !isOver(end) {
        guard let isReached = try unrolled.reaches(claims[index].property) else {
          // One query too hard is no reason to give up on the others.
          open.remove(index)
          continue
        }
        if isReached != (claims[index].trace != nil && step == claims[index].depth) {
          result.disagreement = try contradiction(claims[index], step, isReached, unrolled)
          break
        }
        depths[index] = step
        if step == claims[index].depth { open.remove(index) }
      }
      step += 1
      if !open.isEmpty { try unrolled.extend() }
    }
    note(claims, depths)
  }

  private func note(_ claims: [CrossClaim], _ depths: [Int]) {
    var missing: [(steps: String, ids: [String])] = []
    for (claim, depth) in zip(claims, depths) where claim.property.isConditionOnOneState {
      let id = claim.property.property.id
      if depth >= 0 { result.depths.append((id, depth)) }
      guard depth < claim.depth, result.disagreement == nil else { continue }
      let steps = "from \(depth + 1) to \(claim.depth) steps (\(excuse))"
      if let known = missing.firstIndex(where: { $0.steps == steps }) {
        missing[known].ids.append(id)
      } else {
        missing.append((steps, [id]))
      }
    }
    result.notCompared += missing.map { "\($0.ids.joined(separator: " ")) \($0.steps)" }
  }

  private func contradiction(
    _ claim: CrossClaim, _ step: Int, _ isReached: Bool, _ unrolled: Unrolling
  ) throws(SolverError) -> CrossDisagreement {
    let id = claim.property.property.id
    if !isReached, let trace = claim.trace {
      return CrossDisagreement(
        text: "Z3 does not decide \(id) in \(step) steps, the explorer's trace does", trace: trace)
    }
    let explorer =
      claim.trace == nil
      ? "does not within \(claim.depth) steps" : "needs \(claim.depth) steps"
    return CrossDisagreement(
      text: "Z3 decides \(id) in \(step) steps, the explorer \(explorer)",
      trace: try unrolled.run(claim.property))
  }
}
