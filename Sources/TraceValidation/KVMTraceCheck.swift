import SpecLanguage
import SpecProgram

/// Compares recordings of KVM's answers with `kvm/tdx` (`--format kvm-answers`).
public struct KVMTraceCheck {
  /// The spec that recordings are compared with.
  public static let spec = "kvm/tdx"
  /// The environment whose sequences are replayed; those of others are passed over.
  public static let environment = "kvm-7.3-tdx-standin"

  /// Answers, by call and answer.
  public private(set) var answers = ReplayTally(perMille: 990)
  /// Lists of SEAMCALLs, by call and answer.
  public private(set) var lists = ReplayTally(perMille: 990)
  /// The first disagreements, one a sequence.
  public private(set) var disagreements: [TraceDisagreement] = []
  /// Sequences of other environments.
  public private(set) var passedOver = 0
  private let programs: ReplayPrograms
  private let limit: Int

  /// - Parameters:
  ///   - description: the spec, at any size: each sequence is replayed at the size it needs.
  ///   - limit: how many disagreements are kept.
  public init(_ description: SpecDescription, limit: Int) {
    programs = ReplayPrograms(description)
    self.limit = limit
  }

  /// Enough answers and lists agree, over all and in every cell.
  public var isEnough: Bool { answers.isEnough && lists.isEnough }

  /// Replays every sequence of the environment in a file.
  ///
  /// - Throws: `unusable` for a line that is not of the format, `torn` for a file that ends within
  ///   a line; what came before is in the tallies.
  public mutating func check(
    file path: String, progress: (TraceProgress) -> Void
  ) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      if value["env"]?.text == Self.environment {
        try check(value, "\(path):\(line + 1)")
      } else {
        passedOver += 1
      }
      progress(
        TraceProgress(
          sequences: answers.sequences + passedOver, allSequences: file.lines.count,
          calls: answers.total.compared))
    }
  }

  mutating func check(_ value: TraceValue, _ place: String) throws(TraceError) {
    do throws(ModuleCallError) {
      let sequence = try KVMSequence(value)
      sequenceCPUs = sequence.cpus
      answers.sequences += 1
      lists.sequences += 1
      var replay: KVMReplay
      do throws(SpecError) {
        replay = try KVMReplay(sequence, programs)
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
    _ replay: inout KVMReplay, _ sequence: KVMSequence, _ place: String
  ) throws(ModuleCallError) {
    for (number, step) in sequence.steps.enumerated() {
      let exit = replay.script
      guard let result = try replay.carryOut(step) else { continue }
      if result.leaves.contains(where: { $0.leaf == "TDH.VP.ENTER" }) { replay.script = nil }
      if !step.isCompared { continue }
      let written = WrittenFields(step, result, replay.calls, exit: exit)
      let differences = compare(step, result, written)
      guard differences.isEmpty else {
        skip(sequence.steps.dropFirst(number + 1))
        return note(step, number + 1, differences, result.check, sequence, place)
      }
    }
    compareEnd(replay.end(), sequence, place)
  }

  /// Steps after a disagreement.
  private mutating func skip(_ steps: ArraySlice<KVMStep>) {
    for step in steps where step.isCompared {
      answers.skip(step.op, step.answer)
      lists.skip(step.op, step.answer)
    }
  }

  private mutating func compare(
    _ step: KVMStep, _ result: KVMReplay.Result, _ written: WrittenFields
  ) -> [(what: String, expected: String, got: String)] {
    var differences: [(what: String, expected: String, got: String)]
    var expected = step.answer
    var got = result.answer
    if step.op == "KVM_CHECK_EXTENSION", step.ret != -1 {
      expected = "\(step.ret)"
      got = got == "cpus" ? "\(sequenceCPUs)" : got
    }
    differences = written.differences(from: step.out)
    if expected != got { differences.append(("answer", expected, got)) }
    answers.add(step.op, step.answer, agreed: differences.isEmpty)
    let list = difference(step.leaves, result.leaves)
    lists.add(step.op, step.answer, agreed: list == nil)
    if let list { differences.append(list) }
    return differences
  }

  /// CPUs of the machine that the sequence being replayed was recorded on.
  private var sequenceCPUs = 1

  private mutating func compareEnd(
    _ result: KVMReplay.Result, _ sequence: KVMSequence, _ place: String
  ) {
    let list = difference(sequence.atExit, result.leaves)
    lists.add("exit", "ok", agreed: list == nil && result.answer == "ok")
    guard list != nil || result.answer != "ok", disagreements.count < limit else { return }
    disagreements.append(
      TraceDisagreement(
        place: place, sequence: sequence.id, call: sequence.steps.count + 1, leaf: "exit",
        arguments: "",
        differences: result.answer == "ok"
          ? list.map { [$0] } ?? [] : [("answer", "ok", result.answer)],
        check: "what closes at the process's end"))
  }

  /// The first place where two lists of SEAMCALLs differ, with what is around it.
  private func difference(
    _ recorded: [ListedLeaf], _ found: [ListedLeaf]
  ) -> (what: String, expected: String, got: String)? {
    let expected = ListedLeaf.comparable(recorded)
    let got = ListedLeaf.comparable(found)
    let first = zip(expected, got).enumerated().first { !$0.element.0.agrees(with: $0.element.1) }
    guard first != nil || expected.count != got.count else { return nil }
    let number = first?.offset ?? min(expected.count, got.count)
    func text(_ list: [ListedLeaf]) -> String {
      let around = list.dropFirst(number).prefix(3).map(\.text)
      return around.isEmpty ? "nothing more" : around.joined(separator: ", ")
    }
    return ("SEAMCALL \(number + 1)", text(expected), text(got))
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
