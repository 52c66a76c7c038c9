import SpecLanguage

extension ModuleLeaf {
  /// The rows as tables that can be read; the leaves of the spec first.
  static var tables: [ReferenceTable] {
    let rows = all + tableOnly
    return [
      ReferenceTable(
        "OP_STATE in which a leaf may be called", cites: "tdx-module §14.2",
        columns: ["leaf"] + (0...10).map { "\($0)" },
        rows: rows.compactMap { leaf in leaf.opStates.map { leaf.row($0, upTo: 10) } }),
      ReferenceTable(
        "S-EPT entry states that a leaf takes", cites: "tdx-module §14.2b",
        columns: ["leaf"] + (0...15).map { "\($0)" },
        rows: rows.compactMap { leaf in leaf.entryStates.map { leaf.row($0, upTo: 15) } }),
      ReferenceTable(
        "Locks that a leaf takes", cites: "tdx-module §14.1",
        columns: ["leaf"] + ModuleLock.allCases.map(\.heading) + ["other"],
        rows: rows.map { [$0.name] + $0.locks.map(\.rawValue) + [$0.remark] }),
    ]
  }

  private func row(_ allowed: [Int], upTo last: Int) -> [String] {
    [name] + (0...last).map { allowed.contains($0) ? "\($0)" : "·" }
  }
}
