import Testing

@testable import TDXModuleSpecs

/// The tables that the module's guards are made from, against tdx-module §14.1, §14.2, §14.2b.
@Suite("The TDX module's tables") struct ModuleTableTests {
  /// tdx-module §14.2: leaf, allowed states of OP_STATE; A is 10.
  static let opStates = """
    VP.ENTER 239
    MEM.TRACK 123456789
    MNG.ADDCX 0
    MEM.RANGE.UNBLOCK 1234589
    MEM.PAGE.ADD 1
    VP.WR 1236789A
    MEM.SEPT.ADD 1236789
    SERVTD.BIND 012389
    VP.ADDCX 17
    SERVTD.PREBIND 01
    MEM.PAGE.RELOCATE 1234589
    EXPORT.ABORT 345
    MEM.PAGE.AUG 1239
    EXPORT.BLOCKW 3
    MEM.RANGE.BLOCK 1234589
    EXPORT.RESTORE 2
    VP.CREATE 17
    EXPORT.MEM 345
    MNG.RD 123456789A
    EXPORT.PAUSE 3
    MEM.RD 123456789A
    EXPORT.TRACK 34
    MNG.WR 1236789A
    EXPORT.STATE.IMMUTABLE 29
    MEM.WR 1236789A
    EXPORT.STATE.TD 4
    MEM.PAGE.DEMOTE 1234589
    EXPORT.STATE.VP 4
    MR.EXTEND 1
    EXPORT.UNBLOCKW 2345
    MR.FINALIZE 1
    IMPORT.ABORT 678A
    VP.FLUSH 0123456789A
    IMPORT.END 89
    MNG.INIT 0
    IMPORT.COMMIT 8
    VP.INIT 1
    IMPORT.MEM 6789
    MEM.PAGE.PROMOTE 1234589
    IMPORT.TRACK 67
    MEM.SEPT.RD 123456789A
    IMPORT.STATE.IMMUTABLE 0
    VP.RD 123456789A
    IMPORT.STATE.TD 6
    MEM.PAGE.REMOVE 1234589A
    IMPORT.STATE.VP 7
    MEM.SEPT.REMOVE 123456789A
    MIG.STREAM.CREATE 012
    """

  /// tdx-module §14.2b: leaf, allowed S-EPT states.
  static let entryStates = """
    MEM.PAGE.ADD 0
    MEM.PAGE.REMOVE 456ABC
    MEM.SEPT.ADD 02
    MEM.SEPT.REMOVE 23
    MEM.PAGE.RELOCATE 456789ABCDEF
    MEM.RANGE.UNBLOCK 35B
    MEM.PAGE.AUG 01
    EXPORT.BLOCKW 48AE
    MEM.RANGE.BLOCK 246AC
    EXPORT.RESTORE 789DEF
    MEM.RD 46789
    EXPORT.MEM 46789ACDEF
    MEM.WR 48
    EXPORT.UNBLOCKW 679CDF
    MEM.PAGE.DEMOTE 45AB
    IMPORT.MEM 014A
    MR.EXTEND 4
    TDG.MEM.PAGE.ACCEPT AE
    MEM.PAGE.PROMOTE 23
    TDG.MEM.PAGE.ATTR.RD 46789ACDEF
    MEM.SEPT.RD 0123456789ABCDEF
    TDG.MEM.PAGE.ATTR.WR 48AE
    """

