import SpecLanguage
import SpecProgram

/// Puts recorded operands into a spec's terms.
struct ModuleArguments: Sendable {
  let platform: ModulePlatform
  let variables: ModuleVariables

  private static let events = ["GUEST.EXIT": "TD exit", "GUEST.ACCESS": "guest access"]

  /// The action that stands for the leaf.
  func action(of call: ModuleCall) -> String {
    // Version 0 is no news; no leaf of the recordings has another.
    if call.argument("version")?.number ?? 0 > 0 { return "SEAMCALL with a version" }
    if let event = Self.events[call.leaf] { return event }
    return call.leaf.hasPrefix("TDG.") ? call.leaf : "TDH.\(call.leaf)"
  }

  /// What a leaf's operands are made from, when the names differ; operands that decide nothing
  /// here stand under "".
  private static let parts: [String: Set<String>] = [
    "entry": ["gpa", "level"], "flags": ["reserved_bit", "host_recoverability_hint"],
    "interrupt": ["irq_after"], "interrupted": ["irq_after"],
    // The page of a chunk decides whether it can be measured; which chunk of it does not. The
    // HKID of a page to flush is not looked at (tdx-module §11.3).
    "": ["chunk", "version"],
  ]

  /// The arguments in the order of the action's.
  ///
  /// - Parameter isLongAfterEntry: whether the guest has run for a while, for its exits.
  func numbers(
    _ call: ModuleCall, _ wanted: [(name: String, type: ValueType)], _ state: [Int],
    isLongAfterEntry: Bool
  ) throws(ModuleCallError) -> [Int] {
    var known = Self.parts[""] ?? []
    if call.leaf == "PHYMEM.PAGE.WBINVD" { known.insert("hkid") }
    for argument in wanted { known.formUnion(Self.parts[argument.name] ?? [argument.name]) }
    let takesAny = call.argument("version") != nil
    for argument in call.arguments where !known.contains(argument.key) && !takesAny {
      throw ModuleCallError("\(call.leaf) has no operand '\(argument.key)'")
    }
    var result: [Int] = []
    for argument in wanted {
      result.append(
        try number(argument.name, argument.type, call, state, isLongAfterEntry))
    }
    return result
  }

  private func number(
    _ name: String, _ type: ValueType, _ call: ModuleCall, _ state: [Int],
    _ isLongAfterEntry: Bool
  ) throws(ModuleCallError) -> Int {
    switch (name, type) {
    case ("lp", _): return call.lp
    case ("long_after_entry", _): return isLongAfterEntry ? 1 : 0
    case ("interrupted", _): return call.argument("irq_after")?.number == 0 ? 1 : 0
    case ("entry", .operand(let classes, _)): return try entry(call, classes)
    case ("hkid", .operand(let classes, _)): return try hkid(call, classes)
    case (_, .operand(let classes, _)): return try address(name, call, classes, state)
    case ("td", .element), ("vcpu", .element): return try record(name, call)
    case (_, .bool): return call.flag(name) ? 1 : 0
    case (_, .enumeration(_, let cases)): return try choice(name, call, cases)
    default: throw ModuleCallError("\(call.leaf): the operand '\(name)' is not understood")
    }
  }

  /// The record that the call names; null when all are in use, which only happens when it fails.
  private func record(_ name: String, _ call: ModuleCall) throws(ModuleCallError) -> Int {
    guard let value = call.argument(name) else {
      throw ModuleCallError("\(call.leaf) without '\(name)'")
    }
    if case .null = value { return 0 }
    guard let number = value.text.flatMap({ name == "td" ? platform.td($0) : platform.vcpu($0) })
    else { throw ModuleCallError("\(call.leaf): '\(name)' is \(value.json)") }
    return number
  }

  private func choice(
    _ name: String, _ call: ModuleCall, _ cases: [String]
  ) throws(ModuleCallError) -> Int {
    let text: String?
    switch name {
    case "flags":
      text =
        call.flag("reserved_bit")
        ? "reserved_bit"
        : call.flag("host_recoverability_hint") ? "host_recoverability_hint" : "none"
    case "interrupt":
      // Four sub-blocks are polled between three times.
      let polls = call.argument("irq_after")?.number
      text = polls.map { $0 > 2 ? "never" : "after\($0)" } ?? "never"
    case "pconfig": text = call.argument(name)?.text ?? "ok"
    default: text = call.argument(name)?.text
    }
    guard let text, let number = cases.firstIndex(of: text) else {
      throw ModuleCallError("\(call.leaf): '\(name)' is \(text ?? "missing")")
    }
    return number
  }

  private func index(
    _ name: String, _ classes: [String]
  ) throws(ModuleCallError) -> Int {
    guard let index = classes.firstIndex(of: name) else {
      throw ModuleCallError("the spec has no class '\(name)' of operands")
    }
    return index
  }

  private func hkid(_ call: ModuleCall, _ classes: [String]) throws(ModuleCallError) -> Int {
    let name = call.argument("hkid")?.text ?? ""
    switch name {
    case "hkid:none": return try index("outside", classes)
    case "hkid:module": return try index("module", classes)
    default:
      guard let number = platform.hkid(name) else {
        throw ModuleCallError("\(call.leaf): there is no HKID '\(name)'")
      }
      return classes.count + number
    }
  }

  private func address(
    _ operand: String, _ call: ModuleCall, _ classes: [String], _ state: [Int]
  ) throws(ModuleCallError) -> Int {
    guard let name = call.argument(operand)?.text else {
      throw ModuleCallError("\(call.leaf) without an address '\(operand)'")
    }
    switch name {
    // HKID bits belong to this operand (tdx-module §11.3).
    case "pa:hkid_bits" where call.leaf == "PHYMEM.PAGE.WBINVD": return classes.count
    case "pa:unaligned", "pa:hkid_bits": return try index("malformed", classes)
    case "pa:null": return try index("null", classes)
    case "pa:outside": return try index("outside", classes)
    default: break
    }
    if let page = platform.page(name) { return classes.count + page }
    guard let page = boundPage(name, state) else {
      throw ModuleCallError("\(call.leaf): '\(name)' is no address")
    }
    return classes.count + page
  }

  /// The page that a TD's or vCPU's name is bound to.
  private func boundPage(_ name: String, _ state: [Int]) -> Int? {
    let pages = platform.loose + platform.blocks * platform.columns
    if let td = platform.td(name) {
      return (0..<pages).first {
        variables.type[state, $0] == 1 && variables.owner[state, $0] == td + 1
      }
    }
    return platform.vcpu(name).flatMap { vcpu in
      (0..<pages).first { variables.vcpuAt[state, $0] == vcpu + 1 }
    }
  }

  private func entry(_ call: ModuleCall, _ classes: [String]) throws(ModuleCallError) -> Int {
    guard let name = call.argument("gpa")?.text else {
      throw ModuleCallError("\(call.leaf) without a GPA")
    }
    let level = call.argument("level")?.number ?? 0
    guard level >= 0, level <= 7 else {
      throw ModuleCallError("\(call.leaf): level \(level) does not fit three bits")
    }
    if level >= platform.levels { return try index("tooHigh", classes) }
    if name == "gpa:shared" { return try index("shared", classes) }
    guard let gpa = ModulePlatform.number(name, after: "gpa:"), gpa < ModulePlatform.gpaCount
    else { throw ModuleCallError("\(call.leaf): there is no GPA '\(name)'") }
    guard let entry = platform.entry(gpa: gpa, level: level) else {
      return try index("misaligned", classes)
    }
    return classes.count + entry
  }
}
