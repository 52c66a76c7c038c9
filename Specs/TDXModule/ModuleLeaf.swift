import SpecLanguage

/// How a leaf takes a lock: not at all, shared or exclusively.
enum LockUseOfLeaf: String {
  case none = "–"
  case SH, EX
}

/// The locks of the TDX module, as columns of the lock matrix (tdx-module §14.1).
enum ModuleLock: Int, CaseIterable {
  case TDR, TDVPR, page, page2M, mappedPage, mappedPage2M, OP_STATE, SEPTTree, SEPTEntry
  case TD_EPOCH, KOT, WBT, global

  var heading: String {
    switch self {
    case .page: "page 4K"
    case .page2M: "page 2M"
    case .mappedPage: "mapped/SEPT page"
    case .mappedPage2M: "mapped 2M"
    case .SEPTTree: "SEPT tree"
    case .SEPTEntry: "SEPT entry"
    default: "\(self)"
    }
  }
}

/// A leaf of the host interface: what it allows and which locks it takes.
///
/// The guards of the leaves are made from these rows; `tdxspec read tdx/module` prints them.
struct ModuleLeaf: Sendable {
  /// Without `TDH.`, as in the facts.
  let name: String
  /// The states of OP_STATE in which it may be called, by index 0–10; `nil` when it does not ask.
  let opStates: [Int]?
  /// The states of the S-EPT entry that it takes, by index 0–15; `nil` when it does not ask.
  let entryStates: [Int]?
  /// One mode for each lock, in the order of `ModuleLock`.
  let locks: [LockUseOfLeaf]
  /// Locks that have no column, and conditions.
  let remark: String

  /// - Parameter locks: a letter for each `ModuleLock`: S shared, X exclusive, - none.
  init(
    _ name: String, op: [Int]? = nil, entry: [Int]? = nil, locks: String, _ remark: String = ""
  ) {
    self.name = name
    opStates = op
    entryStates = entry
    let modes: [LockUseOfLeaf] = locks.map { $0 == "S" ? .SH : $0 == "X" ? .EX : .none }
    self.locks = ModuleLock.allCases.map {
      modes.indices.contains($0.rawValue) ? modes[$0.rawValue] : .none
    }
    self.remark = remark
  }

  func lock(_ lock: ModuleLock) -> LockUseOfLeaf { locks[lock.rawValue] }
}

