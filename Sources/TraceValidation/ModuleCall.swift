/// One recorded call, taken apart but not yet put into a spec's terms.
package struct ModuleCall: Sendable {
  package let leaf: String
  package let lp: Int
  package let arguments: [(key: String, value: TraceValue)]
  package let status: String?
  package let code: UInt64?
  package let operand: String?
  package let out: [(key: String, value: TraceValue)]
  package let guest: String?
  package let exitReason: Int?
  package let delta: [(key: String, value: TraceValue)]

  /// What it answered, for the tally: `TDX_OPERAND_BUSY|RCX`.
  package var answer: String {
    guard let status else { return guest ?? "nothing" }
    return operand.map { "\(status)|\($0)" } ?? status
  }

  func argument(_ name: String) -> TraceValue? { arguments.first { $0.key == name }?.value }
  func flag(_ name: String) -> Bool { argument(name) == .bool(true) }

  private static let known: Set<String> = [
    "leaf", "lp", "args", "status", "code", "operand", "out", "guest", "exit_reason", "delta",
  ]

  /// - Throws: a message when the value is no call.
  package init(_ value: TraceValue) throws(ModuleCallError) {
    guard case .members(let members) = value else { throw ModuleCallError("a call is an object") }
    for member in members where !Self.known.contains(member.key) {
      throw ModuleCallError("a call has no field '\(member.key)'")
    }
    guard let leaf = value["leaf"]?.text else { throw ModuleCallError("a call without a leaf") }
    guard let lp = value["lp"]?.number, (0..<4).contains(lp) else {
      throw ModuleCallError("\(leaf): lp is not 0…3")
    }
    self.leaf = leaf
    self.lp = lp
    arguments = try Self.members(value["args"], "args")
    out = try Self.members(value["out"], "out")
    delta = try Self.members(value["delta"], "delta")
    status = try Self.text(value["status"], "status")
    operand = try Self.text(value["operand"], "operand")
    guest = try Self.text(value["guest"], "guest")
    exitReason = value["exit_reason"]?.number
    code = try Self.text(value["code"], "code").map { text throws(ModuleCallError) in
      guard text.hasPrefix("0x"), let code = UInt64(text.dropFirst(2), radix: 16) else {
        throw ModuleCallError("code '\(text)' is no hexadecimal number")
      }
      return code
    }
  }

  private static func members(
    _ value: TraceValue?, _ name: String
  ) throws(ModuleCallError) -> [(key: String, value: TraceValue)] {
    guard let value else { return [] }
    guard case .members(let members) = value else {
      throw ModuleCallError("\(name) is an object")
    }
    return members
  }

  private static func text(
    _ value: TraceValue?, _ name: String
  ) throws(ModuleCallError) -> String? {
    guard let value else { return nil }
    guard let text = value.text else { throw ModuleCallError("\(name) is a text") }
    return text
  }
}

/// What is wrong with a recorded call.
package struct ModuleCallError: Error, CustomStringConvertible {
  package let message: String
  init(_ message: String) { self.message = message }

  package var description: String { message }
}
