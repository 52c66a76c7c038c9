/// One SEAMCALL of a list.
struct ListedLeaf: Hashable, Sendable {
  let leaf: String
  /// `ok` or the module's status in hexadecimal.
  let status: String
  /// For leaves of the secure EPT, where the recording has it.
  let gpa: UInt64?

  /// Whether they are the same call: a GPA that is not recorded agrees with any.
  func agrees(with other: ListedLeaf) -> Bool {
    leaf == other.leaf && status == other.status
      && (gpa == nil || other.gpa == nil || gpa == other.gpa)
  }

  var text: String {
    let place = gpa.map { " 0x" + String($0, radix: 16) } ?? ""
    return status == "ok" ? leaf + place : "\(leaf)\(place) \(status)"
  }

  /// Leaves that say where in the guest they work.
  static let placed: Set<String> = [
    "TDH.MEM.PAGE.ADD", "TDH.MEM.PAGE.AUG", "TDH.MEM.PAGE.REMOVE", "TDH.MEM.RANGE.BLOCK",
    "TDH.MEM.SEPT.ADD",
  ]
  /// House-keeping that is not compared (kvm-answers, "What it can decide").
  static let ignored: Set<String> = ["TDH.VP.WR", "TDH.VP.RD", "TDH.MNG.RD"]
  /// Leaves whose number follows from page counts.
  static let uncounted: Set<String> = [
    "TDH.MNG.ADDCX", "TDH.VP.ADDCX", "TDH.MR.EXTEND", "TDH.PHYMEM.PAGE.RECLAIM",
  ]

  /// What of a list is compared.
  static func comparable(_ list: [ListedLeaf]) -> [ListedLeaf] {
    var result: [ListedLeaf] = []
    for call in list where !ignored.contains(call.leaf) {
      let isRepeat = uncounted.contains(call.leaf) && result.last.map { $0 == call } == true
      if !isRepeat { result.append(call) }
    }
    return result
  }
}

/// A step of a recorded sequence: a call on a descriptor, with its answer.
struct KVMStep: Sendable {
  let op: String
  let arguments: TraceValue
  let ret: Int
  let errno: String?
  let leaves: [ListedLeaf]
  let byChild: Bool
  /// The answer is the TDX module's and was not recorded from one, or the emulated CPU's.
  let isUndecided: Bool
  /// What the kernel wrote back.
  let out: TraceValue?

  /// - Throws: a message when the value is no step.
  init(_ value: TraceValue) throws(ModuleCallError) {
    guard let op = value["op"]?.text else { throw ModuleCallError("a step without an op") }
    guard let arguments = value["args"], case .members = arguments else {
      throw ModuleCallError("\(op): args is an object")
    }
    guard let ret = value["ret"]?.number else { throw ModuleCallError("\(op): ret is a number") }
    self.op = op
    self.arguments = arguments
    self.ret = ret
    errno = value["errno"]?.text
    out = value["out"]
    leaves = try Self.leaves(value["seamcalls"])
    byChild = value["by"]?.text == "child"
    isUndecided =
      value["module_decides"] == .bool(true) || value["after_module_decision"] == .bool(true)
      || value["cpu_decides"] == .bool(true)
  }

  /// A call that was not recorded: its answer is taken to be success.
  init(asked value: TraceValue) throws(ModuleCallError) {
    guard let op = value["op"]?.text, let arguments = value["args"] else {
      throw ModuleCallError("a call has op and args")
    }
    self.op = op
    self.arguments = arguments
    ret = 0
    errno = nil
    leaves = []
    byChild = value["by"]?.text == "child"
    isUndecided = false
    out = nil
  }

