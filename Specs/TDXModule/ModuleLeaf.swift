import SpecLanguage

/// How a leaf takes a lock: not at all, shared or exclusively.
enum LockUseOfLeaf: String {
  case none = "–"
  case SH, EX
}

/// The locks of the TDX module, as columns of the lock matrix (tdx-module §14.1).
enum ModuleLock: Int, CaseIterable {
  case TDR, TDVPR, page, mappedPage, OP_STATE, SEPTTree, SEPTEntry, TD_EPOCH, KOT, WBT

  var heading: String {
    switch self {
    case .page: "page 4K"
    case .mappedPage: "mapped/SEPT page"
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

  init(_ name: String, op: [Int]? = nil, entry: [Int]? = nil, locks: String) {
    self.name = name
    opStates = op
    entryStates = entry
    let modes = locks.split(separator: " ").map { LockUseOfLeaf(rawValue: String($0)) ?? .none }
    self.locks = ModuleLock.allCases.map {
      modes.indices.contains($0.rawValue) ? modes[$0.rawValue] : .none
    }
  }

  func lock(_ lock: ModuleLock) -> LockUseOfLeaf { locks[lock.rawValue] }
}

// Columns of the strings: TDR TDVPR page mapped OP_STATE tree entry epoch KOT WBT.
extension ModuleLeaf {
  static let mngCreate = ModuleLeaf("MNG.CREATE", locks: "– – EX – – – – – EX –")
  static let mngKeyConfig = ModuleLeaf("MNG.KEY.CONFIG", locks: "EX – – – – – – – – –")
  static let mngAddCX = ModuleLeaf("MNG.ADDCX", op: [0], locks: "EX – EX – – – – – – –")
  static let mngInit = ModuleLeaf("MNG.INIT", op: [0], locks: "EX – – – – – – – – –")
  static let mngVPFlushDone = ModuleLeaf("MNG.VPFLUSHDONE", locks: "EX – – – – – – – EX –")
  static let mngKeyFreeID = ModuleLeaf("MNG.KEY.FREEID", locks: "EX – – – – – – – EX –")
  static let mrExtend = ModuleLeaf(
    "MR.EXTEND", op: [1], entry: [4], locks: "EX – – – – – – – – –")
  static let mrFinalize = ModuleLeaf("MR.FINALIZE", op: [1], locks: "EX – – – – – – – – –")
  static let vpCreate = ModuleLeaf("VP.CREATE", op: [1, 7], locks: "SH – EX – SH – – – – –")
  static let vpAddCX = ModuleLeaf("VP.ADDCX", op: [1, 7], locks: "SH EX EX – SH – – – – –")
  static let vpInit = ModuleLeaf("VP.INIT", op: [1], locks: "SH EX – – SH – – – – –")
  /// It has a row of allowed states, all of them, but does not consult it.
  static let vpFlush = ModuleLeaf(
    "VP.FLUSH", op: Array(0...10), locks: "SH EX – – – – – – – –")
  static let vpEnter = ModuleLeaf("VP.ENTER", op: [2, 3, 9], locks: "SH SH – – SH – – SH – –")
  static let septAdd = ModuleLeaf(
    "MEM.SEPT.ADD", op: [1, 2, 3, 6, 7, 8, 9], entry: [0, 2],
    locks: "SH – EX – SH SH EX – – –")
  static let septRemove = ModuleLeaf(
    "MEM.SEPT.REMOVE", op: Array(1...10), entry: [2, 3], locks: "SH – – EX SH EX EX – – –")
  static let septRead = ModuleLeaf(
    "MEM.SEPT.RD", op: Array(1...10), entry: Array(0...15), locks: "SH – – – SH SH EX – – –")
  static let pageAdd = ModuleLeaf(
    "MEM.PAGE.ADD", op: [1], entry: [0], locks: "EX – EX – – – – – – –")
  static let pageAug = ModuleLeaf(
    "MEM.PAGE.AUG", op: [1, 2, 3, 9], entry: [0, 1], locks: "SH – EX – SH SH EX – – –")
  static let pageRemove = ModuleLeaf(
    "MEM.PAGE.REMOVE", op: [1, 2, 3, 4, 5, 8, 9, 10], entry: [4, 5, 6, 10, 11, 12],
    locks: "SH – – EX SH SH EX – – –")
  static let pageRelocate = ModuleLeaf(
    "MEM.PAGE.RELOCATE", op: [1, 2, 3, 4, 5, 8, 9], entry: Array(4...15),
    locks: "SH – EX EX SH SH EX – – –")
  static let pagePromote = ModuleLeaf(
    "MEM.PAGE.PROMOTE", op: [1, 2, 3, 4, 5, 8, 9], entry: [2, 3],
    locks: "SH – – EX SH SH EX – – –")
  static let pageDemote = ModuleLeaf(
    "MEM.PAGE.DEMOTE", op: [1, 2, 3, 4, 5, 8, 9], entry: [4, 5, 10, 11],
    locks: "SH – EX – SH SH EX – – –")
  static let rangeBlock = ModuleLeaf(
    "MEM.RANGE.BLOCK", op: [1, 2, 3, 4, 5, 8, 9], entry: [2, 4, 6, 10, 12],
    locks: "SH – – – SH EX EX – – –")
  static let rangeUnblock = ModuleLeaf(
    "MEM.RANGE.UNBLOCK", op: [1, 2, 3, 4, 5, 8, 9], entry: [3, 5, 11],
    locks: "SH – – – SH EX EX – – –")
  static let track = ModuleLeaf("MEM.TRACK", op: Array(1...9), locks: "SH – – – SH – – EX – –")
  static let cacheWB = ModuleLeaf("PHYMEM.CACHE.WB", locks: "– – – – – – – – SH EX")
  static let pageReclaim = ModuleLeaf("PHYMEM.PAGE.RECLAIM", locks: "SH – EX – – – – – – –")
  static let pageRDMD = ModuleLeaf("PHYMEM.PAGE.RDMD", locks: "– – SH – – – – – – –")
  static let pageWBINVD = ModuleLeaf("PHYMEM.PAGE.WBINVD", locks: "– – SH – – – – – – –")
  static let accept = ModuleLeaf(
    "TDG.MEM.PAGE.ACCEPT", entry: [10, 14], locks: "– – – – – – EX – – –")

  static let all: [ModuleLeaf] = [
    mngCreate, mngKeyConfig, mngAddCX, mngInit, mngVPFlushDone, mngKeyFreeID, mrExtend,
    mrFinalize, vpCreate, vpAddCX, vpInit, vpFlush, vpEnter, septAdd, septRemove, septRead,
    pageAdd, pageAug, pageRemove, pageRelocate, pagePromote, pageDemote, rangeBlock,
    rangeUnblock, track, cacheWB, pageReclaim, pageRDMD, pageWBINVD, accept,
  ]
}

extension ModuleLeaf {
  /// The rows as tables that can be read.
  static var tables: [ReferenceTable] {
    [
      ReferenceTable(
        "OP_STATE in which a leaf may be called", cites: "tdx-module §14.2",
        columns: ["leaf"] + (0...10).map { "\($0)" },
        rows: all.compactMap { leaf in leaf.opStates.map { leaf.row($0, upTo: 10) } }),
      ReferenceTable(
        "S-EPT entry states that a leaf takes", cites: "tdx-module §14.2b",
        columns: ["leaf"] + (0...15).map { "\($0)" },
        rows: all.compactMap { leaf in leaf.entryStates.map { leaf.row($0, upTo: 15) } }),
      ReferenceTable(
        "Locks that a leaf takes", cites: "tdx-module §14.1",
        columns: ["leaf"] + ModuleLock.allCases.map(\.heading),
        rows: all.map { [$0.name] + $0.locks.map(\.rawValue) }),
    ]
  }

  private func row(_ allowed: [Int], upTo last: Int) -> [String] {
    [name] + (0...last).map { allowed.contains($0) ? "\($0)" : "·" }
  }
}
