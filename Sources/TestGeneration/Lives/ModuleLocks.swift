import ConformanceKit
import SpecLanguage

/// Which SEAMCALLs may find each other's locks taken, by the spec's table of locks.
///
/// What a lock is of is told by the operands' names: where that is not enough, as for the page
/// behind an entry, two locks may be the same one. So calls that cannot collide share no lock, and
/// calls that may collide need not.
struct ModuleLocks {
  /// For each leaf its locks by column, with whether they are taken exclusively.
  private let rows: [String: [(column: String, isExclusive: Bool)]]

  /// Nil when the spec has no such table.
  init?(_ spec: SpecDescription) {
    guard let table = spec.tables.first(where: { $0.title == "Locks that a leaf takes" }) else {
      return nil
    }
    var rows: [String: [(column: String, isExclusive: Bool)]] = [:]
    for row in table.rows {
      guard let leaf = row.first else { continue }
      rows[leaf] = zip(table.columns, row).dropFirst().compactMap { column, mode in
        ["SH", "EX"].contains(mode) ? (column, mode == "EX") : nil
      }
    }
    self.rows = rows
  }

  private struct Use {
    let object: String
    let isExclusive: Bool

    /// Some page, of which it is not known which.
    static let anyPage = "page:*"

    func meets(_ other: Use) -> Bool {
      guard isExclusive || other.isExclusive else { return false }
      let objects = [object, other.object]
      return object == other.object
        || objects.contains(Self.anyPage) && objects.allSatisfy { $0.hasPrefix("page:") }
    }
  }

  /// Whether one call may find a lock taken that the other has.
  func canCollide(_ first: Call, _ second: Call) -> Bool {
    let others = uses(second)
    return uses(first).contains { use in others.contains { use.meets($0) } }
  }

  private func uses(_ call: Call) -> [Use] {
    (rows[call.name] ?? []).map { column, isExclusive in
      Use(object: Self.object(column, call), isExclusive: isExclusive)
    }
  }

  private static func text(_ call: Call, _ argument: String) -> String? {
    guard case .text(let text)? = call.arguments[argument] else { return nil }
    return text
  }

  /// The TD of a call: of a vCPU its TD's; of a page it may be any of two, and is taken for the
  /// first.
  private static func td(_ call: Call) -> String {
    if let vcpu = text(call, "vcpu"), call.name != "VP.CREATE" {
      return "td:\(vcpu.dropFirst("vcpu:".count).prefix { $0 != "." })"
    }
    return call.name == "MNG.CREATE" ? "none" : text(call, "td") ?? "td:0"
  }

  private static func object(_ column: String, _ call: Call) -> String {
    switch column {
    case "TDR": page(td(call))
    case "TDVPR": page(text(call, "vcpu") ?? "")
    case "page 4K", "page 2M": page(text(call, "page") ?? "") + (column == "page 2M" ? "/2M" : "")
    case "mapped/SEPT page", "mapped 2M": Use.anyPage
    case "KOT", "global": column
    case "WBT": if case .integer(let lp)? = call.arguments["lp"] { "WBT \(lp / 2)" } else { column }
    default: "\(column) of \(td(call))"
    }
  }

  /// The pages that TDs and vCPUs of the lives begin with.
  private static func page(_ name: String) -> String {
    switch name {
    case "td:0": "page:47"
    case "td:1": "page:20"
    case "vcpu:0.0": "page:40"
    case "vcpu:0.1": "page:26"
    default: name.hasPrefix("page:") ? name : "page:\(name)"
    }
  }
}