  /// A call that was made in a process of its own, with its answer.
  init(
    _ op: String, _ arguments: [String: TraceValue], ret: Int, errno: String?,
    byChild: Bool = false,
    out: TraceValue? = nil
  ) {
    self.op = op
    self.arguments = .members(arguments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    self.ret = ret
    self.errno = errno
    leaves = []
    self.byChild = byChild
    isUndecided = false
    self.out = out
  }

  /// Whether KVM answers it, and not the module or the recording's own machinery.
  var isCompared: Bool { !isUndecided && !Self.machinery.contains(op) }

  private static let machinery: Set<String> = [
    "standin_fail", "standin_script", "set_hypercall_ret", "touch",
  ]

  /// `ok` or the errno's name.
  var answer: String { ret == -1 ? errno ?? "-1" : "ok" }

  /// The list of SEAMCALLs, one entry a call.
  static func leaves(_ value: TraceValue?) throws(ModuleCallError) -> [ListedLeaf] {
    guard let value else { return [] }
    guard case .list(let list) = value else { throw ModuleCallError("seamcalls is a list") }
    var result: [ListedLeaf] = []
    for entry in list {
      guard case .list(let parts) = entry, parts.count >= 2, let leaf = parts[0].text,
        let status = parts[1].text
      else { throw ModuleCallError("a SEAMCALL is a list of leaf and status") }
      let detail = parts.count > 2 ? parts[2] : .null
      let count = detail["count"]?.number ?? 1
      let isPlaced = ListedLeaf.placed.contains(leaf) && detail["td"] != nil
      let gpa = isPlaced ? detail["gpa"]?.unsigned : nil
      for number in 0..<count {
        let place = gpa.map { $0 &+ UInt64(number) << 12 }
        result.append(ListedLeaf(leaf: leaf, status: status, gpa: place))
      }
    }
    return result
  }

  func text(_ name: String) -> String? { arguments[name]?.text }
  /// A number, also when it is written as a text in hexadecimal.
  func number(_ name: String) -> UInt64? { arguments[name]?.unsigned }
  /// The descriptor that the call is made on, or the one that it makes.
  var on: String { text("on") ?? text("new") ?? "" }
}

extension TraceValue {
  /// A number from 0 on, or a text in hexadecimal.
  var unsigned: UInt64? {
    if let number { return number >= 0 ? UInt64(number) : nil }
    guard let text, text.hasPrefix("0x") else { return nil }
    return UInt64(text.dropFirst(2), radix: 16)
  }
}

/// `buf+X` of a recording: an offset in 8 MiB of memory that is followed by none.
struct BufferPlace {
  static let size: UInt64 = 8 << 20
  /// What stands before the address of memory that is there.
  static let endless = "memory"
  /// `nil` for an address outside.
  let offset: UInt64?
  let isAligned: Bool
  /// `nil` for a place in `buf`.
  private let address: UInt64?
  /// Memory of a process of which only addresses are known is taken to be there.
  private let isEndless: Bool

  init(_ text: String?) {
    guard let text, let plus = text.firstIndex(of: "+") else {
      offset = nil
      let address = TraceValue.text(text ?? "0x0").unsigned ?? 0
      isAligned = address % 4096 == 0
      self.address = address
      isEndless = false
      return
    }
    let value = TraceValue.text(String(text[text.index(after: plus)...])).unsigned ?? 0
    offset = value
    isEndless = text[..<plus] == Self.endless
    address = isEndless ? value : nil
    isAligned = value % 4096 == 0
  }

  /// Whether a process cannot have the range. A mapping lies within the last 2^41 bytes of a
  /// process's 2^47: the top, less the stack and a random number of 40 bits.
  func isBeyondUser(_ size: UInt64) -> Bool {
    guard let address else { return size >= 1 << 41 }
    let (end, wraps) = address.addingReportingOverflow(size)
    return wraps || end >> 47 != 0
  }

  /// How many bytes of a range are there.
  func mapped(of length: UInt64) -> UInt64 {
    if isEndless { return length }
    guard let offset, offset < Self.size else { return 0 }
    return min(length, Self.size - offset)
  }
}
