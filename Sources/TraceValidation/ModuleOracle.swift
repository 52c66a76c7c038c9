import SpecLanguage
import SpecProgram

/// Answers calls of the TDX module, in the words of recordings of it, as a spec has it.
package struct ModuleOracle {
  /// What a call comes to.
  package struct Answer: Hashable, Sendable {
    /// `TDX_SUCCESS`, `IN_GUEST`; nil for what a guest does without leaving.
    package let status: String?
    /// The operand that the status names.
    package let operand: String?
    /// RAX; nil where there is none.
    package let code: UInt64?
    /// What it writes back, by name.
    package let written: [String: TraceValue]
    /// For what a guest does: whether it goes on.
    package let guest: String?
    /// What gave the answer, for people.
    package let check: String
    /// Whether the state is another one now.
    package let changes: Bool
  }

  private let evaluator: CallEvaluator
  private let observer: ModuleObserver
  private let arguments: ModuleArguments
  private let initial: [Observed]
  private var state: [Int]
  /// For each LP: the guest that entered has seen time pass.
  private var isLongAfterEntry: [Bool]

  /// - Parameter program: the spec at the recordings' sizes.
  /// - Throws: when the spec has not the recordings' sizes or lacks a variable.
  package init(_ program: Program) throws(TraceError) {
    evaluator = CallEvaluator(program)
    let observer = try ModuleObserver(program)
    self.observer = observer
    arguments = ModuleArguments(platform: observer.platform, variables: observer.variables)
    state = program.initial
    initial = observer.keys.map { observer.value(of: $0, in: program.initial) }
    isLongAfterEntry = [Bool](repeating: false, count: observer.platform.lps)
  }

  /// Makes a call.
  ///
  /// - Parameter call: `leaf`, `lp` and `args`, as recordings have them.
  /// - Returns: nil, without having made it, for a call that the spec does not know or that cannot
  ///   happen now.
  package mutating func answer(_ call: TraceValue) -> Answer? {
    guard let asked = try? ModuleCall(call), canCall(asked),
      let action = evaluator.action(named: arguments.action(of: asked)),
      let numbers = try? arguments.numbers(
        asked, action.arguments.map { (name: $0.0, type: $0.1) }, state,
        isLongAfterEntry: isLongAfterEntry[asked.lp]),
      let result = try? evaluator.call(action.number, numbers, from: state)
    else { return nil }
    let changes = result.state != state
    state = result.state
    let (status, operand) = ModuleReplay.split(result.outcome)
    if asked.leaf == "TDG.MEM.PAGE.ACCEPT" {
      for lp in isLongAfterEntry.indices { isLongAfterEntry[lp] = true }
    }
    if status == "IN_GUEST" { isLongAfterEntry[asked.lp] = false }
    let isIn = isInGuest(asked.lp)
    return Answer(
      status: status, operand: operand,
      code: status == nil || status == "IN_GUEST" ? nil : result.outcome.code ?? 0,
      written: written(result), guest: Self.isOfGuest(asked) ? (isIn ? "resumed" : "exited") : nil,
      check: result.check.map { "\($0.action): \($0.text)" } ?? "", changes: changes)
  }

  /// No host runs on an LP that a guest runs on.
  private func canCall(_ asked: ModuleCall) -> Bool {
    Self.isOfGuest(asked) || !isInGuest(asked.lp)
  }

  /// Whether a guest runs on the LP.
  package func isInGuest(_ lp: Int) -> Bool { observer.variables.inGuest[state, lp] != 0 }

  package var lps: Int { isLongAfterEntry.count }

  /// The first LP that no guest runs on; nil when one runs on each.
  package var hostLP: Int? { isLongAfterEntry.indices.first { !isInGuest($0) } }

  private static func isOfGuest(_ asked: ModuleCall) -> Bool {
    asked.leaf.hasPrefix("TDG.") || asked.leaf.hasPrefix("GUEST.")
  }

  private func written(_ result: EvaluatedCall) -> [String: TraceValue] {
    var written: [String: TraceValue] = [:]
    for output in result.outputs { written[output.name] = value(output.type, output.value) }
    return written
  }

  private func value(_ type: ValueType, _ number: Int) -> TraceValue? {
    switch type {
    case .optional(let inner): return number == 0 ? nil : value(inner, number - 1)
    case .element(let sort) where sort.name == "Page":
      return .text(observer.platform.pageName(number))
    case .element(let sort) where sort.name == "TD": return .text("td:\(number)")
    case .integer, .counter: return .number(number)
    default: return .text(Reading.value(number, of: type))
    }
  }

  // MARK: What can be seen

  /// What looks otherwise than at the start, by the recordings' keys. While a TD's keys are gone
  /// its own pages cannot be read, so that they are left out.
  package var sight: [(key: String, value: TraceValue)] {
    observer.keys.enumerated().compactMap { number, key in
      let now = observer.value(of: key, in: state)
      guard now != initial[number], !isFrozen(key), let value = value(of: key, now) else {
        return nil
      }
      return (key.name, value)
    }
  }

  private func isFrozen(_ key: ModuleKey) -> Bool {
    key.freezes && observer.variables.life[state, key.td] >= 3
  }

  private func value(of key: ModuleKey, _ now: Observed) -> TraceValue? {
    guard let first = now.first else { return nil }
    let rest = now.dropFirst().map { TraceValue.number($0) }
    switch key.kind {
    case .life: return .text(ModuleNames.life[first])
    case .opState: return .text(ModuleNames.opState[first])
    case .fatal: return .bool(first != 0)
    case .hkid: return .text("hkid:\(first)")
    case .lp: return .text(observer.platform.vcpuName(first))
    case .refcount: return .list(now.map { .number($0) })
    case .vcpu:
      // An LP is counted from 1; -1 stands for none.
      let lp = TraceValue.number(now[1] - 1)
      return .list([.text(ModuleNames.vcpu[first]), lp] + rest.dropFirst())
    case .entry: return entry(key, now)
    case .kot: return .list([.text(ModuleNames.kot[first])] + rest)
    case .page, .block: return metadata(key, now)
    default: return .number(first)
    }
  }

  private func entry(_ key: ModuleKey, _ now: Observed) -> TraceValue {
    let state = ModuleNames.entry[now[0]]
    guard now.count == 2 else { return .text(state) }
    let page = observer.platform.pageName(now[1])
    let isLarge = key.level > 0 && !state.hasPrefix("NL_") && page.hasSuffix("+0")
    return .list([.text(state), .text(isLarge ? String(page.dropLast(2)) : page)])
  }

  /// A PAMT entry: its type, its owner if any, numbers.
  private func metadata(_ key: ModuleKey, _ now: Observed) -> TraceValue {
    let type = ModuleNames.page[now[0]]
    let rest = now.dropFirst().map { TraceValue.number($0) }
    if key.kind == .page, now[0] == 0 { return .text(type) }
    guard now[0] > 1, let owner = now.dropFirst().first else { return .list([.text(type)] + rest) }
    return .list([.text(type), .text("td:\(owner)")] + rest.dropFirst())
  }
}
