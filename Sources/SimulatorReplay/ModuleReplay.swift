import ConformanceKit
import Simulator
import TraceValidation

/// Makes the calls of recordings of the TDX module on the simulated one and compares every answer
/// and the state after it.
///
/// The simulator's state goes on from its own answers; a sequence is left at its first
/// disagreement.
public struct SimulatedModuleReplay: SimulatedReplay {
  private var backend: ModuleBackend
  private let numbers: [String: Int]
  /// For each thing that can be seen: the TD whose keys it needs, and whether it is a vCPU.
  private let frozen: [FrozenWith?]
  public private(set) var tally = ReplayTally()
  /// The first disagreements, one a sequence.
  public private(set) var disagreements: [ReplayDisagreement] = []
  private let limit: Int

  private struct FrozenWith {
    /// The number of the TD's life-cycle state.
    let life: Int
    let isVCPU: Bool
  }

  /// - Parameters:
  ///   - backend: the module.
  ///   - limit: how many disagreements are kept.
  public init(_ backend: ModuleBackend = ModuleBackend(), limit: Int) {
    self.backend = backend
    self.limit = limit
    let names = ModuleBackend.observable.map(\.name)
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    self.numbers = numbers
    let open = ["lifecycle_state", "fatal", "chldcnt", "num_tdcx", "hkid", "key_pkgs"]
    frozen = names.map { name in
      guard name.hasPrefix("td:") || name.hasPrefix("vcpu:"),
        !open.contains(where: { name.hasSuffix(".\($0)") }),
        let digit = name.first(where: \.isNumber),
        let life = numbers["td:\(digit).lifecycle_state"]
      else { return nil }
      return FrozenWith(life: life, isVCPU: name.hasPrefix("vcpu:"))
    }
  }

  package mutating func replay(_ value: TraceValue, _ place: String) throws {
    guard let id = value["id"]?.text, case .list(let list)? = value["calls"] else {
      throw TraceError(.unusable, "\(place): a sequence has an id and calls")
    }
    let calls = try list.map { try ModuleCall($0) }
    try backend.reset()
    var module = backend
    defer { backend = module }
    var expected = module.look()
    var run = SequenceRun(id: id, place: place, tally: tally)
    defer { tally = run.tally }
    let counted = calls.map {
      SequenceRun.Counted(name: $0.leaf, answer: $0.answer, text: "\(Self.call($0))")
    }
    let found = try run.follow(counted) { try compare(calls[$0], &expected, &module) }
    if let found, disagreements.count < limit { disagreements.append(found) }
  }

  private static func call(_ recorded: ModuleCall) -> Call {
    var call = Call(recorded.leaf, ["lp": .integer(Int64(recorded.lp))])
    for (name, value) in recorded.arguments { call.arguments[name] = value.asValue }
    return call
  }

  private func compare(
    _ recorded: ModuleCall, _ expected: inout [Value?], _ backend: inout ModuleBackend
  ) throws -> [ReplayDisagreement.Difference] {
    for change in recorded.delta {
      guard let number = numbers[change.key] else {
        throw TraceError(.unusable, "\(recorded.leaf): the state has no '\(change.key)'")
      }
      expected[number] = change.value.asValue
    }
    let result = try backend.perform(Self.call(recorded))
    let wanted = Self.answer(recorded)
    var differences: [ReplayDisagreement.Difference] = []
    func compare(_ what: String, _ recorded: Value?, _ got: Value?) {
      guard recorded != got else { return }
      differences.append(
        .init(
          what: what, recorded: recorded.map { "\($0)" } ?? "none",
          got: got.map { "\($0)" } ?? "none"))
    }
    let outcome: Value? = if case .ok(let value) = result.outcome { value } else { nil }
    compare("status", .text(recorded.status ?? "resumed"), outcome)
    var written = result.written
    if recorded.operand == nil { written["operand"] = nil }
    for name in Set(wanted.keys).union(written.keys).sorted() {
      compare(name, wanted[name]?.plain, written[name]?.plain)
    }
    for (number, got) in backend.look().enumerated() where expected[number] != got {
      if isFrozen(number, expected, got) { continue }
      compare(ModuleBackend.observable[number].name, expected[number], got)
    }
    return differences
  }

  /// While the TD's keys are gone only whether a vCPU exists can be seen.
  private func isFrozen(_ number: Int, _ expected: [Value?], _ got: Value?) -> Bool {
    guard let with = frozen[number] else { return false }
    guard expected[with.life] == "TD_BLOCKED" || expected[with.life] == "TD_TEARDOWN" else {
      return false
    }
    return !with.isVCPU || (expected[number] == nil) == (got == nil)
  }

  /// What a recorded call wrote back, as the backend names it.
  private static func answer(_ call: ModuleCall) -> [String: Value] {
    var written: [String: Value] = [:]
    for (name, value) in call.out { written[name] = value.asValue }
    if let code = call.code { written["code"] = .word(code) }
    if let operand = call.operand { written["operand"] = .text(operand) }
    if let guest = call.guest { written["guest"] = .text(guest) }
    if let reason = call.exitReason { written["exit_reason"] = .integer(Int64(reason)) }
    return written
  }
}

extension TraceValue {
  /// As the kit has it; null is nil, and −1 within a list.
  var asValue: Value? {
    switch self {
    case .null: nil
    case .bool(let flag): .flag(flag)
    case .number(let number): .integer(Int64(number))
    case .text(let text): .text(text)
    case .list(let values): .list(values.map { $0.asValue ?? .integer(-1) })
    case .members: nil
    }
  }
}

extension Value {
  /// One spelling for each page: `block:0+0` and `block:0` are the same address.
  fileprivate var plain: Value {
    guard case .text(let text) = self, text.hasPrefix("block:"), text.hasSuffix("+0") else {
      return self
    }
    return .text(String(text.dropLast(2)))
  }
}