// Columns of the strings: TDR TDVPR page page2M mapped mapped2M OP_STATE tree entry epoch KOT WBT
// global.
extension ModuleLeaf {
  static let mngCreate = ModuleLeaf("MNG.CREATE", locks: "--XS------X--")
  static let mngKeyConfig = ModuleLeaf("MNG.KEY.CONFIG", locks: "X------------")
  static let mngAddCX = ModuleLeaf("MNG.ADDCX", op: [0], locks: "X-XS---------")
  static let mngInit = ModuleLeaf("MNG.INIT", op: [0], locks: "X------------")
  static let mngVPFlushDone = ModuleLeaf("MNG.VPFLUSHDONE", locks: "X---------X--")
  static let mngKeyFreeID = ModuleLeaf("MNG.KEY.FREEID", locks: "X---------X--")
  static let mrExtend = ModuleLeaf(
    "MR.EXTEND", op: [1], entry: [4], locks: "X------------")
  static let mrFinalize = ModuleLeaf("MR.FINALIZE", op: [1], locks: "X------------")
  static let vpCreate = ModuleLeaf("VP.CREATE", op: [1, 7], locks: "S-XS--S------")
  static let vpAddCX = ModuleLeaf("VP.ADDCX", op: [1, 7], locks: "SXXS--S------")
  static let vpInit = ModuleLeaf("VP.INIT", op: [1], locks: "SX----S------")
  /// It has a row of allowed states, all of them, but does not consult it.
  static let vpFlush = ModuleLeaf(
    "VP.FLUSH", op: Array(0...10), locks: "SX-----------")
  static let vpEnter = ModuleLeaf(
    "VP.ENTER", op: [2, 3, 9], locks: "SS----S--S---", "SEPT tree EX only on the zero-step path")
  static let septAdd = ModuleLeaf(
    "MEM.SEPT.ADD", op: [1, 2, 3, 6, 7, 8, 9], entry: [0, 2],
    locks: "S-XS--SSX----")
  static let septRemove = ModuleLeaf(
    "MEM.SEPT.REMOVE", op: Array(1...10), entry: [2, 3], locks: "S---X-SXX----")
  static let septRead = ModuleLeaf(
    "MEM.SEPT.RD", op: Array(1...10), entry: Array(0...15), locks: "S-----SSX----")
  static let pageAdd = ModuleLeaf(
    "MEM.PAGE.ADD", op: [1], entry: [0], locks: "X-XS---------", "S-EPT entry: by the TDR")
  static let pageAug = ModuleLeaf(
    "MEM.PAGE.AUG", op: [1, 2, 3, 9], entry: [0, 1], locks: "S-XS--SSX----")
  static let pageRemove = ModuleLeaf(
    "MEM.PAGE.REMOVE", op: [1, 2, 3, 4, 5, 8, 9, 10], entry: [4, 5, 6, 10, 11, 12],
    locks: "S---X-SSX----")
  static let pageRelocate = ModuleLeaf(
    "MEM.PAGE.RELOCATE", op: [1, 2, 3, 4, 5, 8, 9], entry: Array(4...15),
    locks: "S-XSX-SSX----")
  static let pagePromote = ModuleLeaf(
    "MEM.PAGE.PROMOTE", op: [1, 2, 3, 4, 5, 8, 9], entry: [2, 3],
    locks: "S---XXSSX----", "+512 child entries (bit)")
  static let pageDemote = ModuleLeaf(
    "MEM.PAGE.DEMOTE", op: [1, 2, 3, 4, 5, 8, 9], entry: [4, 5, 10, 11],
    locks: "S-XS-XSSX----")
  static let rangeBlock = ModuleLeaf(
    "MEM.RANGE.BLOCK", op: [1, 2, 3, 4, 5, 8, 9], entry: [2, 4, 6, 10, 12],
    locks: "S-----SXX----")
  static let rangeUnblock = ModuleLeaf(
    "MEM.RANGE.UNBLOCK", op: [1, 2, 3, 4, 5, 8, 9], entry: [3, 5, 11],
    locks: "S-----SXX----")
  static let track = ModuleLeaf("MEM.TRACK", op: Array(1...9), locks: "S-----S--X---")
  static let cacheWB = ModuleLeaf("PHYMEM.CACHE.WB", locks: "----------SX-")
  static let pageReclaim = ModuleLeaf("PHYMEM.PAGE.RECLAIM", locks: "S-XS---------")
  static let pageRDMD = ModuleLeaf("PHYMEM.PAGE.RDMD", locks: "--SS---------")
  static let pageWBINVD = ModuleLeaf("PHYMEM.PAGE.WBINVD", locks: "--SS---------")
  static let mngRead = ModuleLeaf("MNG.RD", op: Array(1...10), locks: "S-----S------")
  static let mngWrite = ModuleLeaf(
    "MNG.WR", op: [1, 2, 3, 6, 7, 8, 9, 10], locks: "S-----S------")
  static let vpRead = ModuleLeaf("VP.RD", op: Array(1...10), locks: "SS----S------")
  static let vpWrite = ModuleLeaf(
    "VP.WR", op: [1, 2, 3, 6, 7, 8, 9, 10], locks: "SS----S------")
  static let accept = ModuleLeaf(
    "TDG.MEM.PAGE.ACCEPT", entry: [10, 14], locks: "--------X----")

  static let all: [ModuleLeaf] = [
    mngCreate, mngKeyConfig, mngAddCX, mngInit, mngVPFlushDone, mngKeyFreeID, mrExtend,
    mrFinalize, vpCreate, vpAddCX, vpInit, vpFlush, vpEnter, septAdd, septRemove, septRead,
    pageAdd, pageAug, pageRemove, pageRelocate, pagePromote, pageDemote, rangeBlock,
    rangeUnblock, track, cacheWB, pageReclaim, pageRDMD, pageWBINVD, accept, mngRead, mngWrite,
    vpRead, vpWrite,
  ]
}
