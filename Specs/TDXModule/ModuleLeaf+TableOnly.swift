/// The rest of the module's interface: rows without a leaf in the spec (tdx-module §14.1, §14.2,
/// §14.2b). Variants of a leaf with other operands have their own row of locks.
extension ModuleLeaf {
  static let tableOnly: [ModuleLeaf] = data + migration + services

  private static let data: [ModuleLeaf] = [
    ModuleLeaf("MNG.KEY.RECLAIMID", locks: "-------------"),
    ModuleLeaf(
      "MEM.RD", op: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], entry: [4, 6, 7, 8, 9],
      locks: "S-----SSX----"),
    ModuleLeaf("MEM.WR", op: [1, 2, 3, 6, 7, 8, 9, 10], entry: [4, 8], locks: "S-----SSX----"),
    ModuleLeaf("PHYMEM.PAGE.RECLAIM(TDR)", locks: "X--S---------"),
    ModuleLeaf("MEM.PAGE.AUG(2M)", locks: "S--X--SSX----"),
    ModuleLeaf("MEM.PAGE.REMOVE(2M)", locks: "S----XSSX----"),
    ModuleLeaf("PHYMEM.PAGE.RECLAIM(2M)", locks: "S--X---------"),
    ModuleLeaf(
      "TDG.MEM.PAGE.ATTR.RD", entry: [4, 6, 7, 8, 9, 10, 12, 13, 14, 15], locks: "--------X----"),
    ModuleLeaf("TDG.MEM.PAGE.ATTR.WR", entry: [4, 8, 10, 14], locks: "--------X----"),
  ]

  private static let migration: [ModuleLeaf] = [
    ModuleLeaf("MIG.STREAM.CREATE", op: [0, 1, 2], locks: "S-XS--X------", "mig EX"),
    ModuleLeaf("EXPORT.PAUSE", op: [3], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf(
      "IMPORT.ABORT", op: [6, 7, 8, 10], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("IMPORT.COMMIT", op: [8], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("IMPORT.END", op: [8, 9], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("IMPORT.TRACK", op: [6, 7], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("IMPORT.STATE.IMMUTABLE", op: [0], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("IMPORT.STATE.TD", op: [6], locks: "X------------", "MIGSC where applicable"),
    ModuleLeaf("EXPORT.TRACK", op: [3, 4], locks: "S-----X------", "mig EX, MIGSC"),
    ModuleLeaf("EXPORT.ABORT", op: [3, 4, 5], locks: "S-----X------", "mig EX, MIGSC"),
    ModuleLeaf("EXPORT.STATE.IMMUTABLE", op: [2, 9], locks: "S-----X------", "mig EX, MIGSC"),
    ModuleLeaf("EXPORT.STATE.TD", op: [4], locks: "S-----X------", "MIGSC"),
    ModuleLeaf("EXPORT.BLOCKW", op: [3], entry: [4, 8, 10, 14], locks: "S-----SSX----"),
    ModuleLeaf("EXPORT.RESTORE", op: [2], entry: [7, 8, 9, 13, 14, 15], locks: "S-----SSX----"),
    ModuleLeaf(
      "EXPORT.UNBLOCKW", op: [2, 3, 4, 5], entry: [6, 7, 9, 12, 13, 15], locks: "S-----SSX----"),
    ModuleLeaf(
      "EXPORT.MEM", op: [3, 4, 5], entry: [4, 6, 7, 8, 9, 10, 12, 13, 14, 15],
      locks: "S-----SSX----", "mig SH, MIGSC"),
    ModuleLeaf(
      "IMPORT.MEM", op: [6, 7, 8, 9], entry: [0, 1, 4, 10],
      locks: "S-XSX-SSX----", "mig SH, MIGSC"),
    ModuleLeaf("EXPORT.STATE.VP", op: [4], locks: "SX----S------", "MIGSC"),
    ModuleLeaf("IMPORT.STATE.VP", op: [7], locks: "SX----S------", "MIGSC"),
  ]

  private static let services: [ModuleLeaf] = [
    ModuleLeaf("SERVTD.PREBIND", op: [0, 1], locks: "S-----S------", "bindings EX"),
    ModuleLeaf("SYS.TDMR.INIT", locks: "-------------", "TDMR mutex"),
    ModuleLeaf("SYS.CONFIG", locks: "------------X"),
    ModuleLeaf("SYS.KEY.CONFIG", locks: "------------X"),
    ModuleLeaf(
      "SERVTD.BIND", op: [0, 1, 2, 3, 8, 9], locks: "S-----S------",
      "bindings EX, service rtmr SH, both TDs"),
    ModuleLeaf("SYS.INIT", locks: "------------X"),
    ModuleLeaf("SYS.SHUTDOWN", locks: "------------X"),
    ModuleLeaf("SYS.UPDATE", locks: "------------X"),
    ModuleLeaf("SYS.LP.INIT", locks: "------------S"),
  ]
}
