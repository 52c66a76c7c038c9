/// A table of facts that a spec's guards are made from, kept with the spec so that it can be read.
public struct ReferenceTable: Hashable, Sendable {
  public let title: String
  /// What the columns stand for; the first column names the row.
  public let columns: [String]
  public let rows: [[String]]
  public let citations: [String]

  /// - Parameter rows: each as long as `columns`.
  public init(_ title: String, cites citations: String..., columns: [String], rows: [[String]]) {
    self.title = title
    self.columns = columns
    self.rows = rows
    self.citations = citations
  }

  /// The table with its columns aligned.
  public var text: String {
    let widths = columns.indices.map { column in
      ([columns] + rows).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    let source = citations.isEmpty ? "" : " (\(citations.joined(separator: "; ")))"
    var out = "\(title)\(source)\n"
    for row in [columns] + rows {
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      let line = cells.joined(separator: "  ")
      out += "  " + String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }
    return out
  }
}
