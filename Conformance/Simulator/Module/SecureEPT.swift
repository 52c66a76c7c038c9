/// The state of a secure-EPT entry (tdx-module §2.6). Raw values are the table's indices.
public enum EntryState: UInt8, Hashable, Sendable, CaseIterable {
  case FREE
  case REMOVED
  case NL_MAPPED
  case NL_BLOCKED
  case MAPPED
  case BLOCKED
  case BLOCKEDW
  case EXPORTED_BLOCKEDW
  case EXPORTED_DIRTY
  case EXPORTED_DIRTY_BLOCKEDW
  case PENDING
  case PENDING_BLOCKED
  case PENDING_BLOCKEDW
  case PENDING_EXPORTED_BLOCKEDW
  case PENDING_EXPORTED_DIRTY
  case PENDING_EXPORTED_DIRTY_BLOCKEDW

  private static let codes: [UInt8] = [
    0x0E, 0x0C, 0x00, 0x08, 0x60, 0x68, 0x64, 0x66, 0x63, 0x67, 0x70, 0x78, 0x74, 0x76, 0x73,
    0x77,
  ]
  private static let publicStates: [UInt8] = [
    0, 5, 132, 129, 4, 1, 8, 9, 11, 12, 2, 3, 16, 17, 19, 20,
  ]
  private static let rights: [UInt64] = [0, 0, 7, 0, 7, 0, 5, 5, 7, 5, 0, 0, 0, 0, 0, 0]

  /// The seven state bits of the entry.
  var code: UInt8 { Self.codes[Int(rawValue)] }
  /// What RDX[15:8] shows the host.
  public var shownState: UInt8 { Self.publicStates[Int(rawValue)] }
  /// Read, write and execute.
  var rights: UInt64 { Self.rights[Int(rawValue)] }
  /// A page is mapped or pending here.
  var isLeaf: Bool { rawValue >= EntryState.MAPPED.rawValue }
  var isNonLeaf: Bool { self == .NL_MAPPED || self == .NL_BLOCKED }
  /// The host has taken it from the guest.
  var isBlocked: Bool { self == .NL_BLOCKED || self == .BLOCKED || self == .PENDING_BLOCKED }
  /// The guest reads it without a fault.
  var isAccessible: Bool { isLeaf && rights != 0 }
  /// A removal must wait for TLB tracking.
  var needsTracking: Bool {
    self != .FREE && self != .REMOVED && self != .EXPORTED_BLOCKEDW
      && self != .PENDING_EXPORTED_BLOCKEDW
  }

  /// After RANGE.BLOCK, where that is allowed (tdx-module §10.10).
  var blocked: EntryState? {
    switch self {
    case .NL_MAPPED: .NL_BLOCKED
    case .MAPPED, .BLOCKEDW: .BLOCKED
    case .PENDING, .PENDING_BLOCKEDW: .PENDING_BLOCKED
    default: nil
    }
  }

  /// After RANGE.UNBLOCK, where that is allowed (tdx-module §10.11).
  var unblocked: EntryState? {
    switch self {
    case .NL_BLOCKED: .NL_MAPPED
    case .BLOCKED: .MAPPED
    case .PENDING_BLOCKED: .PENDING
    default: nil
    }
  }

  fileprivate static let byCode: [EntryState?] = {
    var table = [EntryState?](repeating: nil, count: 128)
    for state in allCases { table[Int(state.code)] = state }
    return table
  }()
}

/// A secure-EPT entry, bit by bit as the module has it.
struct SecureEntry: Hashable {
  private(set) var bits: UInt64

  private static let lock: UInt64 = 1 << 11
  private static let priority: UInt64 = 1 << 52
  private static let suppressVE: UInt64 = 1 << 63
  private static let address: UInt64 = 0x000F_FFFF_FFFF_F000
  /// 6 in bits 5:3: write-back.
  private static let writeBack: UInt64 = 6 << 3

  /// What a new table is full of.
  static let initial = SecureEntry(.FREE, page: 0)

  init(_ state: EntryState, page: UInt64) {
    let code = UInt64(state.code)
    bits = state.rights | (code & 1) << 9 | (code >> 1 & 0xF) << 53 | (code >> 5 & 3) << 6
    bits |= page & Self.address
    if state.isLeaf { bits |= Self.writeBack }
    if state.isLeaf || state == .FREE { bits |= Self.suppressVE }
  }

  var state: EntryState {
    let code = bits >> 9 & 1 | (bits >> 53 & 0xF) << 1 | (bits >> 6 & 3) << 5
    return EntryState.byCode[Int(code)] ?? .FREE
  }

  /// The page or table behind it, or what else bits 51:12 hold.
  var page: UInt64 { bits & Self.address }

  /// Without the lock and priority bits.
  var content: UInt64 { bits & ~(Self.lock | Self.priority) }

  /// What the host is shown (RCX): of tables the rights only, of free entries bit 63 only.
  var shown: UInt64 {
    let state = state
    if state.isLeaf { return content & ~(0xF << 53 | 1 << 9) }
    return state.isNonLeaf ? bits & 7 : bits & Self.suppressVE
  }

  var isLocked: Bool { bits & Self.lock != 0 }

  mutating func tryByHost() -> Bool {
    guard !isLocked else {
      bits |= Self.priority
      return false
    }
    bits |= Self.lock
    bits &= ~Self.priority
    return true
  }

  /// One attempt of a guest: nil is success, otherwise why not.
  mutating func tryByGuest() -> StatusName? {
    guard !isLocked else { return .OPERAND_BUSY }
    guard bits & Self.priority == 0 else { return .OPERAND_BUSY_HOST_PRIORITY }
    bits |= Self.lock
    return nil
  }

  mutating func release() { bits &= ~Self.lock }

  /// Another state and page; the lock stays as it is.
  mutating func become(_ state: EntryState, page: UInt64) {
    let kept = bits & (Self.lock | Self.priority)
    bits = SecureEntry(state, page: page).bits | kept
  }
}

/// A table of 512 entries, which is one 4 KB page.
final class SecureTable {
  let address: UInt64
  var entries = [SecureEntry](repeating: .initial, count: 512)

  init(address: UInt64) { self.address = address }

  /// The number of the entry for an address, of a table at a level (0: entries for 4 KB pages).
  static func index(_ gpa: UInt64, level: Int) -> Int {
    Int(gpa >> UInt64(12 + 9 * level) & 511)
  }

  /// How many bytes an entry of a level covers.
  static func span(level: Int) -> UInt64 { 1 << UInt64(12 + 9 * level) }
}
