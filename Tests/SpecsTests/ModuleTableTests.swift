import Testing

@testable import TDXModuleSpecs

/// The tables that the module's guards are made from, against tdx-module §14.1, §14.2, §14.2b.
@Suite("The TDX module's tables") struct ModuleTableTests {
  /// tdx-module §14.2: leaf, allowed states of OP_STATE; A is 10.
  static let opStates = """
    VP.ENTER 239
    MNG.ADDCX 0
    MEM.PAGE.ADD 1
    MEM.SEPT.ADD 1236789
    VP.ADDCX 17
    MEM.PAGE.RELOCATE 1234589
    MEM.PAGE.AUG 1239
    MEM.RANGE.BLOCK 1234589
    VP.CREATE 17
    MEM.PAGE.DEMOTE 1234589
    MR.EXTEND 1
    MR.FINALIZE 1
    VP.FLUSH 0123456789A
    MNG.INIT 0
    VP.INIT 1
    MEM.PAGE.PROMOTE 1234589
    MEM.SEPT.RD 123456789A
    MEM.PAGE.REMOVE 1234589A
    MEM.SEPT.REMOVE 123456789A
    MEM.TRACK 123456789
    MEM.RANGE.UNBLOCK 1234589
    """

  /// tdx-module §14.2b: leaf, allowed S-EPT states.
  static let entryStates: [String: [Int]] = [
    "MEM.PAGE.ADD": [0], "MEM.SEPT.ADD": [0, 2], "MEM.PAGE.RELOCATE": Array(4...15),
    "MEM.PAGE.AUG": [0, 1], "MEM.RANGE.BLOCK": [2, 4, 6, 10, 12],
    "MEM.PAGE.DEMOTE": [4, 5, 10, 11],
    "MR.EXTEND": [4], "MEM.PAGE.PROMOTE": [2, 3], "MEM.SEPT.RD": Array(0...15),
    "MEM.PAGE.REMOVE": [4, 5, 6, 10, 11, 12], "MEM.SEPT.REMOVE": [2, 3],
    "MEM.RANGE.UNBLOCK": [3, 5, 11], "TDG.MEM.PAGE.ACCEPT": [10, 14],
  ]

  /// tdx-module §14.1: TDR, TDVPR, page 4K, mapped/SEPT page, OP_STATE, SEPT tree, SEPT entry,
  /// TD_EPOCH, KOT, WBT; X is EX, S is SH.
  static let locks = """
    MNG.CREATE       --X-----X-
    MNG.KEY.CONFIG   X---------
    MNG.ADDCX        X-X-------
    MNG.INIT         X---------
    MNG.VPFLUSHDONE  X-------X-
    MNG.KEY.FREEID   X-------X-
    VP.CREATE        S-X-S-----
    VP.ADDCX         SXX-S-----
    VP.INIT          SX--S-----
    VP.FLUSH         SX--------
    VP.ENTER         SS--S--S--
    MEM.SEPT.ADD     S-X-SSX---
    MEM.SEPT.REMOVE  S--XSXX---
    MEM.SEPT.RD      S---SSX---
    MEM.PAGE.ADD     X-X-------
    MEM.PAGE.AUG     S-X-SSX---
    MEM.PAGE.REMOVE  S--XSSX---
    MEM.PAGE.RELOCATE S-XXSSX---
    MEM.PAGE.PROMOTE S--XSSX---
    MEM.PAGE.DEMOTE  S-X-SSX---
    MEM.RANGE.BLOCK  S---SXX---
    MEM.RANGE.UNBLOCK S---SXX---
    MEM.TRACK        S---S--X--
    MR.EXTEND        X---------
    MR.FINALIZE      X---------
    PHYMEM.CACHE.WB  --------SX
    PHYMEM.PAGE.RECLAIM S-X-------
    PHYMEM.PAGE.RDMD --S-------
    PHYMEM.PAGE.WBINVD --S-------
    TDG.MEM.PAGE.ACCEPT ------X---
    """

  private func rows(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
  }

  @Test("OP_STATE") func opStateRows() {
    let wanted = rows(Self.opStates).mapValues { digits in digits.compactMap(\.hexDigitValue) }
    let found = ModuleLeaf.all.filter { $0.opStates != nil }
    #expect(Set(found.map(\.name)) == Set(wanted.keys))
    for leaf in found { #expect(leaf.opStates == wanted[leaf.name], "\(leaf.name)") }
  }

  @Test("S-EPT states") func entryRows() {
    let found = ModuleLeaf.all.filter { $0.entryStates != nil }
    #expect(Set(found.map(\.name)) == Set(Self.entryStates.keys))
    for leaf in found { #expect(leaf.entryStates == Self.entryStates[leaf.name], "\(leaf.name)") }
  }

  @Test("locks") func lockRows() {
    let wanted = rows(Self.locks)
    #expect(Set(ModuleLeaf.all.map(\.name)) == Set(wanted.keys))
    for leaf in ModuleLeaf.all {
      let letters = leaf.locks.map { $0 == .EX ? "X" : $0 == .SH ? "S" : "-" }.joined()
      #expect(letters == wanted[leaf.name], "\(leaf.name)")
    }
  }

  @Test("the tables are read with the spec") func read() {
    let tables = TDXModule().tables
    #expect(tables.count == 3)
    #expect(
      tables.allSatisfy { table in table.rows.allSatisfy { $0.count == table.columns.count } })
    #expect(tables[0].text.contains("MEM.TRACK"))
    #expect(tables[2].text.contains("OP_STATE"))
  }

  @Test("status codes and operand ids of tdx-module §4") func codes() {
    #expect(
      ModuleStatus.allCases.map(\.rawValue).count
        == Set(ModuleStatus.allCases.map(\.rawValue)).count)
    let busy = ModuleStatus.OPERAND_BUSY
    #expect(busy.rawValue == 0x8000_0200)
    #expect(OperandID.SEPT_TREE.rawValue == 146)
    #expect(OperandID.KET.rawValue == 187)
  }
}
