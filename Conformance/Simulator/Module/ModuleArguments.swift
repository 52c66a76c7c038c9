import ConformanceKit

/// The arguments of a call to the module, by name.
struct ModuleArguments {
  private let call: Call

  init(_ call: Call) { self.call = call }

  func text(_ name: String) -> String? {
    guard case .text(let text)? = call.arguments[name] else { return nil }
    return text
  }

  func flag(_ name: String) -> Bool { call.arguments[name] == .flag(true) }

  func optionalNumber(_ name: String) throws(BackendError) -> Int? {
    guard let value = call.arguments[name] else { return nil }
    guard case .integer(let number) = value, let small = Int(exactly: number), small >= 0,
      small < 1 << 16
    else { throw wrong(name, "a small number") }
    return small
  }

  func number(_ name: String, default value: Int? = nil) throws(BackendError) -> Int {
    guard let number = try optionalNumber(name) ?? value else { throw wrong(name, "a number") }
    return number
  }

  func gpa() throws(BackendError) -> UInt64 {
    guard let gpa = text("gpa").flatMap(ModuleNames.gpa) else {
      throw wrong("gpa", "gpa:0 to gpa:6 or gpa:shared")
    }
    return gpa
  }

  /// The address of a page, a TD or a vCPU.
  func address(_ name: String, _ names: ModuleNames) throws(BackendError) -> UInt64 {
    guard let address = text(name).flatMap(names.address) else {
      throw wrong(name, "the name of a page, or of a TD or vCPU that is there")
    }
    return address
  }

  func hkid() throws(BackendError) -> UInt64 {
    guard let hkid = text("hkid").flatMap(ModuleNames.hkid) else {
      throw wrong("hkid", "hkid:0 to hkid:2, hkid:module or hkid:none")
    }
    return UInt64(hkid)
  }

  func wrong(_ name: String, _ wanted: String) -> BackendError {
    let given = call.arguments[name].map { "\($0)" } ?? "absent"
    return BackendError(.unknownCall, "\(call.name): \(name) is \(given), not \(wanted)")
  }
}

extension ModuleBackend {
  /// Puts the operands into the registers of the leaf.
  func load(
    _ registers: inout Registers, _ leaf: Leaf, _ given: ModuleArguments
  ) throws(BackendError) {
    switch leaf {
    case .MNG_CREATE:
      registers.rcx = try given.address("page", names)
      registers.rdx = try given.hkid()
    case .MNG_KEY_CONFIG, .MNG_VPFLUSHDONE, .MNG_KEY_FREEID, .MEM_TRACK, .MR_FINALIZE, .MNG_RD,
      .MNG_WR, .MNG_KEY_RECLAIMID:
      registers.rcx = try given.address("td", names)
    case .MNG_ADDCX, .VP_CREATE:
      registers.rcx = try given.address("page", names)
      registers.rdx = try given.address("td", names)
    case .MNG_INIT:
      registers.rcx = try given.address("td", names)
      guard let address = given.text("params").flatMap(ModuleNames.parameters) else {
        throw given.wrong("params", "known parameters")
      }
      registers.rdx = address
    case .VP_ADDCX:
      registers.rcx = try given.address("page", names)
      registers.rdx = try given.address("vcpu", names)
    case .VP_INIT, .VP_FLUSH, .VP_RD, .VP_WR, .VP_ENTER:
      registers.rcx = try given.address("vcpu", names)
      if given.flag("reserved_bit") { registers.rcx |= 1 << 2 }
      if given.flag("host_recoverability_hint") { registers.rcx |= 1 << 52 }
    case .MR_EXTEND:
      let chunk = UInt64(try given.number("chunk", default: 0))
      registers.rcx = try given.gpa() + chunk << 8 + (given.flag("unaligned") ? 128 : 0)
      registers.rdx = try given.address("td", names)
    case .PHYMEM_CACHE_WB:
      let commands = ["start", "resume", "invalid"]
      guard let command = given.text("command").flatMap(commands.firstIndex) else {
        throw given.wrong("command", "start, resume or invalid")
      }
      registers.rcx = UInt64(command)
    case .PHYMEM_PAGE_RECLAIM, .PHYMEM_PAGE_RDMD:
      registers.rcx = try given.address("page", names)
    case .PHYMEM_PAGE_WBINVD:
      let key = try given.hkid() << ModuleNames.platform.hkidShift
      registers.rcx = try given.address("page", names) | key
    default:
      try loadMemory(&registers, leaf, given)
    }
  }

  private func loadMemory(
    _ registers: inout Registers, _ leaf: Leaf, _ given: ModuleArguments
  ) throws(BackendError) {
    guard leaf.text.hasPrefix("MEM.") else { return }
    registers.rcx = try given.gpa() | UInt64(try given.number("level", default: 0))
    registers.rdx = try given.address("td", names)
    switch leaf {
    case .MEM_SEPT_ADD, .MEM_PAGE_ADD, .MEM_PAGE_AUG, .MEM_PAGE_RELOCATE, .MEM_PAGE_DEMOTE:
      registers.r8 = try given.address("page", names)
    default: break
    }
    if given.flag("allow_existing") { registers.rdx |= 1 }
    if given.flag("reserved_flag") { registers.rdx |= 2 }
    if leaf == .MEM_PAGE_ADD {
      registers.r9 = ModuleNames.source + (given.flag("source_unaligned") ? 8 : 0)
    }
  }

  /// What the output registers say.
  func outputs(
    _ leaf: Leaf, _ registers: Registers, asked: Registers
  ) -> [String: Value] {
    let status = registers.status
    let hasSucceeded = status.name == .SUCCESS
    switch leaf {
    case .MEM_PAGE_REMOVE, .MEM_SEPT_REMOVE, .MEM_PAGE_PROMOTE, .MEM_PAGE_RELOCATE:
      guard hasSucceeded else { return entry(registers) }
      let size = leaf == .MEM_PAGE_REMOVE ? Int(asked.rcx & 7) : 0
      return ["page": .text(ModuleNames.text(registers.rcx, size: size))]
    case .MEM_SEPT_RD:
      return entry(registers)
    case .PHYMEM_PAGE_RECLAIM, .PHYMEM_PAGE_RDMD:
      return hasSucceeded ? metadata(leaf, registers) : [:]
    case .MEM_TRACK: return [:]
    default:
      return !hasSucceeded && leaf.text.hasPrefix("MEM.") ? entry(registers) : [:]
    }
  }

  private func entry(_ registers: Registers) -> [String: Value] {
    guard registers.rcx != 0 || registers.rdx != 0,
      registers.status.name != .INTERRUPTED_RESTARTABLE
    else { return [:] }
    let shown = UInt8(registers.rdx >> 8 & 0xFF)
    let state = EntryState.allCases.first { $0.shownState == shown }
    return [
      "level": .integer(Int64(registers.rdx & 7)), "sept": .text(state.map { "\($0)" } ?? "?"),
    ]
  }

  private func metadata(_ leaf: Leaf, _ registers: Registers) -> [String: Value] {
    guard let type = PageType(rawValue: UInt8(truncatingIfNeeded: registers.rcx)) else {
      return [:]
    }
    var written: [String: Value] = [
      "type": .text("\(type)"), "size": .integer(Int64(registers.r8)),
    ]
    if type != .NDA && type != .TDR && type != .RSVD {
      written["owner"] = .text(names.name(of: registers.rdx) ?? "?")
    }
    if leaf == .PHYMEM_PAGE_RDMD, type == .REG || type == .EPT {
      written["bepoch"] = .word(registers.r9)
    }
    return written
  }
}
