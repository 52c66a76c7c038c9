import ConformanceKit
import Simulator
import TraceValidation

/// One step of a recording of KVM.
struct RecordedStep {
  let name: String
  let call: Call
  /// As an ``Outcome`` describes itself.
  let outcome: String
  let answer: String
  let out: [String: Value]
  /// The SEAMCALLs, one by one; nil where none are recorded.
  let leaves: [String]?
  /// The answer is the kernel's alone.
  let isCompared: Bool
  private let ignored: Set<String>

  /// The steps that end the process.
  init(exit value: TraceValue) {
    name = "exit"
    call = Call("exit")
    outcome = "0"
    answer = "ok"
    out = [:]
    leaves = Self.leaves(value)
    isCompared = true
    ignored = []
  }

  init(_ value: TraceValue) throws {
    guard let name = value["op"]?.text, case .members(let members)? = value["args"],
      let returned = value["ret"]?.number
    else { throw TraceError(.unusable, "a step has op, args and ret") }
    var call = Call(name)
    for member in members { call.arguments[member.key] = member.value.asValue }
    if let by = value["by"]?.text { call.arguments["by"] = .text(by) }
    self.call = call
    var label = name
    if let cap = value["args"]?["cap"]?.text, name == "KVM_ENABLE_CAP" { label += "(\(cap))" }
    self.name = label
    let errno = value["errno"]?.text
    outcome = errno.map { "-\($0)" } ?? "\(returned)"
    answer = errno ?? "ok"
    var out: [String: Value] = [:]
    if case .members(let written)? = value["out"] {
      for member in written { out[member.key] = member.value.asValue }
    }
    self.out = out
    leaves = value["seamcalls"].map(Self.leaves)
    let isFree = ["module_decides", "cpu_decides"].contains { value[$0] == .bool(true) }
    isCompared = !isFree
    ignored = value["module_out"] == .bool(true) ? ["nent", "attrs", "xfam"] : []
  }

  /// The step as it is counted.
  var counted: SequenceRun.Counted {
    SequenceRun.Counted(name: name, answer: answer, text: "\(call)", isCompared: isCompared)
  }

  /// What was written back, numbers in one spelling.
  func written(_ values: [String: Value]) -> String {
    values.filter { !ignored.contains($0.key) }.sorted { $0.key < $1.key }
      .map { "\($0.key)=\(Self.plain($0.value))" }.joined(separator: " ")
  }

  private static func plain(_ value: Value) -> String {
    guard case .text(let text) = value, text.hasPrefix("0x"),
      let word = UInt64(text.dropFirst(2), radix: 16)
    else {
      if case .text(let text) = value { return text }
      return "\(value)"
    }
    return "\(word)"
  }

  /// Leaves that follow from how many pages a TD has, and reads and writes of fields.
  private static let isHousekeeping: Set<String> = [
    "TDH.VP.WR", "TDH.VP.RD", "TDH.MNG.RD", "TDH.MNG.WR",
  ]

  private static func leaves(_ value: TraceValue) -> [String] {
    guard case .list(let calls) = value else { return [] }
    return calls.flatMap { call -> [String] in
      guard case .list(let parts) = call, parts.count >= 2, let leaf = parts[0].text,
        let status = parts[1].text, !isHousekeeping.contains(leaf)
      else { return [] }
      let more = parts.count > 2 ? parts[2] : .null
      let start = more["gpa"]?.text.flatMap { UInt64($0.dropFirst(2), radix: 16) }
      let count = more["count"]?.number ?? 1
      return (0..<count).map { number in
        let step: UInt64 = leaf == "TDH.MEM.PAGE.AUG" ? 4096 : 0
        let gpa = start.map { $0 + UInt64(number) * step }
        return text(leaf, status, gpa, more["level"]?.number)
      }
    }
  }

  private static func text(
    _ leaf: String, _ status: String, _ gpa: UInt64?, _ level: Int?
  ) -> String {
    var text = leaf
    if status != "ok" { text += "=\(status)" }
    if let gpa { text += "@0x" + String(gpa, radix: 16) }
    if let level { text += "/\(level)" }
    return text
  }

  /// A SEAMCALL that the simulator made, in the same spelling.
  static func leaf(_ call: LoggedCall) -> String? {
    let leaf = "TDH.\(call.leaf.text)"
    guard !isHousekeeping.contains(leaf) else { return nil }
    let status = call.status == 0 ? "ok" : "0x" + String(call.status, radix: 16)
    return text(leaf, status, call.gpa, call.level)
  }
}