  /// tdx-module §14.1: TDR, TDVPR, page 4K, page 2M, mapped/SEPT page, mapped 2M, OP_STATE,
  /// SEPT tree, SEPT entry, TD_EPOCH, KOT, WBT, global; X is EX, S is SH.
  static let locks = """
    MNG.CREATE --XS------X--
    MNG.KEY.CONFIG X------------
    MNG.ADDCX X-XS---------
    MNG.INIT X------------
    MNG.RD S-----S------
    MNG.WR S-----S------
    MNG.VPFLUSHDONE X---------X--
    MNG.KEY.FREEID X---------X--
    MNG.KEY.RECLAIMID -------------
    VP.CREATE S-XS--S------
    VP.ADDCX SXXS--S------
    VP.INIT SX----S------
    VP.FLUSH SX-----------
    VP.ENTER SS----S--S---
    VP.RD SS----S------
    VP.WR SS----S------
    MEM.SEPT.ADD S-XS--SSX----
    MEM.SEPT.REMOVE S---X-SXX----
    MEM.SEPT.RD S-----SSX----
    MEM.PAGE.ADD X-XS---------
    MEM.PAGE.AUG S-XS--SSX----
    MEM.PAGE.REMOVE S---X-SSX----
    MEM.PAGE.RELOCATE S-XSX-SSX----
    MEM.PAGE.PROMOTE S---XXSSX----
    MEM.PAGE.DEMOTE S-XS-XSSX----
    MEM.RANGE.BLOCK S-----SXX----
    MEM.RANGE.UNBLOCK S-----SXX----
    MEM.TRACK S-----S--X---
    MEM.RD S-----SSX----
    MEM.WR S-----SSX----
    MR.EXTEND X------------
    MR.FINALIZE X------------
    PHYMEM.CACHE.WB ----------SX-
    PHYMEM.PAGE.RECLAIM S-XS---------
    PHYMEM.PAGE.RECLAIM(TDR) X--S---------
    PHYMEM.PAGE.RDMD --SS---------
    PHYMEM.PAGE.WBINVD --SS---------
    MIG.STREAM.CREATE S-XS--X------
    SERVTD.PREBIND S-----S------
    MEM.PAGE.AUG(2M) S--X--SSX----
    MEM.PAGE.REMOVE(2M) S----XSSX----
    PHYMEM.PAGE.RECLAIM(2M) S--X---------
    SYS.TDMR.INIT -------------
    SYS.CONFIG ------------X
    SYS.KEY.CONFIG ------------X
    EXPORT.PAUSE X------------
    IMPORT.ABORT X------------
    IMPORT.COMMIT X------------
    IMPORT.END X------------
    IMPORT.TRACK X------------
    IMPORT.STATE.IMMUTABLE X------------
    IMPORT.STATE.TD X------------
    EXPORT.TRACK S-----X------
    EXPORT.ABORT S-----X------
    EXPORT.STATE.IMMUTABLE S-----X------
    EXPORT.STATE.TD S-----X------
    EXPORT.BLOCKW S-----SSX----
    EXPORT.RESTORE S-----SSX----
    EXPORT.UNBLOCKW S-----SSX----
    EXPORT.MEM S-----SSX----
    IMPORT.MEM S-XSX-SSX----
    EXPORT.STATE.VP SX----S------
    IMPORT.STATE.VP SX----S------
    SERVTD.BIND S-----S------
    SYS.INIT ------------X
    SYS.SHUTDOWN ------------X
    SYS.UPDATE ------------X
    SYS.LP.INIT ------------S
    TDG.MEM.PAGE.ACCEPT --------X----
    TDG.MEM.PAGE.ATTR.RD --------X----
    TDG.MEM.PAGE.ATTR.WR --------X----
    """

  private func rows(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
  }

  private static let leaves = ModuleLeaf.all + ModuleLeaf.tableOnly

  @Test("OP_STATE") func opStateRows() {
    let wanted = rows(Self.opStates).mapValues { digits in digits.compactMap(\.hexDigitValue) }
    let found = Self.leaves.filter { $0.opStates != nil }
    #expect(found.map(\.name).sorted() == wanted.keys.sorted())
    for leaf in found { #expect(leaf.opStates == wanted[leaf.name], "\(leaf.name)") }
  }

  @Test("S-EPT states") func entryRows() {
    let wanted = rows(Self.entryStates).mapValues { digits in digits.compactMap(\.hexDigitValue) }
    let found = Self.leaves.filter { $0.entryStates != nil }
    #expect(found.map(\.name).sorted() == wanted.keys.sorted())
    for leaf in found { #expect(leaf.entryStates == wanted[leaf.name], "\(leaf.name)") }
  }

  @Test("locks") func lockRows() {
    let wanted = rows(Self.locks)
    #expect(Self.leaves.map(\.name).sorted() == wanted.keys.sorted())
    for leaf in Self.leaves {
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
