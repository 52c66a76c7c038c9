import SpecLanguage
import SpecProgram

/// The first call of a sequence on which a recording and a spec disagree.
public struct TraceDisagreement: Sendable {
  /// `FILE:LINE`.
  public let place: String
  public let sequence: String
  /// Counted from 1.
  public let call: Int
  public let leaf: String
  public let arguments: String
  /// What differs: what the recording has and what the spec has.
  public let differences: [(what: String, expected: String, got: String)]
  /// The check of the spec that answered, with its place.
  public let check: String
}

/// Replays recordings of the TDX module call by call.
///
/// Calls run one after the other; the state of the spec goes on from its own answers, and a
/// sequence is left at its first disagreement.
struct ModuleReplay {
  let evaluator: CallEvaluator
  let observer: ModuleObserver
  private let arguments: ModuleArguments
  private let keyNumbers: [String: Int]
  private let initial: [Observed]

  init(_ program: Program) throws(TraceError) {
    evaluator = CallEvaluator(program)
    let observer = try ModuleObserver(program)
    self.observer = observer
    arguments = ModuleArguments(platform: observer.platform, variables: observer.variables)
    keyNumbers = Dictionary(
      observer.keys.enumerated().map { ($0.element.name, $0.offset) },
      uniquingKeysWith: { a, _ in a })
    initial = observer.keys.map { observer.value(of: $0, in: program.initial) }
  }

  /// What a sequence has come to.
  private struct Progress {
    var state: [Int]
    /// The recorded state.
    var expected: [Observed]
    /// For each LP: the guest that entered has seen time pass.
    var isLongAfterEntry: [Bool]
  }

  /// Replays one sequence.
  ///
  /// - Parameter compared: told of every call that was compared: leaf, answer, whether it agreed.
  /// - Returns: the first disagreement, if any.
  /// - Throws: for a call that is not of the format.
  func replay(
    _ calls: [ModuleCall], _ sequence: String, _ place: String,
    compared: (String, String, Bool) -> Void
  ) throws(ModuleCallError) -> TraceDisagreement? {
    var progress = Progress(
      state: evaluator.program.initial, expected: initial,
      isLongAfterEntry: [Bool](repeating: false, count: observer.platform.lps))
    for (index, call) in calls.enumerated() {
      let outcome = try compare(call, &progress)
      compared(call.leaf, call.answer, outcome.differences.isEmpty)
      guard outcome.differences.isEmpty else {
        let texts = call.arguments.map { "\($0.key)=\($0.value.text ?? $0.value.json)" }
        return TraceDisagreement(
          place: place, sequence: sequence, call: index + 1, leaf: call.leaf,
          arguments: (["lp=\(call.lp)"] + texts).joined(separator: " "),
          differences: outcome.differences, check: outcome.check)
      }
    }
    return nil
  }

  private typealias Comparison = (
    differences: [(what: String, expected: String, got: String)], check: String
  )

  private func compare(
    _ call: ModuleCall, _ progress: inout Progress
  ) throws(ModuleCallError) -> Comparison {
    let name = arguments.action(of: call)
    guard let action = evaluator.action(named: name) else {
      throw ModuleCallError("the spec has no leaf '\(call.leaf)'")
    }
    let numbers = try arguments.numbers(
      call, action.arguments.map { (name: $0.0, type: $0.1) }, progress.state,
      isLongAfterEntry: progress.isLongAfterEntry[call.lp])
    let answer: EvaluatedCall?
    do {
      answer = try evaluator.call(action.number, numbers, from: progress.state)
    } catch {
      return ([("call", call.answer, error.description)], "\(error.code)")
    }
    guard let answer else {
      return ([("call", call.answer, "cannot happen in this state")], "a Require of \(name)")
    }
    let before = progress.state
    progress.state = answer.state
    var differences = self.differences(call, answer)
    differences += try stateDifferences(call, &progress, isChanged: before != answer.state)
    passTime(call, &progress)
    return (differences, Self.text(answer, name))
  }

  private static func text(_ answer: EvaluatedCall, _ action: String) -> String {
    guard let check = answer.check else { return "no check of \(action): \(answer.outcome.text)" }
    return "\(check.action): “\(check.text)”, \(check.location)"
  }

  /// The recorder's clock goes on with every ACCEPT; an entry starts anew (§13.5: an exit is
  /// delayed only within a short time after the entry).
  private func passTime(_ call: ModuleCall, _ progress: inout Progress) {
    if call.leaf == "TDG.MEM.PAGE.ACCEPT" {
      for lp in progress.isLongAfterEntry.indices { progress.isLongAfterEntry[lp] = true }
    }
    if call.leaf == "VP.ENTER", call.status == "IN_GUEST" {
      progress.isLongAfterEntry[call.lp] = false
    }
  }

