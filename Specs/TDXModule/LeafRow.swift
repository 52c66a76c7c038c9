import SpecLanguage

/// A leaf's row of the module's tables, for specs that make SEAMCALLs (tdx-module §14.1, §14.2).
public struct LeafRow: Sendable {
  private let leaf: ModuleLeaf

  /// TDH.VP.INIT in its version 1, which takes the TDR exclusively (kvm-tdx §3.4); the tables are
  /// those of version 0.
  private static let vpInitVersion1 = ModuleLeaf(
    "VP.INIT(v1)", op: ModuleLeaf.vpInit.opStates, locks: "XX-----------", "the TDR, because of v1")

  /// The row of this name, without `TDH.`; `nil` when there is none.
  public init?(_ name: String) {
    let rows = ModuleLeaf.all + ModuleLeaf.tableOnly + [Self.vpInitVersion1]
    guard let found = rows.first(where: { $0.name == name }) else { return nil }
    leaf = found
  }

  /// How the leaf takes the TDR; `nil` when it does not.
  public var tdr: LockMode? {
    switch leaf.lock(.TDR) {
    case .none: nil
    case .SH: .shared
    case .EX: .exclusive
    }
  }

  /// The states of OP_STATE in which it may be called, by number; `nil` when it does not ask.
  public var opStates: [Int]? { leaf.opStates }
}
