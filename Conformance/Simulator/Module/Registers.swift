/// The general-purpose registers that SEAMCALLs use.
public struct Registers: Hashable, Sendable {
  public var rax: UInt64 = 0
  public var rcx: UInt64 = 0
  public var rdx: UInt64 = 0
  public var r8: UInt64 = 0
  public var r9: UInt64 = 0
  public var r10: UInt64 = 0
  public var r11: UInt64 = 0
  public var r12: UInt64 = 0
  public var r13: UInt64 = 0

  public init() {}

  /// RAX names the leaf; RCX, RDX, R8 and R9 are operands.
  public init(
    _ leaf: Leaf, version: UInt64 = 0, rcx: UInt64 = 0, rdx: UInt64 = 0, r8: UInt64 = 0,
    r9: UInt64 = 0
  ) {
    rax = UInt64(leaf.rawValue) | version << 16
    self.rcx = rcx
    self.rdx = rdx
    self.r8 = r8
    self.r9 = r9
  }

  /// RAX as a status.
  public var status: ModuleStatus { ModuleStatus(code: rax) }
}

/// How a SEAMCALL came back.
public enum SeamcallEnd: Hashable, Sendable {
  /// RAX has the status.
  case returned
  /// VP.ENTER: the vCPU runs on this LP until ``TDXModule/guest(_:lp:)`` makes it leave.
  case inGuest
}

/// SEAMCALL leaves by number (tdx-module §7 to §11).
public enum Leaf: UInt16, Hashable, Sendable, CaseIterable {
  case VP_ENTER = 0
  case MNG_ADDCX = 1
  case MEM_PAGE_ADD = 2
  case MEM_SEPT_ADD = 3
  case VP_ADDCX = 4
  case MEM_PAGE_RELOCATE = 5
  case MEM_PAGE_AUG = 6
  case MEM_RANGE_BLOCK = 7
  case MNG_KEY_CONFIG = 8
  case MNG_CREATE = 9
  case VP_CREATE = 10
  case MNG_RD = 11
  case MEM_RD = 12
  case MNG_WR = 13
  case MEM_WR = 14
  case MEM_PAGE_DEMOTE = 15
  case MR_EXTEND = 16
  case MR_FINALIZE = 17
  case VP_FLUSH = 18
  case MNG_VPFLUSHDONE = 19
  case MNG_KEY_FREEID = 20
  case MNG_INIT = 21
  case VP_INIT = 22
  case MEM_PAGE_PROMOTE = 23
  case PHYMEM_PAGE_RDMD = 24
  case MEM_SEPT_RD = 25
  case VP_RD = 26
  case MNG_KEY_RECLAIMID = 27
  case PHYMEM_PAGE_RECLAIM = 28
  case MEM_PAGE_REMOVE = 29
  case MEM_SEPT_REMOVE = 30
  case SYS_KEY_CONFIG = 31
  case SYS_INFO = 32
  case SYS_INIT = 33
  case SYS_RD = 34
  case SYS_LP_INIT = 35
  case SYS_TDMR_INIT = 36
  case SYS_RDALL = 37
  case MEM_TRACK = 38
  case MEM_RANGE_UNBLOCK = 39
  case PHYMEM_CACHE_WB = 40
  case PHYMEM_PAGE_WBINVD = 41
  case VP_WR = 43
  case SYS_LP_SHUTDOWN = 44
  case SYS_CONFIG = 45
  case SYS_SHUTDOWN = 52

  /// `MNG.KEY.CONFIG`, as Intel's documents write it without `TDH.`.
  public var text: String { String("\(self)".map { $0 == "_" ? "." : $0 }) }

  private static let byText = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.text, $0) })

  /// The leaf of a name such as `MNG.KEY.CONFIG`.
  public init?(text: String) {
    guard let leaf = Leaf.byText[text] else { return nil }
    self = leaf
  }

  /// Leaves that have a second version.
  var hasVersions: Bool {
    [.MEM_PAGE_PROMOTE, .MEM_SEPT_ADD, .MEM_SEPT_REMOVE, .MNG_RD, .VP_RD].contains(self)
  }

  /// Leaves that may be called before the module is ready.
  var isForStart: Bool {
    [
      .SYS_INFO, .SYS_RD, .SYS_RDALL, .SYS_INIT, .SYS_LP_INIT, .SYS_CONFIG, .SYS_KEY_CONFIG,
      .SYS_LP_SHUTDOWN,
    ].contains(self)
  }

  /// In which operation states it may be called, a bit for each; nil: in any (tdx-module §14.2).
  var operations: UInt16? {
    switch self {
    case .VP_ENTER: 0b010_0000_1100
    case .MNG_ADDCX, .MNG_INIT: 0b000_0000_0001
    case .MEM_PAGE_ADD, .MR_EXTEND, .MR_FINALIZE, .VP_INIT: 0b000_0000_0010
    case .VP_ADDCX, .VP_CREATE: 0b000_1000_0010
    case .MEM_SEPT_ADD: 0b011_1100_1110
    case .MEM_PAGE_AUG: 0b010_0000_1110
    case .MEM_PAGE_RELOCATE, .MEM_PAGE_DEMOTE, .MEM_PAGE_PROMOTE, .MEM_RANGE_BLOCK,
      .MEM_RANGE_UNBLOCK:
      0b011_0011_1110
    case .MEM_PAGE_REMOVE: 0b111_0011_1110
    case .MEM_TRACK: 0b011_1111_1110
    case .MNG_RD, .MEM_RD, .VP_RD, .MEM_SEPT_RD, .MEM_SEPT_REMOVE: 0b111_1111_1110
    case .MNG_WR, .MEM_WR, .VP_WR: 0b111_1100_1110
    default: nil
    }
  }

  /// On which entries it works, a bit for each state (tdx-module §14.2b).
  var entries: UInt16 {
    switch self {
    case .MEM_PAGE_ADD: 0b0000_0000_0000_0001
    case .MEM_SEPT_ADD: 0b0000_0000_0000_0101
    case .MEM_PAGE_RELOCATE: 0b1111_1111_1111_0000
    case .MEM_PAGE_AUG: 0b0000_0000_0000_0011
    case .MEM_RANGE_BLOCK: 0b0001_0100_0101_0100
    case .MEM_RD: 0b0000_0011_1101_0000
    case .MEM_WR: 0b0000_0001_0001_0000
    case .MEM_PAGE_DEMOTE: 0b0000_1100_0011_0000
    case .MR_EXTEND: 0b0000_0000_0001_0000
    case .MEM_PAGE_PROMOTE, .MEM_SEPT_REMOVE: 0b0000_0000_0000_1100
    case .MEM_PAGE_REMOVE: 0b0001_1100_0111_0000
    case .MEM_RANGE_UNBLOCK: 0b0000_1000_0010_1000
    default: 0xFFFF
    }
  }
}
