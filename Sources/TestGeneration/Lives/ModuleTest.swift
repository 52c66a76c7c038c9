import ConformanceKit
import TraceValidation

/// SEAMCALLs with what the spec answers.
struct ModuleTest {
  private(set) var steps: [ConformanceTest.Step] = []
  /// What the calls show: each with its answer, after the last call that changed something.
  private(set) var shown: [String] = []
  /// The same wherever they are made.
  private(set) var kinds: [String] = []
  private(set) var oracle: ModuleOracle
  private var context = ""

  init(_ oracle: ModuleOracle) { self.oracle = oracle }

  /// Makes a call, if the spec lets it happen.
  mutating func make(_ call: Call) {
    guard let answer = oracle.answer(Self.asked(call)) else { return }
    shown.append("\(context): \(Self.kind(call, answer))")
    kinds.append(Self.kind(call, answer))
    if answer.changes { context = Self.kind(call, answer) }
    steps.append(Self.step(call, answer))
  }

  /// Makes a call that changes nothing, if it shows something new.
  mutating func makeAside(_ call: Call, isNew: (String) -> Bool) {
    var next = oracle
    guard let answer = next.answer(Self.asked(call)), !answer.changes,
      isNew(Self.kind(call, answer))
    else { return }
    oracle = next
    steps.append(Self.step(call, answer))
  }

  /// Whether a guest runs on some LP.
  var hasGuest: Bool { (0..<oracle.lps).contains { oracle.isInGuest($0) } }

  /// The call of a host, on another LP if a guest runs on its own.
  func onHostLP(_ call: Call) -> Call {
    guard case .integer(let lp)? = call.arguments["lp"], oracle.isInGuest(Int(lp)),
      !call.name.hasPrefix("GUEST."), !call.name.hasPrefix("TDG."), let free = oracle.hostLP
    else { return call }
    var call = call
    call.arguments["lp"] = .integer(Int64(free))
    return call
  }

  /// The steps, with what can be seen after the last.
  var looking: [ConformanceTest.Step] {
    var steps = steps
    guard let last = steps.indices.last else { return steps }
    for (key, value) in oracle.sight { steps[last].observe[ObservationID(key)] = value.asTestValue }
    return steps
  }

  static func kind(_ call: Call, _ answer: ModuleOracle.Answer) -> String {
    let isLarge =
      if case .text(let page)? = call.arguments["page"] {
        page.hasPrefix("block:")
      } else {
        false
      }
    return "\(call.name)\(isLarge ? " 2M" : "") \(answer.status ?? "-")|\(answer.operand ?? "-") "
      + answer.check
  }

  /// The call as recordings have it.
  static func asked(_ call: Call) -> TraceValue {
    var arguments = call.arguments
    let lp = arguments.removeValue(forKey: "lp")
    let sorted = arguments.sorted { $0.key < $1.key }
    return .members([
      ("leaf", .text(call.name)), ("lp", lp.map { TraceValue($0) } ?? .number(0)),
      ("args", .members(sorted.map { ($0.key, TraceValue($0.value)) })),
    ])
  }

  private static func step(
    _ call: Call, _ answer: ModuleOracle.Answer
  ) -> ConformanceTest.Step {
    var written = answer.written.mapValues(\.asTestValue).filter { !isOfBlock($0.value) }
    if let code = answer.code { written["code"] = .word(code) }
    if let operand = answer.operand, ModuleTest.names(operand) {
      written["operand"] = .text(operand)
    }
    if let guest = answer.guest { written["guest"] = .text(guest) }
    let status = TestValue.text(answer.status ?? "resumed")
    return ConformanceTest.Step(call, expect: [.exactly(.ok(status))], written: written)
  }

  /// Not a detail such as `exit reason 1`, which the code has.
  private static func names(_ operand: String) -> Bool { !operand.contains(" ") }

  /// A block and its first page have one address and two names.
  private static func isOfBlock(_ value: TestValue) -> Bool {
    guard case .text(let text) = value else { return false }
    return text.hasPrefix("block:") && text.hasSuffix("+0")
  }
}
