/// A table that fits the width of a mail.
///
/// A cell that is too wide goes on in the next line of the table, under it; each line has all
/// columns, so the text stays valid Markdown.
public struct MarkdownTable: Sendable {
  /// The heading of each column.
  public let head: [String]
  /// For each row and column: what stands in the cell, an item a line.
  public private(set) var rows: [[[String]]] = []
  /// Without spaces beside the bars, for tables of many columns.
  public var isCompact = false

  public init(_ head: [String]) { self.head = head }

  /// What a column takes besides its text.
  private var frame: Int { isCompact ? 1 : 3 }

  public mutating func add(_ cells: [[String]]) {
    rows.append(cells.map { $0.map(WrappedText.escaped) })
  }

  /// How wide it is when no cell is broken.
  public var naturalWidth: Int { head.indices.map(naturalWidth).reduce(1) { $0 + $1 + frame } }

  private func naturalWidth(_ column: Int) -> Int {
    rows.reduce(head[column].count) { most, row in
      row[column].reduce(most) { max($0, $1.count) }
    }
  }

  /// The widest word of a column.
  private func leastWidth(_ column: Int) -> Int {
    rows.reduce(head[column].count) { most, row in
      row[column].reduce(most) { widest, item in
        item.split(separator: " ").reduce(widest) { max($0, $1.count) }
      }
    }
  }

  /// The columns' widths: as wide as they need to be, else narrower, the widest first.
  private func widths(within width: Int) -> [Int] {
    let room = width - frame * head.count - 1
    let natural = head.indices.map(naturalWidth)
    let least = head.indices.map(leastWidth)
    func fitted(_ cap: Int, _ floor: [Int]) -> [Int] {
      zip(natural, floor).map { max($1, min($0, cap)) }
    }
    let floors = least.reduce(0, +) <= room ? least : head.map { min($0.count, room / head.count) }
    var cap = natural.max() ?? 0
    while cap > 1, fitted(cap, floors).reduce(0, +) > room { cap -= 1 }
    return fitted(cap, floors)
  }

  /// The lines of the table.
  public func lines(width: Int = WrappedText.mailWidth) -> [String] {
    let widths = widths(within: width)
    let gap = isCompact ? "" : " "
    func line(_ cells: [String]) -> String {
      zip(cells, widths).reduce("|") { line, cell in
        let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
        return line + "\(gap)\(cell.0)\(space)\(gap)|"
      }
    }
    let rule = widths.reduce("|") { $0 + String(repeating: "-", count: $1 + frame - 1) + "|" }
    var lines = [line(head), rule]
    for row in rows {
      let cells = zip(row, widths).map { items, width in
        items.flatMap { WrappedText.lines($0, width: width) }
      }
      for index in 0..<max(1, cells.map(\.count).max() ?? 1) {
        lines.append(line(cells.map { index < $0.count ? $0[index] : "" }))
      }
    }
    return lines
  }
}