  // MARK: The answer

  private func differences(
    _ call: ModuleCall, _ answer: EvaluatedCall
  ) -> [(what: String, expected: String, got: String)] {
    var found: [(what: String, expected: String, got: String)] = []
    func compare(_ what: String, _ expected: String?, _ got: String?) {
      if expected != got { found.append((what, expected ?? "none", got ?? "none")) }
    }
    let (status, operand) = Self.split(answer.outcome)
    compare("status", call.status, status)
    if call.status == status {
      let code = status == nil || status == "IN_GUEST" ? nil : answer.outcome.code ?? 0
      compare("code", call.code.map(Self.hex), code.map(Self.hex))
      if call.operand != nil { compare("operand", call.operand, operand) }
    }
    if let guest = call.guest {
      let isIn = observer.variables.inGuest[answer.state, call.lp] != 0
      compare("guest", guest, isIn ? "resumed" : "exited")
    }
    if let reason = call.exitReason {
      compare("exit reason", "\(reason)", answer.outcome.code.map { "\($0 & 0xFFFF_FFFF)" })
    }
    let expected = call.out.map { "\($0.key)=\(outputText($0.value))" }.sorted()
    let got = answer.outputs.compactMap { output in
      outputText(output.type, output.value).map { "\(output.name)=\($0)" }
    }.sorted()
    compare("out", expected.joined(separator: " "), got.joined(separator: " "))
    return found
  }

  private static func hex(_ code: UInt64) -> String {
    let digits = String(code, radix: 16)
    return "0x" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The status and operand of an answer's name: `TDX_OPERAND_BUSY|RCX`.
  static func split(_ outcome: Outcome) -> (status: String?, operand: String?) {
    if outcome == .ok { return ("TDX_SUCCESS", nil) }
    if outcome.kind == .success { return (nil, nil) }
    let parts = outcome.name.split(separator: "|", maxSplits: 1).map(String.init)
    return (parts[0], parts.count > 1 ? parts[1] : nil)
  }

  /// One spelling for each address: `block:0` and `block:0+0` are the same.
  private func outputText(_ value: TraceValue) -> String {
    guard let text = value.text else { return value.json }
    return observer.platform.page(text).map(observer.platform.pageName) ?? text
  }

  /// A value that the spec writes back; `nil` when there is none.
  private func outputText(_ type: ValueType, _ value: Int) -> String? {
    switch type {
    case .optional(let inner): return value == 0 ? nil : outputText(inner, value - 1)
    case .element(let sort) where sort.name == "Page": return observer.platform.pageName(value)
    case .element(let sort) where sort.name == "TD": return "td:\(value)"
    default: return Reading.value(value, of: type)
    }
  }

  // MARK: The state

  private func stateDifferences(
    _ call: ModuleCall, _ progress: inout Progress, isChanged: Bool
  ) throws(ModuleCallError) -> [(what: String, expected: String, got: String)] {
    for change in call.delta {
      guard let number = keyNumbers[change.key] else {
        throw ModuleCallError("\(call.leaf): the state has no '\(change.key)'")
      }
      let key = observer.keys[number]
      guard let value = observer.platform.observed(change.value, of: key) else {
        throw ModuleCallError("\(call.leaf): \(change.key) is \(change.value.json)")
      }
      progress.expected[number] = value
    }
    guard isChanged || !call.delta.isEmpty else { return [] }
    var found: [(what: String, expected: String, got: String)] = []
    for (number, key) in observer.keys.enumerated() {
      let got = observer.value(of: key, in: progress.state)
      let expected = progress.expected[number]
      guard got != expected, !isFrozen(key, progress, got) else { continue }
      found.append(
        (key.name, observer.platform.text(expected, of: key), observer.platform.text(got, of: key)))
    }
    return found
  }

  /// §6: while the TD's keys are gone only whether a vCPU exists is told.
  private func isFrozen(_ key: ModuleKey, _ progress: Progress, _ got: Observed) -> Bool {
    guard key.freezes, observer.variables.life[progress.state, key.td] >= 3,
      let life = keyNumbers["td:\(key.td).lifecycle_state"],
      let expectedLife = progress.expected[life].first, expectedLife >= 3
    else { return false }
    guard case .vcpu = key.kind, let number = keyNumbers[key.name] else { return true }
    return progress.expected[number].isEmpty == got.isEmpty
  }
}
