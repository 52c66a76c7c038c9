import SpecLanguage
import SpecProgram

/// Compares recordings of one environment with `gmem/mainline`.
public struct GmemTraceCheck {
  public let environment: GmemEnvironment
  /// Answers, by call and answer.
  public private(set) var answers = ReplayTally(perMille: 995)
  /// The first disagreements, one a sequence.
  public private(set) var disagreements: [TraceDisagreement] = []
  private let programs: ReplayPrograms
  private let limit: Int

  /// - Parameters:
  ///   - description: the spec, at any size: each sequence is replayed at the size it needs.
  ///   - limit: how many disagreements are kept.
  public init(_ environment: GmemEnvironment, _ description: SpecDescription, limit: Int) {
    self.environment = environment
    programs = ReplayPrograms(description)
    self.limit = limit
  }

  /// Compares a sequence of the environment.
  ///
  /// - Throws: `unusable` for a line that is not of the format.
  mutating func check(_ value: TraceValue, _ place: String) throws(TraceError) {
    do throws(ModuleCallError) {
      let sequence = try KVMSequence(value)
      answers.sequences += 1
      var replay: GmemReplay
      do throws(SpecError) {
        replay = try GmemReplay(sequence, programs, environment)
      } catch {
        return refuse(sequence, place, error)
      }
      try run(&replay, sequence, place)
    } catch {
      throw TraceError(.unusable, "\(place): \(error.message)")
    }
  }

  /// A sequence that the spec has no room for disagrees from its first call on.
  private mutating func refuse(_ sequence: KVMSequence, _ place: String, _ error: SpecError) {
    guard let first = sequence.steps.first else { return }
    answers.add(first.op, first.answer, agreed: false)
    skip(sequence.steps.dropFirst())
    note(first, 1, [("call", first.answer, error.message)], "", sequence, place)
  }

  private mutating func run(
    _ replay: inout GmemReplay, _ sequence: KVMSequence, _ place: String
  ) throws(ModuleCallError) {
    for (number, step) in sequence.steps.enumerated() {
      guard let result = try replay.carryOut(step), isCompared(step) else { continue }
      let differences =
        compare(step, result)
        + WrittenFields(step, result, replay.calls).differences(from: step.out)
      answers.add(step.op, answer(of: step), agreed: differences.isEmpty)
      guard differences.isEmpty else {
        skip(sequence.steps.dropFirst(number + 1))
        return note(step, number + 1, differences, result.check, sequence, place)
      }
    }
  }

  private func isCompared(_ step: KVMStep) -> Bool {
    step.isCompared || step.op == "touch" && !step.isUndecided
  }

  /// `ok`, the errno's name, or the signal that an access raised.
  private func answer(of step: KVMStep) -> String {
    guard step.op == "touch", let signal = step.out?["signal"]?.text else { return step.answer }
    return "SIG\(signal)"
  }

  private func compare(
    _ step: KVMStep, _ result: GmemReplay.Result
  ) -> [(what: String, expected: String, got: String)] {
    let isValue = step.op == "KVM_CHECK_EXTENSION" && step.ret != -1
    let expected = isValue ? "\(step.ret)" : answer(of: step)
    if expected != result.answer { return [("answer", expected, result.answer)] }
    return []
  }

  /// Steps after a disagreement.
  private mutating func skip(_ steps: ArraySlice<KVMStep>) {
    for step in steps where isCompared(step) { answers.skip(step.op, answer(of: step)) }
  }

  private mutating func note(
    _ step: KVMStep, _ number: Int,
    _ differences: [(what: String, expected: String, got: String)], _ check: String,
    _ sequence: KVMSequence, _ place: String
  ) {
    guard disagreements.count < limit else { return }
    disagreements.append(
      TraceDisagreement(
        place: place, sequence: sequence.id, call: number, leaf: step.op,
        arguments: step.arguments.json, differences: differences, check: check))
  }
}
